"""A proposal that rests on a lock file which is not in the user's folder yet."""

import shutil
from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, NAIVE, evidence, package, write

from imageopt.evidence.model import Evidence
from imageopt.lockfile import propose as module
from imageopt.lockfile.model import Kept, LockOutcome, Made, NotDone
from imageopt.lockfile.propose import with_lock
from imageopt.progress import Progress
from imageopt.project.model import Lock
from imageopt.rewrite.apply import apply, undo
from imageopt.rewrite.diff import unified
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

WITH_LOCK = package(prod={"express": "4.19.2"})
PLAIN = {**EXPRESS, "package.json": WITH_LOCK["package.json"], "Dockerfile": NAIVE}
LOCK = WITH_LOCK["package-lock.json"].encode()


def made(before: bytes | None = None) -> Made:
    lock = Lock("npm", "package-lock.json", "3", "in-sync", "", ())
    return Made(
        "package-lock.json", before, LOCK, lock, "it had to be", ("ms",), "1 package, 9 lines", "`npm` in node:20"
    )


def proposed(
    monkeypatch: pytest.MonkeyPatch, outcome: LockOutcome, root: Path, files: dict[str, str] = PLAIN
) -> Rewrite:
    monkeypatch.setattr(module, "look_after", lambda *_args, **_options: outcome)
    found = evidence(write(root, files))
    return with_lock(found, lambda given: propose(given, FAT), progress=Progress())


def test_a_made_lock_is_a_change_and_the_rest_rests_on_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rewrite = proposed(monkeypatch, made(), tmp_path)
    assert rewrite.outcome == "proposed"
    assert [change.path for change in rewrite.changes] == ["Dockerfile", ".dockerignore", "package-lock.json"]
    assert b"npm ci" in rewrite.changes[0].after
    assert rewrite.changes[-1].after == LOCK
    assert unified(rewrite).endswith("+++ b/package-lock.json\n\\ 1 package, 9 lines\n")
    assert rewrite.transformed[-1].reason == "it had to be; made by `npm` in node:20"
    assert not (tmp_path / "package-lock.json").exists()


def test_it_is_written_and_taken_back_with_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    root.mkdir()
    rewrite = proposed(monkeypatch, made(), root)
    before = (root / "Dockerfile").read_bytes()
    apply(root, rewrite)
    assert (root / "package-lock.json").read_bytes() == LOCK
    undo(root)
    assert not (root / "package-lock.json").exists()
    assert (root / "Dockerfile").read_bytes() == before


def test_a_lock_is_proposed_alone_where_nothing_else_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "look_after", lambda *_args, **_options: made(b"old"))
    found = evidence(write(tmp_path, PLAIN))
    rewrite = with_lock(found, lambda given: propose(given, ()), progress=Progress())
    assert rewrite.outcome == "proposed"
    assert [change.path for change in rewrite.changes] == ["package-lock.json"]
    assert rewrite.transformed[0].reason.startswith("package-lock.json did not fit: it had to be")
    assert rewrite.notes == ()


def test_a_refusal_stays_beside_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {**PLAIN, "Dockerfile": 'FROM debian:12\nRUN npm install\nCMD ["node", "a.js"]\n'}
    rewrite = proposed(monkeypatch, made(), tmp_path, files)
    assert "package-lock.json" in [change.path for change in rewrite.changes]
    assert "debian:12 is not an official Node image" in rewrite.refusals[0].reason


def test_a_lock_that_fits_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {**PLAIN, **WITH_LOCK}
    rewrite = proposed(monkeypatch, Kept("package-lock.json", "`npm ci --dry-run` in node:20"), tmp_path, files)
    assert rewrite.notes[-1] == "package-lock.json fits package.json, says `npm ci --dry-run` in node:20"
    assert "package-lock.json" not in [change.path for change in rewrite.changes]


def test_a_drift_that_stays_keeps_npm_ci_out_of_the_dockerfile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file alone looks as if it fitted; what the package manager said counts."""
    drifted = Lock("npm", "package-lock.json", "3", "drifted", "npm says that it does not fit: ms", (), ("ms",))
    rewrite = proposed(monkeypatch, NotDone("npm could not make it", drifted), tmp_path, {**PLAIN, **WITH_LOCK})
    assert rewrite.changes == ()
    assert [refusal.name for refusal in rewrite.refusals] == ["multi-stage", "lockfile"]
    assert "npm says that it does not fit: ms" in rewrite.refusals[0].reason


def test_without_a_project_there_is_nothing_to_look_after(tmp_path: Path) -> None:
    asked: list[Evidence] = []

    def nothing(given: Evidence) -> Rewrite:
        asked.append(given)
        return Rewrite("nothing", (), (), (), None, "unknown", ())

    found = evidence(write(tmp_path, PLAIN))
    shutil.rmtree(tmp_path)
    bare = type(found)(None, found.dockerfile, "Dockerfile", None, found.base, (), (), ())
    assert with_lock(bare, nothing, progress=Progress()).outcome == "nothing"
    assert asked == [bare]


@pytest.mark.parametrize(
    ("ignored", "line"), [("node_modules\n/package-lock.json\n", 2), ("package-lock.json\n", 1), ("*.lock\n", 0)]
)
def test_a_lock_that_git_ignores_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ignored: str, line: int
) -> None:
    rewrite = proposed(monkeypatch, made(), tmp_path, {**PLAIN, ".gitignore": ignored})
    told = [note for note in rewrite.notes if note.startswith(".gitignore")]
    assert told == ([f".gitignore:{line} keeps package-lock.json out of git: take that line out, or the next build has none"] if line else [])  # fmt: skip
