"""Thousands of paths that differ -> the few folders that explain it: every path is counted in exactly one row.

It starts with one row, the root. The heaviest row is opened again and again: what holds a good part of it becomes a row
of its own, and the row keeps the rest. A folder of which nothing stayed, and in which the same happened to all, is one
row and never opened.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imageopt.compare.model import PathChange, PathCounts

_SHARE = 10  # a child is told apart where it holds at least one part in so many of its row


class Difference(NamedTuple):
    """What differs at one path. `weight` is how much it counts among others, in bytes."""

    counts: PathCounts
    weight: int
    detail: str = ""


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


@dataclass(slots=True)
class _Node:
    """A path with what differs at it and below it."""

    path: str
    own: Difference | None = None
    children: "list[_Node]" = field(default_factory=list)
    counts: PathCounts = field(default_factory=PathCounts)
    weight: int = 0
    details: set[str] = field(default_factory=set)

    def take_in(self, part: Difference) -> None:
        self.counts = self.counts.plus(part.counts)
        self.weight += part.weight
        self.details.add(part.detail)


def _tree(differences: Mapping[str, Difference]) -> _Node:
    nodes = {"": _Node("")}  # parents before their children

    def node_at(path: str) -> _Node:
        if path not in nodes:
            above = node_at(path.rpartition("/")[0])
            nodes[path] = _Node(path)
            above.children.append(nodes[path])
        return nodes[path]

    for path in sorted(differences):
        node = node_at(path)
        node.own = differences[path]
        node.take_in(node.own._replace(weight=node.own.weight + 1))  # an empty file differs, too
    for path, node in reversed(nodes.items()):
        if path:
            above = nodes[path.rpartition("/")[0]]
            above.counts = above.counts.plus(node.counts)
            above.weight += node.weight
            above.details |= node.details
    return nodes[""]


@dataclass(frozen=True, slots=True)
class _Row:
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
        details = set[str]().union(*(child.details for child in self.left)) or self.node.details
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
