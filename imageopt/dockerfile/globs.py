"""The patterns of `${x#pattern}`, `${x%pattern}` and `${x/pattern/text}`: `*` and `?`, no brackets, as in BuildKit."""

import re
from typing import Self

from msgspec import Struct

from imageopt.dockerfile.automaton import Item, Many, One, ends
from imageopt.lazy_pattern import lazy_pattern

_MOST_STEPS = 1_000_000
_ITEM = lazy_pattern(r"\\(?P<kept>[}/*?\\])|(?P<bad>\\)|(?P<many>\*)|(?P<one>\?)|(?P<literal>.)", re.DOTALL)


class Glob(Struct, frozen=True):
    """A parsed pattern. Its methods raise ValueError where matching would take too long."""

    items: tuple[Item, ...]
    literal: str | None  # the pattern's text where it has no wildcard

    @classmethod
    def parse(cls, pattern: str) -> Self | None:
        """The pattern, None for an escape that BuildKit refuses."""
        tokens = tuple(_ITEM.finditer(pattern))
        kinds = {token.lastgroup for token in tokens}
        if "bad" in kinds:
            return None
        literal = None if kinds & {"many", "one"} else "".join(token[token.lastgroup or 0] for token in tokens)
        return cls(tuple(_item(token) for token in tokens), literal)

    def trim_start(self, value: str, longest: bool) -> str:
        """The value without the shortest or longest head that matches."""
        self._check_cost(len(value))
        found = tuple(ends(self.items, value))
        return value[found[-1 if longest else 0] :] if found else value

    def trim_end(self, value: str, longest: bool) -> str:
        """The value without the shortest or longest tail that matches."""
        return Glob(self.items[::-1], self.literal).trim_start(value[::-1], longest)[::-1]

    def replace(self, value: str, replacement: str, every: bool) -> str:
        """The value with the leftmost longest match, or every match from the left, replaced."""
        if self.literal is not None:
            return value.replace(self.literal, replacement, -1 if every else 1)
        self._check_cost(len(value) ** 2)
        result, at = "", 0
        while at <= len(value):
            end = max(ends(self.items, value, at), default=None)
            if end is not None:
                result += replacement
                if not every or end == len(value):
                    return result + value[end:]
                if end > at:
                    at = end
                    continue
            result += value[at : at + 1]
            at += 1
        return result

    def _check_cost(self, positions: int) -> None:
        if positions * (len(self.items) + 1) > _MOST_STEPS:
            raise ValueError("the pattern would take too long to match")


def _item(token: re.Match[str]) -> Item:
    match token.lastgroup:
        case "many":
            return Many(_no_newline)
        case "one":
            return One(_no_newline)
        case group:
            return One(token[group or 0].__eq__)


def _no_newline(character: str) -> bool:
    return character != "\n"
