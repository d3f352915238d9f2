"""Whole projects in, whole Dockerfiles out: the golden files beside this one are what a reviewer would read.

`UPDATE_GOLDEN=1 pytest tests/rewrite` writes them anew.
"""

import os
from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, SHAPES, evidence, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

GOLDEN = Path(__file__).parent / "golden"


def shown(rewrite: Rewrite) -> str:
    """A rewrite as one text: the account first, then each file with its line ends made visible where they are CRLF."""
    lines: list[str] = [rewrite.outcome]
    lines += [f"+ {item.name} ({item.safety}): {item.reason}" for item in rewrite.transformed]
    lines += [f"- {item.name}: {item.reason}" for item in rewrite.refusals]
    lines += [f"* {note}" for note in rewrite.notes]
    for change in rewrite.changes:
        text = change.after.decode().replace("\r\n", "<CRLF>\n")
        lines += ["", f"=== {change.path}", text.removesuffix("\n")]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_rewrite_of_a_shape_is_the_golden_one(name: str, tmp_path: Path) -> None:
    rewrite = propose(evidence(write(tmp_path, SHAPES[name])), FAT)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown(rewrite), encoding="utf-8")
    assert shown(rewrite) == golden.read_text(encoding="utf-8")
