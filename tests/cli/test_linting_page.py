"""What docs/linting.md and CONTRIBUTING.md show is so."""

import json
import re
from pathlib import Path

import pytest

from imageopt.cli.edge import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "linting.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("text", blocks(PAGE, "dockerfile"))
def test_what_is_suppressed_there_is_suppressed(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(text)
    assert run(["lint", "--fail-on", "warning", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["suppressed"]
    assert "IO613" not in {finding["code"] for finding in document["findings"]}


def test_the_configuration_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks(PAGE, "toml")
    (tmp_path / "imageopt.toml").write_text(text)
    (tmp_path / "Dockerfile").write_text("FROM node\n")
    assert run(["lint"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines if line.split()[1] == "error"] == ["IO501"]
    assert not [line for line in lines if "IO108" in line or "IO207" in line or "IO613" in line]


@pytest.mark.parametrize(
    "words", [line.split("  ")[0].split() for line in re.findall(r"^    imageopt (.+)$", PAGE, re.MULTILINE)]
)
def test_the_commands_there_are_commands(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web").mkdir()
    for name in ("Dockerfile", "web/Dockerfile"):
        (tmp_path / name).write_text("FROM node:22-slim\nUSER node\n")
    assert run([word for word in words if word not in ("-", "<", "x")]) == 0


def test_contributing_shows_the_rule_that_the_tests_add() -> None:
    rule = (ROOT / "tests" / "rules" / "team-rule.toml").read_text("utf-8")
    assert blocks((ROOT / "CONTRIBUTING.md").read_text("utf-8"), "toml") == [rule]
