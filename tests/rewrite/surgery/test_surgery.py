"""Dockerfiles with stages of their own in, the author's file with a few better lines out: the golden files beside this.

`UPDATE_GOLDEN=1 pytest tests/rewrite` writes them anew.
"""

import os
from pathlib import Path

import pytest
from rewrite.node_shapes import evidence
from rewrite.surgery.stage_shapes import FOUND, STAGES, surgical
from rewrite.test_propose import shown

from imageopt.rewrite.propose import propose

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", sorted(STAGES))
def test_the_edited_file_is_the_golden_one(name: str, tmp_path: Path) -> None:
    rewrite = surgical(tmp_path, STAGES[name])
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown(rewrite), encoding="utf-8")
    assert shown(rewrite) == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(STAGES))
def test_a_second_run_changes_nothing(name: str, tmp_path: Path) -> None:
    for change in surgical(tmp_path, STAGES[name]).changes:
        (tmp_path / change.path).write_bytes(change.after)
    assert propose(evidence(tmp_path), FOUND).changes == ()
