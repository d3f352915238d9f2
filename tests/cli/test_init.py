"""`imageopt init` shows first, and writes only when it is told to, and only what is not there."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imageopt.cli.commands.init import command
from imageopt.errors import InputError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text('FROM node:20\nCMD ["node", "server.js"]\n')
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "server.js").write_text("require('http').createServer(f).listen(3000)\n")
    return tmp_path


def test_nothing_is_written_without_apply(app: Path) -> None:
    result = run(str(app))
    assert "+port = 3000" in result.stdout
    assert "nothing was written" in result.stderr
    assert not (app / "imageopt.toml").exists()


def test_what_is_shown_is_written_and_then_there_is_nothing_to_do(app: Path) -> None:
    run(str(app), "--apply", "--ci", "github", "--hook")
    assert (app / "imageopt.toml").exists()
    assert (app / ".github" / "workflows" / "imageopt.yml").exists()
    assert (app / ".pre-commit-config.yaml").exists()
    again = run(str(app), "--apply")
    assert again.stdout == ""
    assert "written" not in again.stderr


def test_what_is_left_to_the_user_is_shown(app: Path) -> None:
    (app / ".gitlab-ci.yml").write_text("test: {script: make}\n")
    result = run(str(app), "--apply")
    assert "Put this into .gitlab-ci.yml by hand" in result.stdout
    assert (app / ".gitlab-ci.yml").read_text() == "test: {script: make}\n"


def test_a_folder_that_is_not_there() -> None:
    assert isinstance(run("/nowhere").exception, InputError)
