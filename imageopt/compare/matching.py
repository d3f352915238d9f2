"""The stored files of two images, paired: what has no counterpart was added or removed.

Contents are the same where checksums of one kind are, or where both stem from the same layer. Where neither can be
told (unlike kinds of checksum, a content that was not read), files of one path and size are a pair that is not known.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from msgspec import Struct

from imageopt.compare.layers import shared_layers
from imageopt.image.model import FileRecord, Image

Key = Callable[[FileRecord], Hashable | None]


class Matching(Struct, frozen=True):
    """Indices into each image's files, rising. `unknown` pairs are as many on both sides, and in neither list."""

    removed: tuple[int, ...]
    added: tuple[int, ...]
    unknown: int


def match(before: Image, after: Image) -> Matching:
    """Pairs every stored file at most once; a live copy takes its counterpart before a dead one does."""
    left, right = _live_first(before.files), _live_first(after.files)
    same = _same_fate(before, after)
    if same:
        left, right = ([index for index in side if index not in same] for side in (left, right))
    if before.checksums == after.checksums:
        left, right, _ = _pair(before, after, left, right, (_by_content, _by_content))
    left, right, _ = _pair(before, after, left, right, (_by_layer(before), _by_layer(after)))
    sure = before.checksums == after.checksums
    unread = _unread_sizes(before, left) | _unread_sizes(after, right) if sure else None
    by_size: Key = lambda file: (file.path, file.size) if unread is None or (file.path, file.size) in unread else None  # noqa: E731
    left, right, unknown = _pair(before, after, left, right, (by_size, by_size))
    return Matching(tuple(sorted(left)), tuple(sorted(right)), unknown)


def _same_fate(before: Image, after: Image) -> set[int]:
    """The files of shared layers, which stand at the same index in both, that live or died alike: most of them."""
    shared = shared_layers(before, after)
    return {
        index
        for index, (old, new) in enumerate(zip(before.files, after.files, strict=False))
        if old.birth < shared > new.birth and (old.path, old.size, old.death) == (new.path, new.size, new.death)
    }


def same_content(before: Image, old: FileRecord, after: Image, new: FileRecord) -> bool | None:
    """Whether both hold the same bytes; None where nobody can tell."""
    if old.size != new.size:
        return False
    if before.layers[old.birth].diff_id == after.layers[new.birth].diff_id or not old.size:
        return True
    if before.checksums == after.checksums and old.checksum and new.checksum:
        return old.checksum == new.checksum
    return None


def _by_content(file: FileRecord) -> Hashable | None:
    return (file.path, file.size, file.checksum) if file.checksum else None


def _by_layer(image: Image) -> Key:
    layers = [layer.diff_id for layer in image.layers]
    return lambda file: (file.path, file.size, layers[file.birth])


def _live_first(files: Sequence[FileRecord]) -> list[int]:
    return sorted(range(len(files)), key=lambda index: files[index].death is not None)


def _unread_sizes(image: Image, indices: Sequence[int]) -> set[tuple[str, int]]:
    files = image.files
    return {(files[index].path, files[index].size) for index in indices if not files[index].checksum}


def _pair(
    before: Image, after: Image, left: Sequence[int], right: Sequence[int], keys: tuple[Key, Key]
) -> tuple[list[int], list[int], int]:
    """What is left on both sides once equal keys have paired off, and the number of pairs."""
    old = _without(before, left, keys[0], Counter(keys[1](after.files[index]) for index in right))
    new = _without(after, right, keys[1], Counter(keys[0](before.files[index]) for index in left))
    return old, new, len(left) - len(old)


def _without(image: Image, indices: Sequence[int], key: Key, others: Counter[Hashable | None]) -> list[int]:
    left = []
    for index in indices:
        found = key(image.files[index])
        if found is not None and others[found] > 0:
            others[found] -= 1
        else:
            left.append(index)
    return left
