"""Replaces variables in a word the way BuildKit does: `$x`, `${x}`, and `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%`
`/` `//`.

What surprises: quotes and escapes go away in the same pass, and a name that nobody set is the empty string, so the
result alone does not show what was missing: `Expansion` does.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from imageopt.dockerfile.words import SPACE
from imageopt.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from imageopt.dockerfile.globs import Glob

LONGEST = 131_072  # Linux's MAX_ARG_STRLEN: no process can be started with a longer value
_DEEPEST = 50
_HEREDOC = lazy_pattern(f"<<[{SPACE}]*")
_SPACES = lazy_pattern(f"[{SPACE}]+")
_MODIFIER = lazy_pattern(":?[-+?]|[#%}]|//?|")
_NAME = lazy_pattern(r"[0-9]+|[@*#?$!-]|\w+")


class Expansion(Struct, frozen=True):
    """An expanded text. `undefined` names left a hole in it, `absent` were asked for and not found, holes or not.

    `error` says why it could not be expanded; `text` is then as it was.
    """

    text: str
    undefined: tuple[str, ...]
    absent: tuple[str, ...]
    error: str | None


def expand(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The text with variables put in and quotes removed; as it was where it cannot be expanded."""
    return expansion(text, variables, escape).text


def expansion(text: str, variables: Mapping[str, str], escape: str = "\\") -> Expansion:
    """The expanded text and which names were missing."""
    if "$" not in text and '"' not in text and "'" not in text and escape not in text:
        return Expansion(text, (), (), None)
    lexer = _Lexer(text, variables, escape)
    try:
        result = lexer.until("")
    except ValueError as problem:
        return Expansion(text, (), (), str(problem))
    return Expansion(result, tuple(dict.fromkeys(lexer.undefined)), tuple(dict.fromkeys(lexer.absent)), None)


def heredoc_words(line: str) -> list[str]:
    """The words in which BuildKit looks for heredocs, as written; none where quotes or `${` do not match up."""
    try:
        return _Lexer(line, {}, "\\", raw=True, keep_unset=True).words()
    except _BadSubstitution:
        return []


def heredoc_name(text: str) -> tuple[str, bool] | None:
    """A heredoc's end marker without quotes and escapes, and whether it had no quotes; None if it is not one word."""
    lexer = _Lexer(text, {}, "\\", keep_unset=True)
    try:
        words = lexer.words()
    except _BadSubstitution:
        return None
    return (words[0], not lexer.saw_quotes) if len(words) == 1 else None


class _BadSubstitution(ValueError):
    pass


@cache
def _plain(escape: str) -> re.Pattern[str]:
    return re.compile(rf"[^'\"$<{re.escape(escape)}}}/]+")


class _Lexer:
    """Reads a text once from left to right. `raw` keeps quotes and escapes, `keep_unset` the unknown variables."""

    def __init__(
        self, text: str, variables: Mapping[str, str], escape: str, *, raw: bool = False, keep_unset: bool = False
    ) -> None:
        self.text = text
        self.variables = variables
        self.escape = escape
        self.raw = raw
        self.keep_unset = keep_unset
        self.saw_quotes = False
        self.undefined: list[str] = []
        self.absent: list[str] = []
        self._at = 0
        self._depth = 0
        self._size = 0
        self._plain = _plain(escape)

    def words(self) -> list[str]:
        """The text's words: white space ends one, also in a variable's value, but not in quotes or after an escape."""
        words = [""]
        while self._at < len(self.text):
            piece, whole = self._piece(self.raw)
            if whole:
                words[-1] += piece
                continue
            head, *tail = _SPACES.split(piece)
            words[-1] += head
            words += tail
        return [word for word in words if word]

    def until(self, stop: str, keep_escapes: bool = False) -> str:
        """The expanded text up to the character `stop` (consumed), or to the end for an empty `stop`."""
        result: list[str] = []
        while self._at < len(self.text):
            if self.text[self._at] == stop:
                self._at += 1
                return "".join(result)
            result.append(self._piece(keep_escapes or self.raw)[0])
        if stop:
            raise _BadSubstitution(f"missing {stop!r}")
        return "".join(result)

    def _piece(self, keep_escapes: bool) -> tuple[str, bool]:
        """The next piece, and whether white space in it belongs to the word."""
        match self.text[self._at]:
            case "'":
                return self._single(), True
            case '"':
                return self._double(keep_escapes), True
            case "$":
                return self._grown(self._dollar()), False
            case "<" if self.text.startswith("<<", self._at):
                return self._take(_HEREDOC), True
            case self.escape:
                taken = self.text[self._at : self._at + 2]
                self._at += 2
                return (taken if keep_escapes else taken[1:]), True
        plain = self._plain.match(self.text, self._at)
        start, self._at = self._at, plain.end() if plain else self._at + 1
        return self.text[start : self._at], False

    def _single(self) -> str:
        self.saw_quotes = True
        end = self.text.find("'", self._at + 1)
        if end < 0:
            raise _BadSubstitution("a single quote is not closed")
        inner, self._at = self.text[self._at + 1 : end], end + 1
        return f"'{inner}'" if self.raw else inner

    def _double(self, keep_escapes: bool) -> str:
        self.saw_quotes = True
        result: list[str] = []
        self._at += 1
        while self._at < len(self.text):
            character = self.text[self._at]
            if character == "$":
                result.append(self._grown(self._dollar()))
                continue
            self._at += 1
            if character == '"':
                inner = "".join(result)
                return f'"{inner}"' if self.raw else inner
            if character == self.escape:
                if keep_escapes:
                    result.append(character)
                following = self.text[self._at : self._at + 1]
                if following in ('"', "$", self.escape):
                    character, self._at = following, self._at + 1
            result.append(character)
        raise _BadSubstitution("a double quote is not closed")

    def _dollar(self) -> str:
        self._at += 1
        if not self.text.startswith("{", self._at):
            name = self._take(_NAME)
            return self._value(name, f"${name}") if name else "$"
        start = self._at - 1
        self._at += 1
        if self.text[self._at : self._at + 1] in ("", "{", "}", ":"):
            raise _BadSubstitution("bad substitution")
        name = self._take(_NAME)
        modifier = self._take(_MODIFIER)
        if modifier == "}":
            return self._value(name, f"${{{name}}}")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _BadSubstitution("substitutions are nested too deeply")
        result = self._modified(name, modifier)
        self._depth -= 1
        return self.text[start : self._at] if self.keep_unset else result

    def _modified(self, name: str, modifier: str) -> str:
        match modifier:
            case ":-" | "-" | ":+" | "+" | ":?" | "?":
                word = self.until("}")
                return self._conditional(name, modifier, word)
            case "#" | "%":
                pattern = self.until("}", keep_escapes=True)
                longest = pattern.startswith(modifier)
                glob = self._glob(pattern.removeprefix(modifier))
                trim: Callable[[str, bool], str] = glob.trim_start if modifier == "#" else glob.trim_end
                return trim(self._value(name, ""), longest)
            case "/" | "//":
                glob = self._glob(self.until("/", keep_escapes=True))
                replacement = self.until("}", keep_escapes=True)
                return glob.replace(self._value(name, ""), replacement, every=modifier == "//")
        raise _BadSubstitution(f"unsupported modifier after {name}")

    def _conditional(self, name: str, modifier: str, word: str) -> str:
        value = self.variables.get(name)
        if value is None:
            self.absent.append(name)
        usable = value is not None and (value != "" or modifier[0] != ":")
        match modifier[-1]:
            case "-":
                return value if usable and value is not None else word
            case "+":
                return word if usable else ""
        if self.keep_unset or (usable and value is not None):
            return value or ""
        raise _BadSubstitution(f"{name}: {word or 'is not allowed to be unset'}")

    def _value(self, name: str, written: str) -> str:
        value = self.variables.get(name)
        if value is not None:
            return value
        self.undefined.append(name)
        self.absent.append(name)
        return written if self.keep_unset else ""

    def _glob(self, pattern: str) -> "Glob":
        from imageopt.dockerfile.globs import Glob

        glob = Glob.parse(pattern)
        if glob is None:
            raise _BadSubstitution(f"invalid pattern {pattern!r}")
        return glob

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self._at)
        taken = match[0] if match else ""
        self._at += len(taken)
        return taken

    def _grown(self, value: str) -> str:
        # values may contain values: a short file must not become gigabytes
        self._size += len(value)
        if self._size > LONGEST:
            raise _BadSubstitution(f"the value is longer than {LONGEST} characters")
        return value
