"""dive's own three numbers, by dive's own formula: not ours, but what teams compare with when they move over.

Over the leaves of all layers grouped by path: efficiency is the sum of the smallest size of each path over the sum of
all sizes, and what lies at a path seen twice is wasted. A whiteout is a leaf of its own: 0 bytes for a file, and the
whole hidden subtree for a folder, which is why dive calls a deleted folder no waste. A folder is a leaf in the layers
that hold nothing below it: one that is deleted and made again empty is wasted after all.
"""

from collections.abc import Container, Iterator, Sequence
from itertools import chain

from imageopt.image.model import DiveNumbers, LayerIndex


def dive_numbers(layers: Sequence[LayerIndex], hidden_bytes: Sequence[tuple[str, int]]) -> DiveNumbers:
    """dive's figures; `hidden_bytes` are the whiteouts that hid something, with the bytes of the folder they hid."""
    stored = [sum([entry[2] for entry in layer.entries]) for layer in layers]
    first: dict[str, int] = {}
    again: dict[str, list[int]] = {}
    for leaves in chain(map(_no_folders, layers), [hidden_bytes]):
        for path, size in leaves:
            if path not in first:
                first[path] = size
            else:
                again.setdefault(path, [first[path]]).append(size)
    for path in chain.from_iterable(_empty_folders(layer, first) for layer in layers):
        again.setdefault(path, [first[path]]).append(0)
    all_sum = sum(stored) + sum(size for _, size in hidden_bytes)
    smallest_sum = sum(first.values()) - sum(sizes[0] - min(sizes) for sizes in again.values())
    wasted = sum(sum(sizes) for sizes in again.values())
    users = sum(stored[1:])
    return DiveNumbers(
        efficiency=smallest_sum / all_sum if all_sum else 1.0,
        wasted_bytes=wasted,
        user_wasted_percent=wasted / users if users else None,
    )


def _no_folders(layer: LayerIndex) -> Iterator[tuple[str, int]]:
    return ((entry[0], entry[2]) for entry in layer.entries if entry[1] != "directory")


def _empty_folders(layer: LayerIndex, paths: Container[str]) -> list[str]:
    """The folders with one of these paths, in the entries' order, that have nothing below them in this layer."""
    folders = [entry[0] for entry in layer.entries if entry[1] == "directory" and entry[0] in paths]
    inner = _inner(layer) if folders else ()
    return [folder for folder in folders if folder not in inner]


def _inner(layer: LayerIndex) -> set[str]:
    """The folders with something below them in this layer's tree, where whiteouts are files."""
    parents = {path.rpartition("/")[0] for path in chain([entry[0] for entry in layer.entries], layer.whiteouts)}
    found: set[str] = set()
    for above in parents:
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found
