"""The path patterns of `.dockerignore`: `*` and `?` stay within a name, `**` spans folders, `[a-z]`, backslash escapes.

What surprises: `**` in front of plain text means "ends with" (`**log` matches `catalog`), but as soon as there is
another wildcard it means "any folders" (`**log*` does not).
"""

import re
from collections.abc import Iterator
from typing import Self

from msgspec import Struct

from imageopt.dockerfile.automaton import Item, Many, Maybe, One, matches
from imageopt.lazy_pattern import lazy_pattern

_MOST_STARS = 3  # with more of them a regular expression can become slow
_WILDCARD = lazy_pattern(r"[*?\[\]\\]")
_TOKEN = lazy_pattern(
    r"""(?P<folders>\*\*/?)|(?P<name>\*)|(?P<one>\?)
    |\[(?P<inverse>\^?)(?P<members>(?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]
    |\\(?P<escaped>.)|(?P<bad>\\|\[)|(?P<literal>.)""",
    re.DOTALL | re.VERBOSE,
)
_MEMBER = lazy_pattern(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)


class PathPattern(Struct, frozen=True):
    """A pattern, cleaned: no slash at its ends, no `.` or empty parts."""

    text: str
    _regex: re.Pattern[str]
    _items: tuple[Item, ...] | None  # where the regular expression may be slow

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The pattern, None where its syntax is wrong."""
        tokens = tuple(_TOKEN.finditer(text))
        if any(token["bad"] or _backwards(token) for token in tokens):
            return None
        stars = sum(token["folders"] is not None or token["name"] is not None for token in tokens)
        items = tuple(_items(tokens)) if stars > _MOST_STARS else None
        return cls(text, re.compile(_plain(text) or "".join(_regex(tokens)), re.DOTALL), items)

    def matches(self, path: str) -> bool:
        """Whether the pattern matches this path itself; its parents do not count."""
        return self._regex.fullmatch(path) is not None if self._items is None else matches(self._items, path)

    def may_match_below(self, folder: str) -> bool:
        """False only if no path inside the folder can match."""
        for mine, theirs in zip(self.text.split("/"), folder.split("/"), strict=False):
            if _WILDCARD.search(mine):
                return True
            if mine != theirs:
                return False
        return True


def _plain(text: str) -> str | None:
    """The regular expression of a text with no wildcard but a `**` at one end; None where there is more."""
    head, tail = text.startswith("**"), text.endswith("**")
    inner = text[2:] if head else text[:-2] if tail else text
    if _WILDCARD.search(inner):
        return None
    if not head:
        return re.escape(inner) + (".*" if tail else "")
    return "(?:.*/)?" + re.escape(inner[1:]) if inner.startswith("/") else ".*" + re.escape(inner)


def _regex(tokens: tuple[re.Match[str], ...]) -> Iterator[str]:
    for token in tokens:
        match token.lastgroup:
            case "folders":
                yield ".*" if token.end() == len(token.string) else "(?:.*/)?"
            case "name":
                yield "[^/]*"
            case "one":
                yield "[^/]"
            case "members":
                yield f"[{token['inverse']}{''.join(_escaped_range(*ends) for ends in _ranges(token['members']))}]"
            case group:
                yield re.escape(token[group or 0])


def _items(tokens: tuple[re.Match[str], ...]) -> Iterator[Item]:
    """The same as `_regex`, for the slow but steady way."""
    for token in tokens:
        match token.lastgroup:
            case "folders" if token.end() == len(token.string):
                yield Many(_anything)
            case "folders":
                yield from (Maybe(2), Many(_anything), One("/".__eq__))
            case "name":
                yield Many("/".__ne__)
            case "one":
                yield One("/".__ne__)
            case "members":
                yield One(re.compile(next(_regex((token,))), re.DOTALL).fullmatch)
            case group:
                yield One(token[group or 0].__eq__)


def _anything(_: str) -> bool:
    return True


def _ranges(members: str) -> Iterator[tuple[str, str]]:
    """The first and last character of each range in a bracket."""
    for low, high in _MEMBER.findall(members):
        yield low[-1], (high or low)[-1]


def _escaped_range(low: str, high: str) -> str:
    return f"{re.escape(low)}-{re.escape(high)}"


def _backwards(token: re.Match[str]) -> bool:
    return token["members"] is not None and any(low > high for low, high in _ranges(token["members"]))
