"""YAML text -> Node: every value with its line, every scalar as the text that stands there.

The library's events are put together here and not by its own constructor, for a stranger's file may nest without end,
refer to itself, or be a few lines of aliases that unfold to billions. `8.10` stays `8.10` and `on` stays `on`: whoever
reads a field knows what it should be.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.project.faults import conflict_line

if TYPE_CHECKING:
    from yaml import Event

DEEPEST = 100
MOST_VALUES = 500_000  # aliases unfolded
_MERGE = "<<"


class Node(Struct, frozen=True):
    """A value at a line (from 1): a scalar's text, a list, or a mapping. `tag` is an explicit one (`!reference`)."""

    value: "str | tuple[Node, ...] | Mapping[str, Node]"
    line: int
    tag: str = ""

    @property
    def text(self) -> str:
        """The scalar; "" for anything else, and for null."""
        return self.value if isinstance(self.value, str) and self.value not in ("~", "null") else ""

    @property
    def items(self) -> "tuple[Node, ...]":
        """The elements of a list; none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def pairs(self) -> "Mapping[str, Node]":
        """The pairs of a mapping, in the order written; none for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    def at(self, *keys: str) -> "Node":
        """The value below these keys; an empty one, at this line, where there is none."""
        found = self
        for key in keys:
            found = found.pairs.get(key) or Node("", found.line)
        return found


def parse_yaml(text: str, path: str) -> tuple[Node, ...]:
    """The documents of a text. Raises InputError, with file and line, for what is no YAML or too much of it."""
    import yaml

    at = conflict_line(text)
    if at is not None:
        raise _broken(path, at, "it holds the marks of an unsolved merge")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return tuple(_documents(yaml.parse(text, Loader=loader), path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
        raise _broken(path, mark.line + 1 if mark else 1, str(problem)) from error


def plain(node: Node) -> object:
    """The value as dictionaries, lists and strings."""
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, tuple):
        return [plain(item) for item in node.value]
    return {key: plain(item) for key, item in node.value.items()}


def _broken(path: str, line: int, why: str) -> InputError:
    return InputError(f"{path}:{line}: {why}", f"mend line {line} of {path}")


class _Open(Struct):
    """A collection whose end has not come yet."""

    line: int
    tag: str
    anchor: str | None
    is_mapping: bool
    parts: list[Node]
    count: int = 1


def _documents(events: "Iterator[Event]", path: str) -> Iterator[Node]:
    import yaml

    stack: list[_Open] = []
    known: dict[str, tuple[Node, int]] = {}
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 1
        anchor: str | None = None
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(stack) == DEEPEST:
                raise _broken(path, line, f"it nests deeper than {DEEPEST} levels")
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            stack.append(_Open(line, _tag(event.tag), event.anchor, is_mapping, []))
            continue
        if isinstance(event, yaml.ScalarEvent):
            node, count, anchor = Node(event.value, line, _tag(event.tag)), 1, event.anchor
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in known:
                raise _broken(path, line, f"nothing before it is named &{event.anchor}")
            node, count = known[event.anchor]
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = stack.pop()
            node, count, anchor = _closed(done), done.count, done.anchor
        else:
            known = known if stack else {}  # an anchor ends with its document
            continue
        if anchor:
            known[anchor] = (node, count)
        if not stack:
            yield node
            continue
        stack[-1].parts.append(node)
        stack[-1].count += count
        if stack[-1].count > MOST_VALUES:
            raise _broken(path, line, f"it holds more than {MOST_VALUES} values")


def _closed(done: _Open) -> Node:
    if not done.is_mapping:
        return Node(tuple(done.parts), done.line, done.tag)
    own: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    for key, value in zip(done.parts[::2], done.parts[1::2], strict=False):
        if key.value == _MERGE:
            for source in reversed(value.items or (value,)):  # the first of a list counts most
                merged.update(source.pairs)
        elif isinstance(key.value, str):
            own[key.value] = value
    return Node({**merged, **own}, done.line, done.tag)


def _tag(tag: str | None) -> str:
    return tag if tag and not tag.startswith("tag:yaml.org") else ""
