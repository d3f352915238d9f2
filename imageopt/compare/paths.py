"""The live files and links of two images -> which came, went, hold other bytes, or differ in owner and mode alone.

Time stamps, empty folders, devices and extended attributes are not compared: an `Image` does not hold them. A file
with several names is seen by the first of them.
"""

from collections.abc import Mapping

from msgspec import Struct

from imageopt.compare.folders import Difference, counted, fold, folders_of
from imageopt.compare.matching import same_content
from imageopt.compare.model import PathChanges
from imageopt.image.model import FileRecord, Image


def compare_paths(before: Image, after: Image, *, limit: int) -> PathChanges:
    """What differs, in at most `limit` rows for contents and as many for metadata; 0 for as many as it takes."""
    contents, metadata, same = _differences(before, after)
    kept = folders_of(same)
    return PathChanges(
        contents=fold(contents, folders_of(metadata) | kept, limit),
        metadata=fold(metadata, folders_of(contents) | kept, limit),
        total=counted((*contents.values(), *metadata.values())),
    )


class _Live(Struct, frozen=True):
    """What an image shows: its files, and its links with their targets."""

    files: Mapping[str, FileRecord]
    links: Mapping[str, str]

    @classmethod
    def of(cls, image: Image) -> "_Live":
        return cls({file.path: file for file in image.files if file.death is None}, image.links)

    def size(self, path: str) -> int:
        return self.files[path].size if path in self.files else 0

    def paths(self) -> set[str]:
        return self.files.keys() | self.links.keys()


def _differences(before: Image, after: Image) -> tuple[dict[str, Difference], dict[str, Difference], list[str]]:
    """By path: what differs in content, what in metadata alone, and the paths that do not differ."""
    old, new = _Live.of(before), _Live.of(after)
    old_paths, new_paths = old.paths(), new.paths()
    contents = {path: Difference("removed", old.size(path)) for path in old_paths - new_paths}
    contents |= {path: Difference("added", 0, new.size(path)) for path in new_paths - old_paths}
    metadata: dict[str, Difference] = {}
    same = []
    for path in old_paths & new_paths:
        if path in old.files and path in new.files:
            one, other = old.files[path], new.files[path]
            equal = same_content(before, one, after, other)
        else:
            equal = old.links.get(path) == new.links.get(path)
        if not equal:
            contents[path] = Difference("unknown" if equal is None else "changed", old.size(path), new.size(path))
        elif path in old.files and (detail := _metadata(old.files[path], new.files[path])):
            metadata[path] = Difference("metadata", detail=detail)
        else:
            same.append(path)
    return contents, metadata, same


def _metadata(old: FileRecord, new: FileRecord) -> str:
    """`owner 0:0 -> 1000:1000, mode 644 -> 755`; empty where neither differs."""
    parts = []
    if (old.uid, old.gid) != (new.uid, new.gid):
        parts.append(f"owner {old.uid}:{old.gid} -> {new.uid}:{new.gid}")
    if old.mode != new.mode:
        parts.append(f"mode {old.mode & 0o7777:o} -> {new.mode & 0o7777:o}")
    return ", ".join(parts)
