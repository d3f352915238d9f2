"""What every command takes, and what the commands that give no result say as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from imageopt.cli.edge import run
from imageopt.cli.main import COMMANDS
from imageopt.resources import schema_file

SHARED = ("--format", "--config", "--quiet", "--verbose", "--color")
NOTHING_TO_FORMAT = ("explore",)
OF_THEIR_OWN = ("completion", "gitlab")  # a script for the shell, and a group


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text('FROM node:22-slim\nUSER node\nCMD ["node", "s.js"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return tmp_path


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in OF_THEIR_OWN])
def test_every_command_takes_the_shared_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    told = capsys.readouterr().out
    missing = [option for option in SHARED if option not in told]
    assert missing == (["--format"] if name in NOTHING_TO_FORMAT else [])


def document(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What the command says as JSON, on stdout and in a file alike."""
    assert run([*words, "--format", "json=said.json"]) == 0
    assert capsys.readouterr().out == ""
    assert run([*words, "--format", "json", "-q", "-v", "--color", "never"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert json.loads(Path("said.json").read_text()) == found
    name = found["schema"].removeprefix("imageopt.").replace("/", "-")
    Draft202012Validator(json.loads(schema_file(name).read_text())).validate(found)
    return found


def test_a_rule_explained(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "explain", "DL3009")
    (rule,) = found["rules"]
    assert (rule["code"], rule["name"], rule["severity"]) == ("IO101", "apt-lists-left", "warning")
    assert {"what", "why", "better", "when_not"} <= rule.keys()
    assert {example["kind"] for example in rule["examples"]} >= {"bad", "good"}


def test_the_list_of_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(document(capsys, "rules", "php")["rules"]) > 5


def test_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    parts = {part["name"]: part for part in document(capsys, "doctor")["parts"]}
    assert parts["engine"]["found"] is False
    assert "nothing can be built" in parts["engine"]["cost"]


def test_what_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEOPT_CACHE", str(Path("kept").resolve()))
    found = document(capsys, "cache")
    assert (found["bytes"], found["removed_bytes"]) == (0, None)
    assert document(capsys, "cache", "--clear")["removed_bytes"] == 0
    monkeypatch.setenv("IMAGEOPT_CACHE", "")
    assert document(capsys, "cache")["folder"] is None


def test_what_a_project_gets(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "init")
    assert found["written"] is False
    assert [file["path"] for file in found["files"]] == ["imageopt.toml"]
    assert "+[rewrite]" in found["files"][0]["diff"]
    assert document(capsys, "init", "--ci", "gitlab")["files"][1]["path"] == ".gitlab-ci.yml"
    assert not Path("imageopt.toml").exists()


@pytest.mark.parametrize("name", ["rules", "doctor", "cache", "clean", "init", "report", "compare", "lint"])
def test_a_wrong_configuration_is_said_by_each(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.toml").write_text("[budgte]\n")
    words = {"report": ["x.json"], "compare": ["a.tar", "b.tar"]}.get(name, [])
    assert run([name, *words, "--config", "wrong.toml"]) == 2
    assert "wrong.toml:1: budgte is not known" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["rules"], ["init", "--apply"], ["cache", "--clear"], ["clean"]])
def test_a_format_that_a_list_has_not_is_said_first(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--format", "sarif"]) == 2
    assert "the formats are terminal, json" in capsys.readouterr().err
    assert not Path("imageopt.toml").exists()
