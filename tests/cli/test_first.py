"""`imageopt rewrite` and `imageopt verify` in a folder without a Dockerfile."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imageopt.cli.commands.rewrite import command
from imageopt.cli.commands.verify import command as verify_command
from imageopt.errors import InputError, UsageError
from imageopt.verify import verify as verifying
from imageopt.verify.request import VerifyRequest

LOCK = {"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "tiny"}}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service with a lock file and without a Dockerfile, and no engine to ask."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "tiny"
    folder.mkdir()
    manifest = {"name": "tiny", "version": "1.0.0", "scripts": {"start": "node server.js"}}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    (folder / "server.js").write_text("require('http').createServer().listen(3000)\n")
    return folder


def run(*options: str) -> Result:
    return CliRunner().invoke(command, [*options, "--quiet"], catch_exceptions=False, standalone_mode=False)


def test_it_is_written_and_taken_back(root: Path) -> None:
    shown = run(str(root), "--apply").output
    assert "tiny: a first Dockerfile is proposed" in shown
    assert "port 3000, as server.js" in shown
    text = (root / "Dockerfile").read_text()
    assert "FROM node:24-alpine" in text
    assert "USER node" in text
    assert text.splitlines()[-1].startswith("CMD [")
    assert "node_modules" in (root / ".dockerignore").read_text()
    run(str(root), "--undo")
    assert sorted(path.name for path in root.iterdir()) == ["package-lock.json", "package.json", "server.js"]


def test_what_is_missing_is_told_and_nothing_is_written(root: Path) -> None:
    (root / "server.js").write_text("require('./serve')();\n")
    shown = run(str(root), "--apply").output
    assert "nothing says which port it listens on" in shown
    assert not (root / "Dockerfile").exists()


@pytest.mark.parametrize("name", ["docker/Dockerfile", "Dockerfile.prod", "api.Dockerfile", "Containerfile"])
def test_a_project_with_another_dockerfile_has_one(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("FROM node:24\n")
    with pytest.raises(InputError, match="there is no Dockerfile in"):
        run(str(root))


def test_a_file_that_was_named_must_be_there(root: Path) -> None:
    with pytest.raises(InputError, match=r"there is no Dockerfile\.new in"):
        run(str(root), "--file", "Dockerfile.new")


def test_there_is_nothing_to_compare_candidates_with(root: Path) -> None:
    with pytest.raises(UsageError, match="there is no Dockerfile to compare candidates with"):
        run(str(root), "--best")


def test_verify_is_asked_to_judge_it_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[VerifyRequest] = []

    def verify(request: VerifyRequest, **_: object) -> None:
        asked.append(request)
        raise RuntimeError("seen")

    monkeypatch.setattr(verifying, "verify", verify)
    with pytest.raises(RuntimeError, match="seen"):
        CliRunner().invoke(verify_command, [str(root), "--quiet"], catch_exceptions=False, standalone_mode=False)
    assert asked[0].before is None
    assert asked[0].rewrite is not None
    assert [change.path for change in asked[0].rewrite.changes] == ["Dockerfile", ".dockerignore"]


def test_what_is_only_proposed_says_how_it_is_written(root: Path) -> None:
    told = CliRunner().invoke(command, [str(root)], catch_exceptions=False, standalone_mode=False)
    assert "nothing is written yet: --verify proves it" in told.stderr
    assert "nothing is written yet" not in run(str(root)).stderr
