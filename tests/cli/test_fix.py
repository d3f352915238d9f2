"""`imageopt rewrite --fix`: what it shows, writes, takes back, and refuses to be asked."""

import json
from pathlib import Path

import pytest

from imageopt.cli.edge import run

TEXT = b"# tools\r\nFROM debian:12-slim\r\nRUN apt-get update\r\nRUN apt-get install git\r\nUSER nobody\r\n"
MENDED = TEXT.replace(
    b"update\r\nRUN apt-get install git", b"update && apt-get install -y git && rm -rf /var/lib/apt/lists/*"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "app"
    project.mkdir()
    (project / "Dockerfile").write_bytes(TEXT)
    return project


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["rewrite", "--fix", *arguments]) == 0
    return capsys.readouterr().out


def test_it_shows_a_diff_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(folder))
    assert "+RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*\n" in text
    assert "apt-recommends" in text  # with its advice, below
    assert (folder / "Dockerfile").read_bytes() == TEXT


def test_apply_writes_and_undo_takes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "--apply", str(folder))
    assert (folder / "Dockerfile").read_bytes() == MENDED
    assert "a/Dockerfile" not in shown(capsys, "--apply", str(folder))
    assert run(["rewrite", "--undo", str(folder)]) == 0
    assert (folder / "Dockerfile").read_bytes() == TEXT


@pytest.mark.parametrize("name", ["interactive-install", "IO211", "io211"])
def test_one_rule_alone(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, "--rule", name, "--format", "json", str(folder)))
    assert [done["name"] for done in document["transforms"]] == ["interactive-install"]
    assert "+RUN apt-get install -y git" in document["diff"]
    assert document["refusals"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fix", "--rule", "apt-list-left"], "did you mean apt-lists-left?"),
        (["--fix", "--rule", "DL3009"], "did you mean apt-lists-left?"),
        (["--rule", "apt-lists-left"], "add --fix"),
        (["--fix", "--base", "slim"], "leave one of them out"),
        (["--fix", "docker:node:22"], "only a Dockerfile can be mended"),
    ],
)
def test_what_cannot_be_asked(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = [] if "docker:node:22" in arguments else [str(folder)]
    assert run(["rewrite", *arguments, *target]) == 2
    assert said in capsys.readouterr().err
