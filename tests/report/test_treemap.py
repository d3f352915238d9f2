"""A treemap fills its frame: areas are as the numbers, and no two boxes overlap."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imageopt.report.treemap import treemap


@example([1, 33944013])  # what the first strip leaves is as thin as a rounding error
@given(st.lists(st.integers(0, 10**10), max_size=40))
def test_areas_are_as_the_numbers(numbers: list[int]) -> None:
    boxes = treemap(numbers, 1000, 420)
    total = sum(numbers)
    assert sorted(box.index for box in boxes) == [index for index, number in enumerate(numbers) if number]
    for box in boxes:
        assert box.width * box.height == pytest.approx(1000 * 420 * numbers[box.index] / total, rel=1e-6, abs=1e-6)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= 1000 * (1 + 1e-9)
        assert box.y + box.height <= 420 * (1 + 1e-9)


def test_boxes_are_rather_square() -> None:
    boxes = treemap([6, 6, 4, 3, 2, 2, 1], 600, 400)
    assert max(max(box.width / box.height, box.height / box.width) for box in boxes) < 3


def test_nothing_gives_no_box() -> None:
    assert treemap([], 10, 10) == []
    assert treemap([0, 0], 10, 10) == []
