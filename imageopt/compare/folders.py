"""Thousands of paths that differ -> the few folders that explain it: every path is counted in exactly one row.

It starts with one row, the root. The heaviest row is opened again and again: what holds a good part of it becomes a row
of its own, and the row keeps the rest. A folder of which nothing stayed, and in which the same happened to all, is one
row and never opened.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from operator import add
from typing import Literal, NamedTuple

from msgspec import Struct

from imageopt.compare.model import PathChange, PathCounts

_SHARE = 10  # a child is told apart where it holds at least one part in so many of its row


class Difference(NamedTuple):
    """What differs at one path, and the sizes there; `detail` says how metadata differ."""

    kind: Literal["added", "removed", "changed", "metadata", "unknown"]
    before: int = 0
    after: int = 0
    detail: str = ""

    @property
    def weight(self) -> int:
        """How much it counts among others: its bytes, and 1, as an empty file differs too."""
        return 1 if self.kind == "metadata" else max(self.before, self.after) + 1


def fold(differences: Mapping[str, Difference], kept: set[str], limit: int) -> tuple[PathChange, ...]:
    """The rows, heaviest first, at most `limit` of them (0: as many as it takes to open everything).

    `kept` are the folders in which something stayed as it was.
    """
    if not differences:
        return ()
    rows = [_Row.of(_tree(differences))]
    done: list[_Row] = []
    while rows:
        row = heapq.heappop(rows)
        for part in row.opened(kept, full=0 < limit <= len(rows) + len(done) + 1, everything=limit == 0):
            if part is row:
                done.append(row)
            else:
                heapq.heappush(rows, part)
    return tuple(row.change(kept) for row in sorted(done))


def folders_of(paths: Iterable[str]) -> set[str]:
    """All folders above the paths; the root is the empty name."""
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def counted(differences: Iterable[Difference]) -> PathCounts:
    """All of them together."""
    sums = [0] * len(PathCounts._fields)
    for difference in differences:
        _add(sums, difference)
    return PathCounts._make(sums)


def _add(sums: list[int], difference: Difference) -> None:
    """Adds it to sums in the order of `PathCounts`: there are too many for a value each."""
    kind, before, after, _ = difference
    if kind == "added":
        sums[0] += 1
        sums[1] += after
    elif kind == "removed":
        sums[2] += 1
        sums[3] += before
    elif kind == "changed":
        sums[4] += 1
        sums[5] += before
        sums[6] += after
    else:
        sums[7 if kind == "metadata" else 8] += 1


class _Node:
    """A path with what differs at it, and below it; a file has no `sums` but its own difference."""

    __slots__ = ("children", "own", "path", "sums", "weight")

    def __init__(self, path: str, own: Difference | None) -> None:
        self.path = path
        self.own = own
        self.children: list[_Node] = []
        self.sums: list[int] | None = None
        self.weight = own.weight if own is not None else 0

    @property
    def counts(self) -> PathCounts:
        if self.sums is not None:
            return PathCounts._make(self.sums)
        assert self.own is not None
        return counted([self.own])

    def differences(self) -> Iterator[Difference]:
        if self.own is not None:
            yield self.own
        for child in self.children:
            yield from child.differences()

    def adopt(self, child: "_Node") -> None:
        """Takes in a child that is complete."""
        if self.sums is None:
            self.sums = [0] * len(PathCounts._fields)
            if self.own is not None:
                _add(self.sums, self.own)
        self.children.append(child)
        self.weight += child.weight
        if child.sums is not None:
            self.sums[:] = map(add, self.sums, child.sums)
        elif child.own is not None:
            _add(self.sums, child.own)


def _tree(differences: Mapping[str, Difference]) -> _Node:
    nodes = {path: _Node(path, differences.get(path)) for path in (*differences, *folders_of(differences))}
    for path in sorted(nodes, key=lambda path: path.count("/"), reverse=True):  # children are complete before parents
        if path:
            nodes[path.rpartition("/")[0]].adopt(nodes[path])
    return nodes[""]


class _Row(Struct, frozen=True):
    """A node without the children that have rows of their own. The heaviest row is the least."""

    node: _Node
    left: tuple[_Node, ...]
    counts: PathCounts
    weight: int

    @classmethod
    def of(cls, node: _Node) -> "_Row":
        heaviest_first = sorted(node.children, key=lambda child: (-child.weight, child.path))
        return cls(node, tuple(heaviest_first), node.counts, node.weight)

    def __lt__(self, other: "_Row") -> bool:
        return (-self.weight, self.node.path) < (-other.weight, other.node.path)

    @property
    def is_rest(self) -> bool:
        return len(self.left) < len(self.node.children)

    def opened(self, kept: set[str], *, full: bool, everything: bool) -> "tuple[_Row, ...]":
        """The rows that say more than this one; itself alone where none do, or there is no room for them."""
        if not self.left or self.node.own is not None or (self._is_whole(kept) and self._is_of_one_kind()):
            return (self,)
        heaviest = self.left[0]
        if len(self.left) == 1:
            return (_Row.of(heaviest),)
        if everything:
            return tuple(_Row.of(child) for child in self.left)
        if full or heaviest.weight * _SHARE < self.weight:
            return (self,)
        rest = _Row(self.node, self.left[1:], self.counts.minus(heaviest.counts), self.weight - heaviest.weight)
        return (_Row.of(heaviest), rest)

    def change(self, kept: set[str]) -> PathChange:
        nodes = (self.left or (self.node,)) if self.counts.metadata else ()
        details = {difference.detail for node in nodes for difference in node.differences()}
        return PathChange(
            path=self.node.path,
            folder=bool(self.node.children),
            rest=self.is_rest,
            whole=self._is_whole(kept),
            counts=self.counts,
            detail=details.pop() if len(details) == 1 else "",
        )

    def _is_whole(self, kept: set[str]) -> bool:
        return bool(self.node.children) and not self.is_rest and self.node.path not in kept

    def _is_of_one_kind(self) -> bool:
        """Whether the same happened to all; a single path is told by its own name."""
        counts = self.counts
        kinds = (counts.added, counts.removed, counts.changed, counts.metadata, counts.unknown)
        return sum(map(bool, kinds)) == 1 and sum(kinds) > 1
