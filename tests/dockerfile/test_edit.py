"""Span edits: their table and their algebra."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.model import Edit


@st.composite
def text_and_edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    text = draw(st.text("ab\n", max_size=20))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    spans = zip(cuts[::2], cuts[1::2], strict=False)
    return text, [Edit(start, end, draw(st.text("xy", max_size=3))) for start, end in spans]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], "abcdef"),
        ([Edit(0, 1, "X")], "Xbcdef"),
        ([Edit(6, 6, "X")], "abcdefX"),
        ([Edit(4, 6, ""), Edit(0, 2, "XY")], "XYcd"),
        ([Edit(1, 3, "X"), Edit(3, 4, "Y")], "aXYef"),
        ([Edit(2, 2, "X"), Edit(2, 2, "Y")], "abXYcdef"),
        ([Edit(2, 3, "Z"), Edit(2, 2, "X")], "abXZdef"),
    ],
)
def test_table(edits: list[Edit], expected: str) -> None:
    assert apply("abcdef", edits) == expected


@pytest.mark.parametrize(
    "edits", [[Edit(0, 2, ""), Edit(1, 3, "")], [Edit(2, 1, "")], [Edit(-1, 0, "")], [Edit(5, 7, "")]]
)
def test_overlaps_and_spans_outside_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply("abcdef", edits)


@given(text_and_edits(), st.randoms())
def test_the_order_of_edits_does_not_matter(case: tuple[str, list[Edit]], random: Random) -> None:
    text, edits = case
    shuffled = list(edits)
    random.shuffle(shuffled)
    assert apply(text, shuffled) == apply(text, edits)


@given(text_and_edits())
def test_replacing_by_what_is_there_changes_nothing(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    assert apply(text, [Edit(e.start, e.end, text[e.start : e.end]) for e in edits]) == text


@given(text_and_edits())
def test_one_at_a_time_from_the_end_gives_the_same(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    step_by_step = text
    for edit in reversed(edits):
        step_by_step = apply(step_by_step, [edit])
    assert step_by_step == apply(text, edits)


@given(text_and_edits())
def test_edits_can_be_undone(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    undo, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        undo.append(Edit(start, start + len(edit.replacement), text[edit.start : edit.end]))
        shift += len(edit.replacement) - (edit.end - edit.start)
    assert apply(apply(text, edits), undo) == text
