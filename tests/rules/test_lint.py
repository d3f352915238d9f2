"""Many files are shared out among processes, and what is found is the same as in one."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.errors import UsageError
from imageopt.image import spread
from imageopt.rules import lint as module
from imageopt.rules.lint import Policies, Source, lint
from imageopt.rules.model import Location

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


def test_what_is_said_of_no_line_is_said_of_its_own_file(tmp_path: Path) -> None:
    full = Source("full", tmp_path, TEXTS[0])
    found = lint([full, Source("empty", tmp_path, b"")], Policies()).findings
    places = [finding.location for finding in found if finding.rule in ("runs-as-root", "parse-error")]
    assert places == [Location("full", 1, 6, 1, 13), Location("empty", 1, 1, 1)]
    assert module._from_here(replace(found[0], location=None), full, set()).location == Location("full", 1, 1, 1)


def test_without_fingerprints_the_findings_are_the_same(tmp_path: Path) -> None:
    sources = [Source(f"{number}", tmp_path, text) for number, text in enumerate((*TEXTS, b"", b""))]
    known = lint(sources, Policies())
    unknown = lint(sources, Policies(), with_fingerprints=False)
    assert all(len(finding.fingerprint) == 64 for finding in known.findings)
    assert unknown.findings == tuple(replace(finding, fingerprint="") for finding in known.findings)


def test_a_wrong_configuration_ends_it(tmp_path: Path) -> None:
    (tmp_path / "imageopt.toml").write_text("[rules]\nno-such-rule = 'off'\n")
    with pytest.raises(UsageError):
        lint(_sources(tmp_path, 1), Policies())
