"""dive's own three numbers, by dive's own formula: not ours, but what teams compare with when they move over.

Over the leaves of all layers grouped by path: efficiency is the sum of the smallest size of each path over the sum of
all sizes, and what lies at a path seen twice is wasted. A whiteout is a leaf of its own: 0 bytes for a file, and the
whole hidden subtree for a folder, which is why dive calls a deleted folder no waste.
"""

from collections.abc import Sequence

from imageopt.image.model import DiveNumbers, LayerIndex


def dive_numbers(layers: Sequence[LayerIndex], hidden_bytes: Sequence[tuple[str, int]]) -> DiveNumbers:
    """dive's figures; `hidden_bytes` are the whiteouts that hid something, with the bytes of the folder they hid."""
    sizes: dict[str, tuple[int, int, int]] = {}  # path -> times seen, smallest, sum
    leaves = [(entry.path, entry.size) for layer in layers for entry in layer.entries if entry.kind != "directory"]
    for path, size in (*leaves, *hidden_bytes):
        seen, smallest, total = sizes.get(path, (0, size, 0))
        sizes[path] = (seen + 1, min(smallest, size), total + size)
    smallest_sum = sum(smallest for _, smallest, _ in sizes.values())
    all_sum = sum(total for _, _, total in sizes.values())
    wasted = sum(total for seen, _, total in sizes.values() if seen > 1)
    users = sum(entry.size for layer in layers[1:] for entry in layer.entries)
    return DiveNumbers(
        efficiency=smallest_sum / all_sum if all_sum else 1.0,
        wasted_bytes=wasted,
        user_wasted_percent=wasted / users if users else None,
    )
