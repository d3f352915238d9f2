"""The files of an image -> its folders with their bytes, layer by layer, folded so that a person can look at them.

What surprises: a row counts what no row below its path counts, so every byte is in exactly one row of its layer and the
rows add up to the image. What is too small for a row of its own is counted by the folder above.
"""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from imageopt.image.model import Image

ROWS = 5_000  # at most, beside one for the rest of each layer


class FolderRow(Struct, frozen=True):
    """A folder, or one big file, in the layer that stored it; the path is the image model's, empty for the root."""

    path: str
    layer: int
    bytes: int
    wasted_bytes: int
    file_count: int


class _Sum(Struct):
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
    found: list[FolderRow] = []
    layers: list[dict[str, _Sum]] = [defaultdict(_Sum) for _ in image.layers]
    for path, size, birth, _, death, _, _, _, _ in image.files:
        if size >= least:
            found.append(FolderRow(path, birth, size, size if death is not None else 0, 1))
        else:
            one = layers[birth][path.rpartition("/")[0]]
            one.bytes += size
            one.files += 1
            if death is not None:
                one.wasted += size
    for layer, sums in enumerate(layers):
        for folder in sorted(_with_parents(sums), reverse=True):  # what lies below comes first
            held = sums[folder]
            if held.bytes >= least or not folder:
                found.append(FolderRow(folder, layer, held.bytes, held.wasted, held.files))
            else:
                sums[folder.rpartition("/")[0]].add(held)
    return tuple(sorted((row for row in found if row.bytes), key=lambda row: (row.layer, row.path)))


def _with_parents(folders: Iterable[str]) -> set[str]:
    """The folders and all above them, up to the root's empty path."""
    found: set[str] = set()
    for folder in folders:
        at = folder
        while at not in found:
            found.add(at)
            at = at.rpartition("/")[0]
    return found
