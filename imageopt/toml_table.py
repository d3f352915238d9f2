"""A TOML table -> typed values, read key by key; what nobody asked for, or has the wrong type, is a UsageError.

tomli tells no lines, so they are looked up in the text, and only when a message needs one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from msgspec import Struct, field

from imageopt.errors import UsageError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.units import parse_bytes, parse_percent

_HEADER = lazy_pattern(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = lazy_pattern(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
T = TypeVar("T")


class Table(Struct, frozen=True):
    """A table of the file while it is read; it remembers which keys were asked for, so that others are errors."""

    file: Path
    source: str
    path: tuple[str, ...]
    data: Mapping[str, Any]
    occurrence: int = 0  # of several tables of the same name
    asked: set[str] = field(default_factory=set)

    def section(self, key: str, read: "Callable[[Table], T]") -> T:
        value = self._value(key, dict, "is not a table", f"write it as [{'.'.join((*self.path, key))}]")
        return self._read(key, value if value is not None else {}, read, 0)

    def sections(self, key: str, read: "Callable[[Table], T]") -> Iterator[T]:
        values = self._value(key, list, "is not a list of tables", f"write each as [[{key}]]") or []
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                self.refuse(key, "is not a list of tables", f"write each as [[{key}]]")
            yield self._read(key, value, read, index)

    def text(self, key: str) -> str | None:
        return self._value(key, str, "is not a text", "put it in quotes")

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._value(key, list, "is not a list of texts", 'write it as ["one", "two"]') or []
        if not all(isinstance(value, str) for value in values):
            self.refuse(key, "is not a list of texts", 'write it as ["one", "two"]')
        return tuple(values)

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        value = self.text(key)
        if value is not None and value not in choices:
            self.refuse(key, f"is {value!r}", f"{_nearest(value, choices)}the choices are {', '.join(choices)}")
        return default if value is None else value

    def count(self, key: str) -> int | None:
        value = self._value(key, int, "is not a whole number", "write a number without quotes")
        if value is not None and value < 0:
            self.refuse(key, "is negative", "write 0 or more")
        return value

    def size(self, key: str) -> int | None:
        if isinstance(self.data.get(key), int):
            return self.count(key)
        text = self._value(key, str, "is not a size", 'write it as "400 MB" or "1.5 GiB"')
        return None if text is None else self._parsed(key, text, parse_bytes)

    def percent(self, key: str) -> float | None:
        text = self._value(key, str, "is not a percentage", 'write it as "5%"')
        return None if text is None else self._parsed(key, text, parse_percent)

    def percent_or_size(self, key: str) -> tuple[float | None, int | None]:
        """A percentage, or bytes with their unit: a bare number could be meant as either."""
        value = self.data.get(key)
        if isinstance(value, str) and value.rstrip()[-1:].isalpha():
            return None, self.size(key)
        return self.percent(key), None

    def day(self, key: str) -> date | None:
        return self._value(key, date, "is not a day", "write it as 2027-03-31, without quotes")

    def line(self, key: str) -> int:
        """Where the key stands, or what is around it."""
        return _line(self.source, (*self.path, key), self.occurrence)

    def finish(self) -> None:
        """Refuses the first key that nobody asked for."""
        for key in self.data:
            if key not in self.asked:
                self.refuse(key, "is not known", _nearest(key, sorted(self.asked)) + _choices(self.asked))

    def refuse(self, key: str, what: str, remedy: str) -> NoReturn:
        raise UsageError(f"{self.file}:{self.line(key)}: {'.'.join((*self.path, key))} {what}", remedy)

    def _value(self, key: str, kind: type[T], wrong: str, remedy: str) -> T | None:
        self.asked.add(key)
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or isinstance(value, bool):
            self.refuse(key, wrong, remedy)
        return value

    def _parsed(self, key: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except UsageError as error:
            self.refuse(key, f"is wrong: {error.cause}", error.remedy)

    def _read(self, key: str, data: Mapping[str, Any], read: "Callable[[Table], T]", occurrence: int) -> T:
        table = Table(self.file, self.source, (*self.path, key), data, occurrence)
        value = read(table)
        table.finish()
        return value


def _nearest(word: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]}? " if close else ""


def _choices(known: set[str]) -> str:
    return f"known here: {', '.join(sorted(known))}"


def _line(source: str, path: tuple[str, ...], occurrence: int) -> int:
    """The line of a key in the n-th table of its name; where it has none, of the nearest thing around it."""
    places = list(_places(source))
    tables = [line for name, line in places if name == path[:-1]]
    start = tables[occurrence] if occurrence < len(tables) else 1
    exact = (line for name, line in places if name == path and line >= start)
    around = (line for length in range(len(path) - 2, 0, -1) for name, line in places if name == path[:length])
    return next(exact, None) or (start if tables else next(around, 1))


def _places(source: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every header and key with its full name and its line."""
    table: tuple[str, ...] = ()
    for number, text in enumerate(source.splitlines(), 1):
        if header := _HEADER.match(text):
            table = _parts(header[1])
            yield table, number
        elif key := _KEY.match(text):
            yield (*table, *_parts(key[1])), number


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
