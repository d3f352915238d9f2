"""`--now`: what depends on today is judged by it, and tells the day it was judged by."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import docker_archive, file, layer

from imageopt.cli.edge import run

DOCKERFILE = """\
FROM node:22-slim
ENV NODE_ENV=production
RUN apt-get update && apt-get install -y --no-install-recommends git
USER node
CMD ["node", "s.js"]
"""
WAIVED = '[[ignore]]\nrule = "apt-lists-left"\nreason = "wanted"\nuntil = 2027-03-31\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "imageopt.toml").write_text(WAIVED)
    docker_archive(tmp_path / "app.tar", [layer(file("a", b"1" * 10))])
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


def document(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--format", "json", "--quiet"]) in (0, 1)
    return json.loads(capsys.readouterr().out)


COMMANDS = [
    ["analyze", "."],
    ["lint", "Dockerfile"],
    ["gate", "../app.tar", "--max-unpacked", "1"],
    ["rewrite", "."],
    ["rewrite", ".", "--fix"],
    ["verify", "."],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_day_is_told(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert document(capsys, *words, "--now", "2026-02-03")["timing"]["now"] == "2026-02-03"
    today = date.today()  # noqa: DTZ011 (a day in the user's own calendar)
    assert date.fromisoformat(document(capsys, *words)["timing"]["now"]) - today <= date.resolution


def test_a_waiver_counts_through_its_last_day(capsys: pytest.CaptureFixture[str]) -> None:
    for day, rules in (("2027-03-31", []), ("2027-04-01", ["apt-lists-left", "unused-or-expired-suppression"])):
        for words in (["lint", "Dockerfile"], ["analyze", "."]):
            found = document(capsys, *words, "--now", day)["findings"]
            mine = [finding["rule"] for finding in found]
            assert [
                rule for rule in sorted(mine) if rule in ("apt-lists-left", "unused-or-expired-suppression")
            ] == rules


@pytest.mark.parametrize(("day", "mended"), [("2027-03-31", False), ("2027-04-01", True)])
def test_what_is_waived_is_not_mended(capsys: pytest.CaptureFixture[str], day: str, mended: bool) -> None:
    found = document(capsys, "rewrite", ".", "--fix", "--now", day)
    assert ("rm -rf /var/lib/apt/lists" in found["diff"]) == mended
