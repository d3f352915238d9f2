"""The stored files of an image -> the rows of a folder tree, for one layer or for all up to it.

What surprises: nothing is built beforehand. The files of a view are sorted by path once, and a folder that is opened
reads its own stretch of them, so that a hundred thousand files open as fast as a hundred.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from imageopt.image.model import FileRecord

Mark = Literal["unmodified", "added", "modified", "removed"]
Order = Literal["size", "waste", "name"]
MARKS: tuple[Mark, ...] = ("added", "modified", "removed", "unmodified")
_AFTER = "0"  # the character behind `/`: everything below `a/` sorts before `a0`


class Item(NamedTuple):
    """A stored file as a view shows it. `record` is its place among the image's files."""

    path: str
    mark: Mark
    record: int


class Row(NamedTuple):
    """A line of the tree. `path` ends with `/` for a folder; `wasted` are the bytes that no later layer shows.

    `mark` is None for a folder that holds unlike ones; `record` is the file's, None for a folder.
    """

    path: str
    bytes: int
    wasted: int
    files: int
    mark: Mark | None
    record: int | None

    @property
    def name(self) -> str:
        """The last part of the path, with the `/` of a folder."""
        return self.path.rstrip("/").rpartition("/")[2] + ("/" if self.path.endswith("/") else "")


class View(Struct, frozen=True):
    """What is shown: sorted by path, and only what was asked for."""

    files: Sequence[FileRecord]
    items: Sequence[Item]
    paths: Sequence[str]

    def rows(self, folder: str = "", order: Order = "size") -> list[Row]:
        """The lines of a folder (`a/b/`, empty for the root), the biggest first; those of one size by name."""
        found = list(self._rows(folder))
        if order == "name":
            return sorted(found, key=lambda row: row.path)
        return sorted(found, key=lambda row: (-(row.wasted if order == "waste" else row.bytes), row.path))

    def total(self, folder: str = "") -> Row:
        """The folder as one line."""
        start, end = self._stretch(folder)
        return self._row(folder, range(start, end))

    def _rows(self, folder: str) -> Iterator[Row]:
        at, end = self._stretch(folder)
        while at < end:
            name, slash, _ = self.paths[at][len(folder) :].partition("/")
            if slash:
                behind = bisect_left(self.paths, f"{folder}{name}{_AFTER}", at, end)
                yield self._row(f"{folder}{name}/", range(at, behind))
            else:  # the same path may have been stored more than once
                behind = at + 1
                yield self._row(self.paths[at], range(at, behind))
            at = behind

    def _stretch(self, folder: str) -> tuple[int, int]:
        if not folder:
            return 0, len(self.paths)
        return bisect_left(self.paths, folder), bisect_left(self.paths, f"{folder[:-1]}{_AFTER}")

    def _row(self, path: str, places: range) -> Row:
        items = [self.items[place] for place in places]
        files = [self.files[item.record] for item in items]
        marks = {item.mark for item in items}
        return Row(
            path=path,
            bytes=sum(file.size for file in files),
            wasted=sum(file.size for file in files if file.death is not None),
            files=len(files),
            mark=items[0].mark if len(marks) == 1 else None,
            record=None if path.endswith("/") or not path else items[0].record,
        )


def view(
    files: Sequence[FileRecord],
    layer: int,
    *,
    below: bool,
    marks: frozenset[Mark] = frozenset(MARKS),
    only_waste: bool = False,
    text: str = "",
) -> View:
    """The files of a layer, or with `below` those that are there after it; `text` has to be part of the path.

    What the layer removes is shown with both; a file that it stores again is `modified`, and its older content, which
    is removed with it, is not told a second time.
    """
    files = tuple(files)  # each is looked at many times, which is quicker without an `image.files` in between
    hidden = {file.path for file in files if file.death == layer}
    items = []
    for index, file in enumerate(files):
        if not (below or file.birth == layer or file.death == layer):
            continue  # most files are another layer's
        mark = _mark(file, layer, hidden)
        if mark is None or mark not in marks:
            continue
        if (only_waste and file.death is None) or text not in file.path:
            continue
        items.append(Item(file.path, mark, index))
    items.sort()
    return View(files, items, [item.path for item in items])


def _mark(file: FileRecord, layer: int, hidden: set[str]) -> Mark | None:
    """What the layer did to the file, None where it is not there."""
    if file.birth > layer or (file.death is not None and file.death < layer):
        return None
    if file.birth == layer:
        return "modified" if file.path in hidden else "added"
    if file.death == layer:
        return "removed" if file.fate == "deleted" else None
    return "unmodified"
