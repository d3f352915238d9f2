"""Where the bytes of an image come from: one row for each category and cause, adding up to `unpacked_bytes`."""

from collections.abc import Sequence

from imageopt.evidence.model import Category, CompositionRow, FileClass
from imageopt.image.model import Image


def compose(image: Image, classes: Sequence[FileClass]) -> tuple[CompositionRow, ...]:
    """The rows, biggest first; empty files make no row of their own."""
    born: list[dict[FileClass, int]] = [{} for _ in image.layers]
    for record, found in zip(image.files, classes, strict=True):
        of_layer = born[record[2]]
        of_layer[found] = of_layer.get(found, 0) + record[1]
    sizes: dict[tuple[Category, str | None], int] = {}
    layers: dict[tuple[Category, str | None], set[int]] = {}
    for birth, of_layer in enumerate(born):
        for (category, cause, _), size in of_layer.items():
            sizes[category, cause] = sizes.get((category, cause), 0) + size
            layers.setdefault((category, cause), set()).add(birth)
    rows = [
        CompositionRow(category, cause, size, tuple(sorted(layers[category, cause])))
        for (category, cause), size in sizes.items()
        if size
    ]
    return tuple(sorted(rows, key=lambda row: (-row.bytes, row.category, row.cause or "")))
