"""Numbers -> rectangles whose areas are as the numbers: a squarified treemap (Bruls, Huizing, van Wijk, 2000)."""

from collections.abc import Sequence

from msgspec import Struct


class Box(Struct, frozen=True):
    """A rectangle, in the units of the whole; `index` is the number's place in the input."""

    index: int
    x: float
    y: float
    width: float
    height: float


def treemap(numbers: Sequence[float], width: float, height: float) -> list[Box]:
    """A box for each number above 0, biggest first, filling `width` x `height` without overlap."""
    order = sorted((index for index, number in enumerate(numbers) if number > 0), key=lambda index: -numbers[index])
    total = sum(numbers[index] for index in order)
    areas = [(index, numbers[index] * width * height / total) for index in order]
    boxes: list[Box] = []
    x = y = 0.0
    while areas:
        side = min(width, height)
        row = 1
        while row < len(areas) and _worst(areas[: row + 1], side) <= _worst(areas[:row], side):
            row += 1
        strip, areas = areas[:row], areas[row:]
        thickness = min(sum(area for _, area in strip) / side, max(width, height))  # what is left was rounded
        at = 0.0
        for index, area in strip:
            length = area / thickness
            if width >= height:
                boxes.append(Box(index, x, y + at, thickness, length))
            else:
                boxes.append(Box(index, x + at, y, length, thickness))
            at += length
        if width >= height:
            x, width = x + thickness, width - thickness
        else:
            y, height = y + thickness, height - thickness
    return boxes


def _worst(row: Sequence[tuple[int, float]], side: float) -> float:
    """The greatest ratio of length to width that the row's boxes would have."""
    total = sum(area for _, area in row)
    areas = [area for _, area in row]
    return max(side * side * max(areas) / (total * total), total * total / (side * side * min(areas)))
