"""Where the bytes of an image come from: one row for each category and cause, adding up to `unpacked_bytes`."""

from collections.abc import Sequence

from imageopt.evidence.model import Category, CompositionRow, FileClass
from imageopt.image.model import Image


def compose(image: Image, classes: Sequence[FileClass]) -> tuple[CompositionRow, ...]:
    """The rows, biggest first; empty files make no row of their own."""
    sizes: dict[tuple[Category, str | None], int] = {}
    layers: dict[tuple[Category, str | None], set[int]] = {}
    for record, kind in zip(image.files, classes, strict=True):
        key = (kind.category, kind.cause)
        sizes[key] = sizes.get(key, 0) + record.size
        layers.setdefault(key, set()).add(record.birth)
    rows = [
        CompositionRow(category, cause, size, tuple(sorted(layers[category, cause])))
        for (category, cause), size in sizes.items()
        if size
    ]
    return tuple(sorted(rows, key=lambda row: (-row.bytes, row.category, row.cause or "")))
