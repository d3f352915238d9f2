"""dive's own three numbers, by dive's own formula: not ours, but what teams compare with when they move over.

Over the leaves of all layers grouped by path: efficiency is the sum of the smallest size of each path over the sum of
all sizes, and what lies at a path seen twice is wasted. A whiteout is a leaf of its own: 0 bytes for a file, and the
whole hidden subtree for a folder, which is why dive calls a deleted folder no waste. A folder is a leaf in the layers
that hold nothing below it: one that is deleted and made again empty is wasted after all.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from imageopt.image.model import DiveNumbers, LayerIndex


def dive_numbers(layers: Sequence[LayerIndex], hidden_bytes: Sequence[tuple[str, int]]) -> DiveNumbers:
    """dive's figures; `hidden_bytes` are the whiteouts that hid something, with the bytes of the folder they hid."""
    first: dict[str, int] = {}
    again: dict[str, list[int]] = {}
    smallest_sum = all_sum = 0
    for path, size in chain(_leaves(layers), hidden_bytes):
        all_sum += size
        if path not in first:
            first[path] = size
            smallest_sum += size
        else:
            again.setdefault(path, [first[path]]).append(size)
    smallest_sum -= sum(sizes[0] - min(sizes) for sizes in again.values())
    wasted = sum(sum(sizes) for sizes in again.values())
    users = sum(entry.size for layer in layers[1:] for entry in layer.entries)
    return DiveNumbers(
        efficiency=smallest_sum / all_sum if all_sum else 1.0,
        wasted_bytes=wasted,
        user_wasted_percent=wasted / users if users else None,
    )


def _leaves(layers: Sequence[LayerIndex]) -> Iterator[tuple[str, int]]:
    for layer in layers:
        inner = _inner(layer)
        for path, kind, size, *_ in layer.entries:
            if kind != "directory" or path not in inner:
                yield path, size


def _inner(layer: LayerIndex) -> set[str]:
    """The folders with something below them in this layer's tree, where whiteouts are files."""
    parents = {path.rpartition("/")[0] for path in chain([entry[0] for entry in layer.entries], layer.whiteouts)}
    found: set[str] = set()
    for above in parents:
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found
