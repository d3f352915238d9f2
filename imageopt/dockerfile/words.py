"""Splits the arguments of an instruction into flags, words and the exec form, as BuildKit does.

What surprises: BuildKit has several ways of splitting. Flags always use a backslash, words use the file's escape
character, and a list such as COPY's ends its words at white space even inside quotes.
"""

import re
from bisect import bisect_right
from functools import cache
from itertools import pairwise

import msgspec

from imageopt.dockerfile.model import Flag, Word
from imageopt.lazy_pattern import lazy_pattern

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)  # Go's unicode.IsSpace; Python's str.isspace has some more
BLANK = "\t\v\f\r "  # what separates the keyword from its arguments, and the items of a list

_LISTS = frozenset({"FROM", "COPY", "ADD", "EXPOSE", "VOLUME"})
_WHOLE = frozenset({"WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER"})
_PAIRS = frozenset({"ENV", "LABEL"})
_EXEC = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"})

_LIST_WORD = lazy_pattern(f"[^{BLANK}]+")
_FLAG = lazy_pattern(rf"--(?:[^{BLANK}\"'\\]+|\\.?|\"(?:[^\"\\]+|\\.)*\\?\"?|'(?:[^'\\]+|\\.)*\\?'?)*", re.DOTALL)
_FLAG_QUOTING = lazy_pattern(r"[\"']|\\(.?)", re.DOTALL)
_JSON_STRING = lazy_pattern(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONE_SURROGATE = lazy_pattern("[\ud800-\udc7f\udd00-\udfff]")


class Logical:
    """The joined text of an instruction's lines, and where each part of it stands in the file."""

    __slots__ = ("_shift", "_sources", "_starts", "text")

    def __init__(self, text: str, pieces: tuple[tuple[int, int], ...]) -> None:
        self.text = text
        self._starts = [start for start, _ in pieces]
        self._sources = [source for _, source in pieces]
        self._shift = self._sources[0] if len(pieces) == 1 else None  # most instructions stand on one line

    def locate(self, offset: int) -> int:
        """The place in the file of the character at `offset`."""
        if self._shift is not None:
            return self._shift + offset
        index = bisect_right(self._starts, offset) - 1
        return self._sources[index] + offset - self._starts[index]

    def pieces(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """The pieces of `text[start:end]`, their offsets counted from `start`; at least one."""
        if self._shift is not None:
            return ((0, self._shift + start),)
        bounds = pairwise((*self._starts, max(len(self.text), end) + 1))
        inside = [(max(low, start), min(high, end)) for low, high in bounds if low < end and high > start]
        return tuple((low - start, self.locate(low)) for low, _ in inside) or ((0, self.locate(start)),)

    def word(self, start: int, end: int, value: str) -> Word:
        """The word at `text[start:end]`, its value given."""
        return Word(self.text[start:end], value, self.locate(start), self.locate(end - 1) + 1)

    def words(self, pattern: re.Pattern[str], start: int, end: int, escape: str) -> tuple[Word, ...]:
        """The words that a pattern finds in `text[start:end]`."""
        starts, sources = self._starts, self._sources
        index, last = 0, len(starts) - 1
        quoting = '"' in self.text or "'" in self.text or escape in self.text
        if self._shift is not None and not quoting:
            shift = self._shift
            plain = pattern.finditer(self.text, start, end)
            return tuple([Word(raw := word[0], raw, word.start() + shift, word.end() + shift) for word in plain])
        found = []
        piece_end = starts[1] if last else end  # where the piece at `index` ends, in the joined text
        for match in pattern.finditer(self.text, start, end):
            raw = match[0]
            low, high = match.span()
            while piece_end <= low:
                index += 1
                piece_end = starts[index + 1] if index < last else end
            begin = sources[index] + low - starts[index]
            while piece_end < high:
                index += 1
                piece_end = starts[index + 1] if index < last else end
            value = unquote(raw, escape) if quoting else raw
            found.append(Word(raw, value, begin, sources[index] + high - starts[index]))
        return tuple(found)


def take_flags(line: Logical, start: int, end: int) -> tuple[tuple[Flag, ...], int]:
    """The flags at the head of `text[start:end]` and the offset of what follows them."""
    flags: list[Flag] = []
    start = _skip(BLANK, line.text, start, end)
    if not line.text.startswith("--", start, end):
        return (), _skip(SPACE, line.text, start, end)
    while True:
        start = _skip(BLANK, line.text, start, end)
        match = _FLAG.match(line.text, start, end)
        if match is None:
            return tuple(flags), _skip(SPACE, line.text, start, end)
        plain = _FLAG_QUOTING.sub(lambda quoting: quoting[1] or "", match[0])
        start = match.end()
        if plain == "--":
            return tuple(flags), _skip(SPACE, line.text, start, end)
        name, _, value = plain[2:].partition("=")
        flags.append(Flag(name, value, line.locate(match.start()), line.locate(match.end() - 1) + 1))


def take_json(keyword: str, line: Logical, start: int, end: int, escape: str) -> tuple[tuple[str, ...] | None, bool]:
    """The exec form in `text[start:end]` or None, and whether a JSON array holds other than strings."""
    if keyword == "HEALTHCHECK":
        return take_json("CMD", line, _behind_cmd(line, start, end, escape) or end, end, escape)
    if keyword not in _EXEC or start >= end or line.text[start] != "[":
        return None, False
    return exec_form(line.text[start:end])


def take_words(
    keyword: str, line: Logical, start: int, end: int, escape: str, json: tuple[str, ...] | None
) -> tuple[Word, ...]:
    """The words of `text[start:end]`, where `take_json` gives that."""
    behind = _behind_cmd(line, start, end, escape) if keyword == "HEALTHCHECK" else None
    if behind is not None:
        return _split(keyword, line, start, end, escape)[:1] + take_words("CMD", line, behind, end, escape, json)
    if json is None:
        return _split(keyword, line, start, end, escape)
    spans = zip(_JSON_STRING.finditer(line.text, start, end), json, strict=True)
    return tuple(line.word(string.start(), string.end(), value) for string, value in spans)


def _behind_cmd(line: Logical, start: int, end: int, escape: str) -> int | None:
    """Where the arguments of a HEALTHCHECK's CMD begin; None where it has none."""
    words = _split("HEALTHCHECK", line, start, end, escape)
    if not words or words[0].value.upper() != "CMD":
        return None
    return _skip(BLANK, line.text, start + len(words[0].raw), end)


def exec_form(text: str) -> tuple[tuple[str, ...] | None, bool]:
    """The strings of a JSON array and False; None and whether it is an array that holds other things."""
    try:
        return msgspec.json.decode(text, type=tuple[str, ...]), False
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_closely(text)


def _read_closely(text: str) -> tuple[tuple[str, ...] | None, bool]:
    """The same, of a text that is no plain array of strings: few are, and the standard library is slow to load."""
    import json

    try:
        values = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None, False
    if not isinstance(values, list):
        return None, False
    if not all(isinstance(value, str) for value in values):
        return None, True
    return tuple(value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value) for value in values), False


def unquote(raw: str, escape: str) -> str:
    """The text without its quotes and escapes; variables stay as they are written."""
    if '"' not in raw and "'" not in raw and escape not in raw:
        return raw
    inner = _inner_escape(escape)

    def plain(match: re.Match[str]) -> str:
        single, double, escaped = match.groups()
        if double is not None:
            return inner.sub(r"\1", double)
        return single or escaped or ""

    return _quoting(escape).sub(plain, raw)


def _split(keyword: str, line: Logical, start: int, end: int, escape: str) -> tuple[Word, ...]:
    if start >= end:
        return ()
    if keyword in _WHOLE:
        return (line.word(start, end, unquote(line.text[start:end], escape)),)
    if keyword in _LISTS:
        return line.words(_LIST_WORD, start, end, escape)
    words = line.words(_word(escape), start, end, escape)
    if words and words[-1].raw == escape:
        words = words[:-1]  # an escape at the very end escapes nothing and is no word
    if keyword in _PAIRS and words and "=" not in words[0].raw:
        return _legacy_pair(line, start, end, escape)
    return words


def _legacy_pair(line: Logical, start: int, end: int, escape: str) -> tuple[Word, ...]:
    keys = line.words(_LIST_WORD, start, end, escape)[:1]
    value = _skip(BLANK, line.text, start + len(keys[0].raw), end)
    return keys + ((line.word(value, end, unquote(line.text[value:end], escape)),) if value < end else ())


def _skip(characters: str, text: str, start: int, end: int) -> int:
    while start < end and text[start] in characters:
        start += 1
    return start


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is Python's, not JSON's")


@cache
def _word(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(rf"(?:[^{SPACE}\"'{mark}]+|{mark}.?|\"(?:[^\"{mark}]+|{mark}.)*{mark}?\"?|'[^']*'?)+", re.DOTALL)


@cache
def _quoting(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(rf"'([^']*)'?|\"((?:[^\"{mark}]+|{mark}.)*){mark}?\"?|{mark}(.?)", re.DOTALL)


@cache
def _inner_escape(escape: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(escape)}([\"${re.escape(escape)}])")
