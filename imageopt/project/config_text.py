"""A framework's configuration file, read as text: where it is, and the options in it that are plain values.

A configuration is a program (`output: process.env.CI ? "export" : undefined`); what it computes is not known here, and
that is an answer: `Option.given` without a `value`.
"""

import re
from itertools import islice
from pathlib import Path

from msgspec import Struct

from imageopt.project.files import read_text
from imageopt.project.javascript import expression_at, line_at, string_value, without_comments

_PLACES_LIMIT = 8
_TEXT_LIMIT = 100_000  # bytes; nobody writes that much by hand
_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")


class Option(Struct, frozen=True):
    """`given`: it is in the file; `value` is None where it is computed. `line` is 0 where it is not given."""

    given: bool
    value: str | None
    line: int


class Config(Struct, frozen=True):
    """A configuration file without its comments; `path` is "" where there is none."""

    path: str
    text: str

    def option(self, name: str) -> Option:
        """The first plain value of an option of this name, at any depth; else that it is given, else that it is not."""
        first = Option(False, None, 0)
        places = re.finditer(rf"(?<![\w$.])['\"]?{re.escape(name)}['\"]?\s*:(?!:)", self.text)
        for match in islice(places, _PLACES_LIMIT):
            expression = re.sub(r"\s+as\s+const$", "", expression_at(self.text, match.end()))
            value = _plain(self._constant(expression))
            found = Option(True, value, line_at(self.text, match.start()))
            if value is not None:
                return found
            if not first.given:
                first = found
        return first

    def _constant(self, expression: str) -> str:
        """What a name stands for, where it is given once."""
        if not re.fullmatch(r"[A-Za-z_$][\w$]{0,99}", expression):
            return expression
        given = list(
            islice(re.finditer(rf"(?<![\w$.]){re.escape(expression)}\s*(?::\s*\w+\s*)?=(?![=>])", self.text), 2)
        )
        return expression_at(self.text, given[0].end()) if len(given) == 1 else expression

    def calls(self, name: str) -> bool:
        """Whether something of this name is called (`node()` of an adapter)."""
        return re.search(rf"(?<![\w$.]){re.escape(name)}\s*\(", self.text) is not None

    def imports(self, package: str) -> bool:
        """Whether the package is imported or required."""
        return re.search(rf"['\"]{re.escape(package)}['\"]", self.text) is not None

    def place(self, option: Option | None = None) -> str:
        """The path, with the line of the option."""
        return f"{self.path}:{option.line}" if option and option.line else self.path


def read_config(root: Path, *names: str) -> Config:
    """The first of `next.config`, say, that exists with any of the suffixes of JavaScript or TypeScript."""
    for name in names:
        for suffix in _SUFFIXES:
            text = read_text(root, name + suffix, limit=_TEXT_LIMIT)
            if text is not None:
                return Config(name + suffix, without_comments(text))
    return Config("", "")


def _plain(expression: str) -> str | None:
    if expression in ("true", "false", "undefined", "null"):
        return expression
    return string_value(expression)
