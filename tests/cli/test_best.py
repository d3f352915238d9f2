"""`imageopt rewrite --best`, with a search that ends as the test says: what is shown, written and answered."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from imageopt.build.model import Built
from imageopt.cli.commands.rewrite import command
from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.proposals import Proposals
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Rewrite
from imageopt.verify import best as module
from imageopt.verify.best import Search, Tried, climb, not_begun
from imageopt.verify.model import Comparison, NotDone, Side, Verdict, Verification

pytestmark = pytest.mark.slow  # whole processes, or a whole screen

LOCK = {"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "tiny"}}}
NOT_DONE = NotDone("it is made up")
SIDE = Side("", Built("sha256:1", "t", None, 3, 0, ()), NOT_DONE, None, (), NOT_DONE, NOT_DONE)
EMPTY = Comparison({}, (None, None), (), (), (), (), (), (), (), (), (), (), (), (), {}, (), ())
Rungs = Callable[[Evidence], Sequence[Candidate]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A naive project, and no engine to ask."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "tiny", "version": "1.0.0"}))
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    (folder / "server.js").write_text("require('http').createServer().listen(3000)\n")
    (folder / "Dockerfile").write_text(
        'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nEXPOSE 3000\nCMD ["node", "server.js"]\n'
    )
    return folder


def searching(monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, Verdict]) -> None:
    """A search in which these candidates have these verdicts, each 5 MB smaller than the one before, others are broken."""

    def prove(one: Candidate, rewrite: Rewrite) -> Verification:
        saved = 5_000_000 * (1 + list(verdicts).index(one.name)) if one.name in verdicts else 0
        verdict = verdicts.get(one.name, "broken")
        return Verification("tiny", SIDE, SIDE, rewrite, EMPTY, None, saved, verdict, ("it was made up",), ())

    def search(_request: object, rungs: Rungs, **_: object) -> Search:
        return climb(rungs(seen[0]), prove, None)

    def remembered(self: Proposals, evidence: Evidence) -> tuple[Candidate, ...]:
        seen.append(evidence)
        return ladder(self, evidence)

    seen: list[Evidence] = []
    ladder = Proposals.ladder
    monkeypatch.setattr(module, "search", search)
    monkeypatch.setattr(Proposals, "ladder", remembered)


def run(*options: str) -> Result:
    return CliRunner().invoke(command, [*options, "--quiet"], catch_exceptions=False, standalone_mode=False)


def test_the_smallest_that_verifies_is_written(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    searching(monkeypatch, {"multi-stage": "verified", "slim": "verified", "alpine": "behaviour-changed"})
    done = run(str(root), "--best", "--apply", "--format", f"json={tmp_path}/r.json", "--format", "terminal")
    assert done.return_value == 0
    assert "FROM node:20-slim" in (root / "Dockerfile").read_text()
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["search"]["best"] == "slim"
    assert [one["name"] for one in document["candidates"] if one["best"]] == ["slim"]
    alone = [(one["name"], one["between"], one["measured_bytes"]) for one in document["search"]["isolated"]]
    assert alone == [
        ("base-swap to slim", ["multi-stage", "slim"], 5_000_000),
        ("base-swap to alpine", ["multi-stage", "alpine"], 10_000_000),
    ]
    assert "slim is kept: " in done.output
    assert "verdict: verified" in done.output


def test_without_one_that_verifies_nothing_is_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (root / "Dockerfile").read_bytes()
    searching(monkeypatch, {})
    done = run(str(root), "--best", "--apply", "--exit-code", "7")
    assert done.return_value == 7
    assert "nothing is kept: " in done.output
    assert (root / "Dockerfile").read_bytes() == before


def test_a_broken_baseline_has_its_own_answer(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(_request: object, rungs: Rungs, **_: object) -> Search:
        return replace(not_begun((), "the Dockerfile as it stands does not build: no"), baseline_broken=True)

    monkeypatch.setattr(module, "search", search)
    assert run(str(root), "--best").return_value == 3


def test_where_nothing_could_pay_there_is_no_answer_that_is_no(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(_request: object, _rungs: Rungs, **_: object) -> Search:
        return Search((Tried(Candidate("slim", "", None, "it saves too little"), None),), None, "nothing pays")

    monkeypatch.setattr(module, "search", search)
    assert run(str(root), "--best").return_value == 0


def test_where_nothing_can_be_offered_nothing_is_built(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "package-lock.json").unlink()
    monkeypatch.setattr(Proposals, "ladder", lambda *_: (Candidate("slim", "", None, "no"),))
    monkeypatch.setattr(module, "search", None)
    assert run(str(root), "--best").return_value == 0


@pytest.mark.parametrize("other", ["--fix", "--undo"])
def test_what_it_does_not_go_with(root: Path, other: str) -> None:
    with pytest.raises(UsageError, match="--best"):
        run(str(root), "--best", other)
