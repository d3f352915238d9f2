"""`imageopt gitlab` from a job: what it sends, and what it says where it cannot."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from gitlabserver import TOKEN, GitLab, serving

from imageopt.cli.commands.gitlab import command
from imageopt.errors import InputError, UsageError
from imageopt.report.lint import lint_document
from imageopt.rules.lint import Policies, Source, lint


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GitLab]:
    monkeypatch.chdir(tmp_path)
    with serving() as server:
        for name, value in {**server.variables, "CI_PROJECT_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        yield server


def run(*arguments: str) -> str:
    """What is said; an error of ours is raised."""
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert result.return_value == 0
    return result.stderr


@pytest.fixture
def rewritten(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM node:20-alpine\n")
    (tmp_path / "rewrite.json").write_text(json.dumps({"files": [{"path": "Dockerfile", "new": False}]}))
    (tmp_path / "message.txt").write_text(f"Shrink the image\n\n2.34 GB -> 151 MB; token={TOKEN}\n")
    return "rewrite.json", "message.txt"


def test_a_proposal_is_made_of_what_the_rewrite_changed(gitlab: GitLab, rewritten: tuple[str, str]) -> None:
    said = run("propose", *rewritten, "--folder", "web", "--branch", "shrink")
    assert said == "imageopt: the merge request is opened: https://gitlab.example.org/mr/1\n"
    assert gitlab.branches["shrink"]["web/Dockerfile"] == b"FROM node:20-alpine\n"
    (request,) = gitlab.requests
    assert (request["title"], request["description"]) == ("Shrink the image", "2.34 GB -> 151 MB; token=***")


def test_nothing_to_propose(gitlab: GitLab, rewritten: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "message.txt").write_text("\n")
    assert run("propose", *rewritten) == "imageopt: there is nothing to propose\n"
    assert gitlab.asked == []


def test_a_folder_outside_of_the_repository_is_refused(
    gitlab: GitLab, rewritten: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "web")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "web"))
    with pytest.raises(InputError, match="not in the repository"):
        run("propose", "../rewrite.json", "../message.txt", "--folder", "../web")
    assert gitlab.asked == []


def test_a_note_is_the_markdown_of_the_result(gitlab: GitLab, tmp_path: Path) -> None:
    result = lint([Source("Dockerfile", tmp_path, b"FROM node:20\nRUN npm install\n/merge\n")], Policies())
    (tmp_path / "lint.json").write_text(json.dumps(lint_document(result)))
    with pytest.raises(UsageError, match="no format 'markdown'"):  # a lint has its own widget
        run("note", "lint.json")


def test_without_a_token_nothing_is_sent_and_nothing_fails(
    gitlab: GitLab, rewritten: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMAGEOPT_GITLAB_TOKEN")
    assert "IMAGEOPT_GITLAB_TOKEN is not set" in run("propose", *rewritten, "--folder", "web")
    assert gitlab.asked == []


@pytest.mark.parametrize(("text", "cause"), [(None, "cannot be read"), ("{", "not the JSON"), ("[]", "not the JSON")])
def test_a_result_that_is_none(gitlab: GitLab, tmp_path: Path, text: str | None, cause: str) -> None:
    if text is not None:
        (tmp_path / "gate.json").write_text(text)
    with pytest.raises(InputError, match=cause):
        run("note", "gate.json")
