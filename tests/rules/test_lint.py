"""Many files are shared out among processes, and what is found is the same as in one."""

from datetime import date
from pathlib import Path

import pytest

from imageopt.errors import UsageError
from imageopt.image import spread
from imageopt.rules import lint as module
from imageopt.rules.lint import Policies, Source, lint

TEXTS = (
    b"FROM node:20\nRUN npm install\n",
    b"FROM debian:bookworm\n# imageopt ignore=apt-recommends; reason=small; until=2030-01-01\nRUN apt-get install -y curl\n",
    b'FROM alpine:3.20\nCMD ["true"]\n',
)


def _sources(folder: Path, count: int) -> list[Source]:
    return [Source(f"{number}/Dockerfile", folder, TEXTS[number % 3]) for number in range(count)]


def test_shared_out_or_not_the_result_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 1, 1)
    alone = lint(_sources(tmp_path, 30), Policies(), now=day)
    monkeypatch.setattr(module, "_WORTH_SHARING", 0)
    monkeypatch.setattr(spread, "processes", lambda: 3)
    assert lint(_sources(tmp_path, 30), Policies(), now=day) == alone
    assert alone.files[:2] == ("0/Dockerfile", "1/Dockerfile")
    assert alone.suppressed[0].until == date(2030, 1, 1)


def test_a_wrong_configuration_ends_it(tmp_path: Path) -> None:
    (tmp_path / "imageopt.toml").write_text("[rules]\nno-such-rule = 'off'\n")
    with pytest.raises(UsageError):
        lint(_sources(tmp_path, 1), Policies())
