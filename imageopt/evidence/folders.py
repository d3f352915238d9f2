"""The files of an image -> its folders with their bytes, layer by layer, folded so that a person can look at them.

What surprises: a row counts what no row below its path counts, so every byte is in exactly one row of its layer and the
rows add up to the image. What is too small for a row of its own is counted by the folder above.
"""

from collections import defaultdict
from dataclasses import dataclass

from imageopt.image.model import Image

ROWS = 5_000  # at most, beside one for the rest of each layer


@dataclass(frozen=True, slots=True)
class FolderRow:
    """A folder, or one big file, in the layer that stored it; the path is the image model's, empty for the root."""

    path: str
    layer: int
    bytes: int
    wasted_bytes: int
    file_count: int


@dataclass(slots=True)
class _Sum:
    bytes: int = 0
    wasted: int = 0
    files: int = 0

    def add(self, other: "_Sum") -> None:
        self.bytes += other.bytes
        self.wasted += other.wasted
        self.files += other.files


def folder_rows(image: Image, rows: int = ROWS) -> tuple[FolderRow, ...]:
    """The rows by layer and path: whatever holds at least one `rows`-th of the image's bytes has its own."""
    least = image.sizes.unpacked_bytes // rows + 1
    sums: dict[tuple[int, str], _Sum] = defaultdict(_Sum)
    found: list[FolderRow] = []
    for file in image.files:
        wasted = file.size if file.death is not None else 0
        if file.size >= least:
            found.append(FolderRow(file.path, file.birth, file.size, wasted, 1))
        else:
            one = sums[file.birth, file.path.rpartition("/")[0]]
            one.bytes += file.size
            one.wasted += wasted
            one.files += 1
    for depth in range(max((path.count("/") for _, path in sums), default=0), -1, -1):
        for layer, path in [key for key in sums if key[1] and key[1].count("/") == depth]:
            held = sums.pop((layer, path))
            if held.bytes >= least:
                found.append(FolderRow(path, layer, held.bytes, held.wasted, held.files))
            else:
                sums[layer, path.rpartition("/")[0]].add(held)
    found += (FolderRow("", layer, rest.bytes, rest.wasted, rest.files) for (layer, _), rest in sums.items())
    return tuple(sorted((row for row in found if row.bytes), key=lambda row: (row.layer, row.path)))
