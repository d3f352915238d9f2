"""Dockerfiles as careful people write them: nothing graver than `info` may be said of any, and hardly that."""

from datetime import date
from pathlib import Path

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

FILES = sorted((Path(__file__).parent / "well_kept").glob("*.Dockerfile"))
RULES = load_rules(examples=False)
NOW = date(2026, 6, 1)
MOST = 1  # of `info` and `style`, in one file


def test_there_are_ten() -> None:
    assert len(FILES) == 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_well_kept_dockerfile_is_left_in_peace(path: Path) -> None:
    dockerfile = parse(path.read_bytes())
    assert dockerfile.problems == ()
    findings = check(join(None, dockerfile, None), RULES, now=NOW)
    told = [(found.severity, found.rule, found.location and found.location.line, found.message) for found in findings]
    assert [each for each in told if each[0] in ("error", "warning")] == []
    assert len(told) <= MOST, told
