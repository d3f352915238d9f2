"""The patterns of `${x#pattern}`, `${x%pattern}` and `${x/pattern/text}`: `*` and `?`, no brackets, as in BuildKit.

They are not turned into regular expressions: a pattern of many stars out of a stranger's file would take for ever.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

_MOST_STEPS = 1_000_000
_ITEM = re.compile(r"\\(?P<kept>[}/*?\\])|(?P<bad>\\)|(?P<many>\*)|(?P<one>\?)|(?P<literal>.)", re.DOTALL)
_MANY, _ONE = "many", "one"  # longer than one character, so no literal is mistaken for them


@dataclass(frozen=True, slots=True)
class Glob:
    """A parsed pattern. Its methods raise ValueError where matching would take too long."""

    items: tuple[str, ...]

    @classmethod
    def parse(cls, pattern: str) -> Self | None:
        """The pattern, None for an escape that BuildKit refuses."""
        matches = tuple(_ITEM.finditer(pattern))
        if any(match.lastgroup == "bad" for match in matches):
            return None
        kinds = {"many": _MANY, "one": _ONE}
        return cls(tuple(kinds.get(match.lastgroup or "", match[match.lastgroup or 0]) for match in matches))

    def trim_start(self, value: str, longest: bool) -> str:
        """The value without the shortest or longest head that matches."""
        self._check_cost(len(value))
        ends = tuple(self._ends(value, 0))
        return value[(max(ends) if longest else min(ends)) :] if ends else value

    def trim_end(self, value: str, longest: bool) -> str:
        """The value without the shortest or longest tail that matches."""
        return Glob(self.items[::-1]).trim_start(value[::-1], longest)[::-1]

    def replace(self, value: str, replacement: str, every: bool) -> str:
        """The value with the leftmost longest match, or every match from the left, replaced."""
        if not {_MANY, _ONE} & set(self.items):
            return value.replace("".join(self.items), replacement, -1 if every else 1)
        self._check_cost(len(value) ** 2)
        result, at = "", 0
        while at <= len(value):
            end = max(self._ends(value, at), default=-1)
            if end >= 0:
                result += replacement
                if not every or end == len(value):
                    return result + value[end:]
            following = max(end, at + 1)
            result += value[at:following] if end <= at else ""
            at = following
        return result

    def _ends(self, value: str, start: int) -> Iterator[int]:
        """Where a match that begins at `start` can end, ascending; all positions in the pattern advance together."""
        states = self._past_stars([0])
        for at in range(start, len(value) + 1):
            if len(self.items) in states:
                yield at
            if at == len(value):
                return
            states = self._past_stars(self._after(states, value[at]))
            if not states:
                return

    def _after(self, states: set[int], character: str) -> Iterator[int]:
        for state in states:
            item = self.items[state] if state < len(self.items) else ""
            if item == _MANY and character != "\n":
                yield state
            elif item == character or (item == _ONE and character != "\n"):
                yield state + 1

    def _past_stars(self, states: Iterable[int]) -> set[int]:
        reached: set[int] = set()
        for begin in states:
            state = begin
            while state not in reached:
                reached.add(state)
                if state < len(self.items) and self.items[state] == _MANY:
                    state += 1
        return reached

    def _check_cost(self, positions: int) -> None:
        if positions * (len(self.items) + 1) > _MOST_STEPS:
            raise ValueError("the pattern would take too long to match")
