"""From a naive project in a real git repository to a commit: applied, as a patch, with a message, and back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rewrite.gitrepository import Git, git_environment, git_in

from imageopt.cli.edge import run
from imageopt.rewrite.undo import state_folder

pytestmark = pytest.mark.slow  # whole processes, or a whole screen

DOCKERFILE = b"FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n"
LOCK = {
    "name": "p",
    "lockfileVersion": 3,
    "packages": {"": {"name": "p", "dependencies": {"a": "1"}}, "node_modules/a": {"version": "1.0.0"}},
}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git_environment(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def project(repository: Path) -> Path:
    """A project in a folder of its repository, committed."""
    folder = repository / "apps" / "my shop"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_bytes(DOCKERFILE)
    (folder / "package.json").write_text('{"name": "p", "scripts": {"start": "node s.js"}, "dependencies": {"a": "1"}}')
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    (folder / "s.js").write_text("require('http').createServer((q, r) => r.end('x')).listen(3000)")
    git = git_in(repository)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    return folder


@pytest.fixture
def git(repository: Path) -> Git:
    return git_in(repository)


def changed(git: Git) -> list[str]:
    return git("status", "--porcelain", "-z", "-uall").decode().split("\0")[:-1]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_apply_changes_what_was_announced_and_a_second_one_nothing(project: Path, git: Git, capsys: Capture) -> None:
    assert run(["rewrite", str(project), "--format", "json"]) == 0
    announced = [file["path"] for file in json.loads(capsys.readouterr().out)["files"]]
    assert announced == ["Dockerfile", ".dockerignore"]
    assert run(["rewrite", str(project), "--apply"]) == 0
    assert "written: Dockerfile, .dockerignore; " in capsys.readouterr().err
    assert changed(git) == [" M apps/my shop/Dockerfile", "?? apps/my shop/.dockerignore"]
    written = files(project)
    assert run(["rewrite", str(project), "--apply"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "nothing to do"
    assert files(project) == written
    assert run(["rewrite", str(project), "--undo"]) == 0
    assert changed(git) == []


def test_the_patch_does_what_apply_does(project: Path, git: Git, tmp_path: Path) -> None:
    patch = tmp_path / "change.patch"
    assert run(["rewrite", str(project), "--quiet", "--patch", str(patch), "--apply"]) == 0
    applied = files(project)
    assert run(["rewrite", str(project), "--undo"]) == 0
    git("status")  # git learns that the files are what they were
    git("apply", "--index", str(patch))
    assert files(project) == applied
    git("apply", "--index", "--reverse", str(patch))
    assert changed(git) == []


def test_stdout_is_the_patch_alone(project: Path, git: Git, tmp_path: Path) -> None:
    shown = tmp_path / "shown.json"
    command = [sys.executable, "-m", "imageopt", "rewrite", ".", "--patch", "-", "--format", f"json={shown}"]
    patch = subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=60).stdout
    assert patch.startswith(b"diff --git a/apps/my shop/Dockerfile b/apps/my shop/Dockerfile\n")
    git("apply", "-", stdin=patch)
    assert len(changed(git)) == 2
    assert json.loads(shown.read_text())["outcome"] == "proposed"


def test_the_message_of_a_prediction(project: Path, git: Git, tmp_path: Path, capsys: Capture) -> None:
    message = tmp_path / "message"
    arguments = ["rewrite", str(project), "--quiet", "--apply", "--commit-message", str(message)]
    assert run(arguments) == 0
    git("add", "-A")
    git("commit", "-q", "-F", str(message))
    text = message.read_text()
    assert "measured:" not in text.lower().replace("not measured", "")
    assert "- multi-stage: what builds stays" in text
    assert git("log", "-1", "--format=%B").decode() == text + "\n"
    capsys.readouterr()
    assert run(["rewrite", str(project), "--quiet", "--undo"]) == 0  # a commit is no edit
    assert run(["rewrite", str(project), "--force", "--apply", "--commit-message"]) == 0  # as the last argument: stdout
    assert capsys.readouterr().out == text


def test_nothing_to_do_leaves_empty_files_and_no_old_ones(project: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(["rewrite", str(project), "--apply"]) == 0
    patch, message = tmp_path / "patch", tmp_path / "message"
    patch.write_text("of yesterday")
    message.write_text("of yesterday")
    assert run(["rewrite", str(project), "--patch", str(patch), "--commit-message", str(message)]) == 0
    assert (patch.read_bytes(), message.read_bytes()) == (b"", b"")


def test_an_edit_that_is_in_no_commit_needs_force(project: Path, capsys: Capture) -> None:
    (project / "Dockerfile").write_bytes(DOCKERFILE + b"# mine\n")
    before = files(project)
    assert run(["rewrite", str(project), "--apply"]) == 3
    assert "Dockerfile has changes that are not committed" in capsys.readouterr().err
    assert files(project) == before
    assert run(["rewrite", str(project), "--apply", "--force"]) == 0
    assert run(["rewrite", str(project / "Dockerfile"), "--undo"]) == 0  # named as the file, it is the same project
    assert files(project) == before


def test_an_edit_after_the_rewrite_needs_force_to_be_lost(project: Path, git: Git, capsys: Capture) -> None:
    assert run(["rewrite", str(project), "--apply"]) == 0
    with (project / "Dockerfile").open("ab") as file:
        file.write(b"# mine\n")
    assert run(["rewrite", str(project), "--undo"]) == 3
    assert "Dockerfile was edited since the rewrite was applied" in capsys.readouterr().err
    assert run(["rewrite", str(project), "--undo", "--force"]) == 0
    assert changed(git) == []


def test_what_a_killed_run_left_is_taken_back_first(project: Path, git: Git, capsys: Capture) -> None:
    assert run(["rewrite", str(project), "--apply"]) == 0
    written = files(project)
    record = next(state_folder(project).glob("*.json"))
    record.rename(record.with_suffix(".begun"))
    (project / ".dockerignore").unlink()
    assert run(["rewrite", str(project), "--apply"]) == 0
    assert "broken off is taken back: Dockerfile, .dockerignore" in capsys.readouterr().err
    assert files(project) == written
    assert run(["rewrite", str(project), "--undo"]) == 0
    assert changed(git) == []


def test_a_patch_does_not_show_a_secret(project: Path, tmp_path: Path, capsys: Capture) -> None:
    (project / "Dockerfile").write_bytes(DOCKERFILE.replace(b"COPY", b"ENV NPM_TOKEN=npm_canary1234567890abcdef\nCOPY"))
    patch = tmp_path / "patch"
    assert run(["rewrite", str(project), "--quiet", "--patch", str(patch)]) == 3
    captured = capsys.readouterr()
    assert "would show a secret" in captured.err
    assert "canary" not in captured.out + captured.err
    assert not patch.exists()
    assert run(["rewrite", str(project), "--quiet", "--patch", str(patch), "--force"]) == 0
    assert b"canary" in patch.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--undo", "--patch", "-"], "--undo goes with neither --patch"),
        (["--undo", "--commit-message", "x"], "--undo goes with neither --patch"),
        (["--force"], "--force goes with"),
        (["--result", "x"], "--result goes with --commit-message"),
        (["--result", "x", "--verify", "--commit-message", "y"], "both say what was measured"),
        (["--patch", "-", "--commit-message", "-"], "two results cannot both go to stdout"),
        (["--patch", "-", "--format", "json"], "two results cannot both go to stdout"),
        (["--patch", "x", "--commit-message", "./x"], "would be one file"),
        (["--patch", "apps/../apps/my shop/Dockerfile"], "is a file that the change is about"),
    ],
)
def test_options_that_do_not_go_together(
    project: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(repository)
    before = files(repository)
    assert run(["rewrite", str(project), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert files(repository) == before


def test_a_place_that_cannot_be_written_is_told_before_anything_is_done(project: Path, capsys: Capture) -> None:
    before = files(project)
    assert run(["rewrite", str(project), "--apply", "--commit-message", str(project)]) == 3
    assert "cannot be written" in capsys.readouterr().err
    assert files(project) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file"),
        ("{", "it is not JSON"),
        ('{"schema": "imageopt.rewrite/1"}', "is no verification"),
        ('{"schema": "imageopt.verification/1"}', "the result is damaged"),
        ('{"schema": "imageopt.verification/1", "rewrite": null}', "measures another change"),
    ],
)
def test_a_result_that_says_nothing_of_this_change(
    project: Path, tmp_path: Path, capsys: Capture, text: str | None, words: str
) -> None:
    result = tmp_path / "result.json"
    if text is not None:
        result.write_text(text)
    before = files(project)
    message = str(tmp_path / "message")
    assert run(["rewrite", str(project), "--apply", "--commit-message", message, "--result", str(result)]) == 3
    assert words in capsys.readouterr().err
    assert files(project) == before
    assert not os.path.lexists(message)
