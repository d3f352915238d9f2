"""Reads the words of a shell script: quotes, substitutions, parameter expansions, arrays.

What surprises: nothing is read twice. A substitution is read where it stands, by `_read_list` of the class that makes
commands of words, so the time stays linear however deep things nest; beyond a fixed depth the rest of the script is
given up as incomplete.
"""

import re
from abc import ABC, abstractmethod

from imageopt.lazy_pattern import lazy_pattern

_DEEPEST = 40
_BLANKS = lazy_pattern(r"(?:[ \t\r]|\\\n)+")
_PLAIN = lazy_pattern(r"[^ \t\r\n'\"\\`$|&;()<>]+")
_IN_DOUBLE = lazy_pattern(r"[^\"\\$`]+")
_IN_BRACES = lazy_pattern(r"[^}'\"\\$`]+")
_IN_PARENS = lazy_pattern(r"[^()]+")
_ANSI_QUOTED = lazy_pattern(r"'((?:[^'\\]+|\\.)*)'?", re.DOTALL)


class WordReader(ABC):
    """A script and a place in it."""

    def __init__(self, script: str) -> None:
        self.at = 0
        self.complete = True
        self._script = script
        self._depth = 0
        self._in_backticks = False

    @abstractmethod
    def _read_list(self, closer: str) -> None:
        """Reads the commands of a substitution up to the closer and past it."""

    def word(self) -> str:
        """Reads a word and gives its value: no quotes, no escapes, variables and substitutions as written."""
        parts: list[str] = []
        start = self.at
        while self.at < len(self._script):
            if plain := _PLAIN.match(self._script, self.at):
                parts.append(plain[0])
                self.at = plain.end()
                continue
            part = self._quoted_part(start)
            if part is None:
                break
            parts.append(part)
        return "".join(parts)

    def _quoted_part(self, start: int) -> str | None:
        """The next part of a word that is more than plain characters; None at the end of the word."""
        at = self.at
        match self._script[at]:
            case "\\":
                self.at = min(at + 2, len(self._script))
                return self._script[at + 1 : self.at].replace("\n", "")
            case "'":
                return self._single()
            case '"':
                return self._double()
            case "$":
                return self._dollar()
            case "`" if not self._in_backticks:
                self._backticks()
                return self._script[at : self.at]
            case "<" | ">" if self._script.startswith("(", at + 1) and at == start:
                self.at += 2
                self._nested(")")
                return self._script[at : self.at]
            case "(" if at > start and self._script[at - 1] == "=":
                self._array()
                return self._script[at : self.at]
            case "(" if at > start and self._script[at - 1] in "?*+@!":
                self.balanced()
                return self._script[at : self.at]
        return None

    def _single(self) -> str:
        start = self.at + 1
        end = self._script.find("'", start)
        if end < 0:
            self.complete = False
            end = len(self._script)
        self.at = min(end + 1, len(self._script))
        return self._script[start:end]

    def _double(self) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self._script):
            at = self.at
            if plain := _IN_DOUBLE.match(self._script, at):
                parts.append(plain[0])
                self.at = plain.end()
                continue
            match self._script[at]:
                case '"':
                    self.at += 1
                    return "".join(parts)
                case "\\":
                    following = self._script[at + 1 : at + 2]
                    parts.append(following if following in '"\\$`' else self._script[at : at + 2].replace("\\\n", ""))
                    self.at = min(at + 2, len(self._script))
                case "$":
                    parts.append(self._dollar(in_double=True))
                case _:
                    if self._in_backticks:
                        break
                    self._backticks()
                    parts.append(self._script[at : self.at])
        self.complete = False
        return "".join(parts)

    def _dollar(self, in_double: bool = False) -> str:
        at = self.at
        self.at += 1
        match self._script[self.at : self.at + 1]:
            case "(" if self._script.startswith("((", self.at):
                self.balanced()
            case "(":
                self.at += 1
                self._nested(")")
            case "{":
                self._braces(in_double)
            case "'" if not in_double and (quoted := _ANSI_QUOTED.match(self._script, self.at)):
                self.at = quoted.end()
                return quoted[1]
            case '"' if not in_double:
                return self._double()
        return self._script[at : self.at]

    def _backticks(self) -> None:
        self.at += 1
        self._in_backticks = True
        self._nested("`")
        self._in_backticks = False

    def _braces(self, in_double: bool) -> None:
        """Passes over `{...}` of a parameter expansion."""
        self.at += 1
        if not self._enter():
            return
        while self.at < len(self._script):
            if plain := _IN_BRACES.match(self._script, self.at):
                self.at = plain.end()
                continue
            match self._script[self.at]:
                case "}":
                    self.at += 1
                    self._depth -= 1
                    return
                case "'" if in_double:
                    self.at += 1
                case "`" if self._in_backticks:
                    break
                case _:
                    self._quoted_part(self.at)
        self._depth -= 1
        self.complete = False

    def _array(self) -> None:
        """Passes over `(...)` of an array assignment."""
        self.at += 1
        if not self._enter():
            return
        while self.at < len(self._script) and self._script[self.at] != ")":
            start = self.at
            self.word()
            self.at += self.at == start
        self.complete = self.complete and self.at < len(self._script)
        self.at = min(self.at + 1, len(self._script))
        self._depth -= 1

    def balanced(self) -> None:
        """Passes over parentheses and what is in them: arithmetic, or a pattern."""
        depth = 0
        while self.at < len(self._script):
            if plain := _IN_PARENS.match(self._script, self.at):
                self.at = plain.end()
                continue
            depth += 1 if self._script[self.at] == "(" else -1
            self.at += 1
            if depth == 0:
                return
        self.complete = False

    def _nested(self, closer: str) -> None:
        if self._enter():
            self._read_list(closer)
            self._depth -= 1

    def _enter(self) -> bool:
        """Goes one level down; at the bottom the rest of the script is given up."""
        if self._depth >= _DEEPEST:
            self.complete = False
            self.at = len(self._script)
            return False
        self._depth += 1
        return True

    def skip_blanks(self) -> None:
        if blanks := _BLANKS.match(self._script, self.at):
            self.at = blanks.end()
