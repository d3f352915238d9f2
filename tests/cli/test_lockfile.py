"""`imageopt rewrite --lockfile`, with a lock file that is looked after without an engine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imageopt.cli.commands.rewrite import command
from imageopt.errors import UsageError
from imageopt.lockfile import propose as module
from imageopt.lockfile.model import LockOutcome, Made, NotDone
from imageopt.project.model import Lock, Project

LOCK = {
    "name": "tiny",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {"": {"name": "tiny", "dependencies": {"ms": "2.1.3"}}, "node_modules/ms": {"version": "2.1.3"}},
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a lock file, and no engine to ask."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "tiny"
    folder.mkdir()
    manifest = {"name": "tiny", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / "server.js").write_text("require('http').createServer().listen(3000)\n")
    (folder / "Dockerfile").write_text(
        'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD ["node", "server.js"]\n'
    )
    return folder


def looking_after(monkeypatch: pytest.MonkeyPatch, outcome: LockOutcome) -> list[Project]:
    asked: list[Project] = []

    def look_after(project: Project, *_rest: object, **_options: object) -> LockOutcome:
        asked.append(project)
        return outcome

    monkeypatch.setattr(module, "look_after", look_after)
    return asked


def run(*options: str) -> Result:
    return CliRunner().invoke(command, [*options, "--quiet"], catch_exceptions=False, standalone_mode=False)


def test_the_lock_is_written_with_the_rest_and_shown_in_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Lock("npm", "package-lock.json", "3", "in-sync", "", ())
    data = json.dumps(LOCK).encode()
    how = "`npm install --package-lock-only`"
    looking_after(
        monkeypatch, Made("package-lock.json", None, data, lock, "there was none", (), "1 package, 9 lines", how)
    )
    shown = run(str(root), "--lockfile", "--apply").output
    assert "+++ b/package-lock.json\n\\ 1 package, 9 lines\n" in shown
    assert (root / "package-lock.json").read_bytes() == data
    assert "npm ci" in (root / "Dockerfile").read_text()


def test_a_lock_that_is_not_made_leaves_everything_and_says_why(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (root / "Dockerfile").read_bytes()
    asked = looking_after(monkeypatch, NotDone("npm could not make it", None))
    shown = run(str(root), "--lockfile", "--apply").output
    assert "npm could not make it" in shown
    assert "there is no lock file: add --lockfile" in shown
    assert (root / "Dockerfile").read_bytes() == before
    assert len(asked) == 1


def test_nobody_is_asked_without_the_option(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = looking_after(monkeypatch, NotDone("", None))
    run(str(root))
    assert asked == []


def test_it_does_not_go_with_fix(root: Path) -> None:
    with pytest.raises(UsageError, match="--lockfile does not go with --fix"):
        run(str(root), "--lockfile", "--fix")
