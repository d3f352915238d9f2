"""What a verification writes down of itself, and what of that still counts when it goes on."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.build.model import Built, Step
from imageopt.verify.journal import open_journal
from imageopt.verify.model import ScanRecord, Vulnerability
from imageopt.verify.request import VerifyRequest

BUILT = Built(
    "sha256:1", "t", 12.5, 2, 0, ("last words",), (Step("[1/2] RUN x", 1.5, False), Step("[2/2] RUN y", None, True))
)
FOUND = Vulnerability("CVE-1", "lodash", "1", "2", "HIGH", "npm", ("GHSA-1",))
SCAN = ScanRecord(
    "Trivy", "1", "2026-01-01", (FOUND,), ("key /x",), ("MIT",), ("DS1 image: x",), {"npm/lodash": "1"}, "debian 12", 3
)


@pytest.fixture
def request_(tmp_path: Path) -> VerifyRequest:
    return VerifyRequest(tmp_path, "Dockerfile", b"FROM a", after=b"FROM b", resume=True)


def test_what_was_done_is_known_to_the_next_run(request_: VerifyRequest) -> None:
    first = open_journal(request_, "1-aa")
    assert first.built("before") is None
    first.note_built("before", BUILT, ("sha256:l",))
    first.note_scanned("before", SCAN)
    second = open_journal(request_, "2-bb")
    assert second.namespace == "1-aa"
    assert second.built("before") == (BUILT, ("sha256:l",))
    assert second.scanned("before") is None  # it is not sure yet that the image is the same
    second.note_built("before", BUILT, ("sha256:l",))
    assert second.scanned("before") == SCAN


def test_a_scan_of_other_layers_does_not_count(request_: VerifyRequest) -> None:
    first = open_journal(request_, "1-aa")
    first.note_built("after", BUILT, ("sha256:l",))
    first.note_scanned("after", SCAN)
    second = open_journal(request_, "2-bb")
    second.note_built("after", BUILT, ("sha256:other",))
    assert second.scanned("after") is None


@pytest.mark.parametrize(
    "change", [{"resume": False}, {"after": b"FROM c"}, {"build_args": {"A": "1"}}, {"target": "x"}]
)
def test_another_verification_has_another_journal(request_: VerifyRequest, change: dict[str, object]) -> None:
    open_journal(request_, "1-aa").note_built("before", BUILT, ("sha256:l",))
    other = open_journal(replace(request_, **change), "2-bb")
    assert (other.built("before"), other.namespace) == (None, "2-bb")


def test_a_damaged_journal_is_none(request_: VerifyRequest, tmp_path: Path) -> None:
    open_journal(request_, "1-aa").note_built("before", BUILT, ("sha256:l",))
    (path,) = (tmp_path / "state").rglob("*.json")
    for text in ("no JSON", "[]", '{"schema": "imageopt.journal/1", "before": {"build": 3}}'):
        path.write_text(text)
        assert open_journal(request_, "2-bb").built("before") is None


def test_a_scan_without_a_build_is_not_written_down(request_: VerifyRequest) -> None:
    journal = open_journal(request_, "1-aa")
    journal.note_scanned("before", SCAN)
    assert journal.scanned("before") is None
