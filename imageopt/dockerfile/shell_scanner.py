"""Reads a shell script once from left to right and notes its simple commands.

What surprises: a reserved word is one only where a command could begin, and a command is noted before its first word is
read, so that the commands inside that word's substitutions come after it.
"""

import re
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from imageopt.dockerfile.model import Command, Nesting, Redirect, Word
from imageopt.dockerfile.shell_words import WordReader
from imageopt.lazy_pattern import lazy_pattern

_OPERATOR = lazy_pattern(r"&&|\|\||;;&|;;|;&|\|&|[;|&]")
# blanks and an argument that ends where blanks begin: no quote, expansion, operator or comment is in it
_PLAIN_WORD = lazy_pattern(r"[ \t\r]+([^ \t\r\n'\"\\`$|&;()<>#][^ \t\r\n'\"\\`$|&;()<>]*)(?=[ \t\r\n]|\Z)")
_REDIRECT = lazy_pattern(r"([0-9]*)(<<<|<<-|<<|<>|<&|<|>>|>\||>&|>|(?<![0-9])&>>|(?<![0-9])&>)")
_ASSIGNMENT = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^]]*\])?\+?=")
_NO_PARAMETERS = lazy_pattern(r"\([ \t]*\)")
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_COMPOUND: dict[str, tuple[Nesting, str, str]] = {
    "if": ("if", "fi", ""),
    "while": ("loop", "done", ""),
    "until": ("loop", "done", ""),
    "for": ("loop", "done", "header"),
    "select": ("loop", "done", "header"),
    "case": ("case", "esac", "subject"),
    "{": ("group", "}", ""),
}
_PASSED_OVER = frozenset({"then", "else", "elif", "do", "time", "coproc"})


class _Draft(Struct):
    """A command in the making."""

    start: int
    operator: str
    nesting: Nesting
    words: list[Word] = field(default_factory=list)
    assignments: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    after: str = ""
    end: int = 0

    @property
    def empty(self) -> bool:
        return not (self.words or self.assignments or self.redirects)


class _Open(Struct):
    """A compound command that is not closed yet. `mode` says that other things than commands are read in it."""

    nesting: Nesting
    closer: str
    mode: str


class _Level(Struct):
    """One list of commands: the script, or the inside of a substitution."""

    closer: str
    outer: Nesting
    open: list[_Open] = field(default_factory=list)
    draft: _Draft | None = None
    operator: str = ""
    negated: bool = False
    function: bool = False
    after_compound: bool = False
    closers: Counter[str] = field(default_factory=Counter)  # of what is open, to be found without a search

    @property
    def mode(self) -> str:
        return self.open[-1].mode if self.open else ""

    @property
    def nesting(self) -> Nesting:
        if self.open:
            return self.open[-1].nesting
        return "negation" if self.negated and not self.outer else self.outer

    def enter(self, nesting: Nesting, closer: str, mode: str) -> None:
        body = self.function and closer in ("}", ")")
        self.open.append(_Open("function" if body else nesting, closer, mode))
        self.closers[closer] += 1
        self.function = False

    def leave(self, closer: str) -> bool:
        """Ends the innermost compound command with this closer; whether it was the innermost of all."""
        if not self.closers[closer]:
            return False
        skipped = 0
        while (last := self.open.pop().closer) != closer:
            self.closers[last] -= 1
            skipped += 1
        self.closers[closer] -= 1
        self.after_compound = True
        return not skipped

    def finish(self, operator: str) -> None:
        if self.draft:
            self.draft.after = operator
        self.draft = None
        self.negated = self.after_compound = False
        self.operator = operator


class Scanner(WordReader):
    """The scan of one script; `locate` turns its offsets into those of the file."""

    def __init__(self, script: str, nesting: Nesting, locate: Callable[[int], int]) -> None:
        super().__init__(script)
        self._nesting: Nesting = nesting
        self._locate = locate
        self._drafts: list[_Draft] = []
        self._bodies: list[tuple[str, bool]] = []

    def commands(self) -> tuple[Command, ...]:
        """All simple commands of the script."""
        self._list("", self._nesting)
        return tuple(
            Command(
                words=tuple(draft.words),
                assignments=tuple(draft.assignments),
                redirects=tuple(draft.redirects),
                operator=draft.operator,
                after=draft.after,
                nesting=draft.nesting,
                start=self._locate(draft.start),
                end=self._locate(draft.end - 1) + 1,
                complete=self.complete,
            )
            for draft in self._drafts
            if not draft.empty
        )

    def _list(self, closer: str, outer: Nesting) -> None:
        """Reads commands up to the closer, which is consumed, or the end."""
        level = _Level(closer, outer)
        script = self._script
        while self.at < len(script):
            if level.draft and level.draft.words and not level.mode:
                self._plain_words(level.draft)
                if self.at == len(script):
                    break
            before = self.at
            if self._step(level):
                return
            if self.at == before:  # something that cannot stand here
                self.complete = False
                self.at += 1
        level.finish("")
        if closer or level.open:
            self.complete = False

    def _plain_words(self, draft: _Draft) -> None:
        """Takes the arguments without quotes that follow, and the blanks before each: most of a script."""
        locate = self._locate
        while found := _PLAIN_WORD.match(self._script, self.at):
            start, end = found.span(1)
            raw = found[1]
            draft.words.append(Word(raw, raw, locate(start), locate(end - 1) + 1))
            draft.end = self.at = end

    def _step(self, level: _Level) -> bool:
        """Reads one thing; whether it was the level's closer."""
        character = self._script[self.at]
        if character in " \t\r" or (character == "\\" and self._script.startswith("\\\n", self.at)):
            self.skip_blanks()
        elif character == level.closer and level.mode != "patterns" and not level.closers[character]:
            self.at += 1
            if level.open:
                self.complete = False
            level.finish("")
            return True
        elif character == "#":
            end = self._script.find("\n", self.at)
            self.at = len(self._script) if end < 0 else end
        elif character == "\n":
            self._newline(level)
        elif character == "(":
            self._parenthesis(level)
        elif character == ")":
            self._close_parenthesis(level)
        elif character in "<>" and self._script.startswith("(", self.at + 1):
            self._take_word(level)
        elif character in "<>&0123456789" and (redirect := _REDIRECT.match(self._script, self.at)):
            self._redirect(level, redirect)
        elif character in ";|&" and (operator := _OPERATOR.match(self._script, self.at)):
            self._operator(level, operator[0])
        else:
            self._take_word(level)
        return False

    def _read_list(self, closer: str) -> None:
        """As it is said there; the heredocs opened outside begin after it."""
        bodies, self._bodies = self._bodies, []
        self._list(closer, "substitution")
        self._bodies = bodies

    # the parts of a list

    def _newline(self, level: _Level) -> None:
        self.at += 1
        for name, strip_tabs in self._bodies:
            self._skip_heredoc(name, strip_tabs)
        self._bodies = []
        if level.draft or level.after_compound:
            level.finish(";")

    def _operator(self, level: _Level, operator: str) -> None:
        self.at += len(operator)
        if level.mode:
            return
        if operator in (";;", ";&", ";;&"):
            if level.open and level.open[-1].closer == "esac":
                level.open[-1].mode = "patterns"
            operator = ";"
        level.finish(operator)

    def _parenthesis(self, level: _Level) -> None:
        if level.mode == "patterns":
            self.at += 1
        elif level.draft is None and self._script.startswith("((", self.at):
            start = self.at
            self.balanced()
            if not level.mode:
                self._new_draft(level, start)
                self._add(level, self._word_of(start, self._script[start : self.at]))
        elif level.draft is None:
            level.enter("subshell", ")", "")
            self.at += 1
        elif function := _NO_PARAMETERS.match(self._script, self.at):
            level.draft.words.clear()
            level.draft = None
            level.function = True
            self.at = function.end()
        else:
            self.complete = False
            level.finish("")
            self.at += 1

    def _close_parenthesis(self, level: _Level) -> None:
        self.at += 1
        if level.mode == "patterns":
            level.open[-1].mode = ""
        else:
            self._close(level, ")")

    def _redirect(self, level: _Level, match: re.Match[str]) -> None:
        start, self.at = self.at, match.end()
        if level.draft is None and not level.after_compound and not level.mode:
            self._new_draft(level, start)
        self.skip_blanks()
        target_start = self.at
        target = self._word_of(target_start, self.word())
        if match[2] in ("<<", "<<-"):
            self._bodies.append((target.value, match[2] == "<<-"))
        if level.draft:
            level.draft.redirects.append(Redirect(match[1], match[2], target))
            level.draft.end = self.at

    def _take_word(self, level: _Level) -> None:
        start = self.at
        if level.mode:
            self.word()
            self._in_mode(level, self._script[start : self.at])
            return
        if level.draft is None:
            self._new_draft(level, start)
        value = self.word()
        word = self._word_of(start, value)
        if level.draft and level.draft.empty and self._reserved(level, word.raw):
            return
        self._add(level, word)
        if word.raw == "[[" and level.draft and len(level.draft.words) == 1:
            self._conditional(level)

    def _in_mode(self, level: _Level, raw: str) -> None:
        """What a word does in the head of a loop or case."""
        top = level.open[-1]
        if top.mode == "header" and raw == "do":
            top.mode = ""
        elif top.mode == "subject" and raw == "in":
            top.mode = "patterns"
        elif top.mode == "patterns" and raw == "esac":
            self._close(level, "esac")

    def _reserved(self, level: _Level, raw: str) -> bool:
        """Whether the word is a reserved one that opens, closes or parts compound commands; then it was acted on."""
        if raw in _COMPOUND:
            level.enter(*_COMPOUND[raw])
        elif raw in _CLOSERS:
            self._close(level, raw)
        elif raw == "!":
            level.negated = True
        elif raw == "function":
            self.skip_blanks()
            self.word()
            parameters = _NO_PARAMETERS.match(self._script, self.at)
            self.at = parameters.end() if parameters else self.at
            level.function = True
        elif raw not in _PASSED_OVER:
            return False
        level.draft = None
        return True

    def _close(self, level: _Level, closer: str) -> None:
        """Ends the innermost compound command that has this closer."""
        level.finish("")
        self.complete &= level.leave(closer)

    def _conditional(self, level: _Level) -> None:
        """Reads the rest of `[[ ... ]]`, in which operators are words."""
        while self.at < len(self._script):
            start = self.at
            character = self._script[start]
            if character in " \t\r\n" or self._script.startswith("\\\n", start):
                self.at += 1 + (character == "\\")
                continue
            value = self.word()
            if self.at == start:
                operator = _OPERATOR.match(self._script, start)
                value = operator[0] if operator else character
                self.at += len(value)
            self._add(level, self._word_of(start, value))
            if self._script[start : self.at] == "]]":
                return
        self.complete = False

    def _new_draft(self, level: _Level, start: int) -> None:
        level.draft = _Draft(start, level.operator, level.nesting)
        level.after_compound = False
        self._drafts.append(level.draft)

    def _add(self, level: _Level, word: Word) -> None:
        if level.draft is None:
            return
        is_assignment = not level.draft.words and _ASSIGNMENT.match(word.raw)
        (level.draft.assignments if is_assignment else level.draft.words).append(word)
        level.draft.end = self.at

    def _word_of(self, start: int, value: str) -> Word:
        end = self.at
        return Word(
            self._script[start:end], value, self._locate(start), self._locate(max(start, end - 1)) + (end > start)
        )

    def _skip_heredoc(self, name: str, strip_tabs: bool) -> None:
        while self.at < len(self._script):
            end = self._script.find("\n", self.at)
            end = len(self._script) if end < 0 else end
            line = self._script[self.at : end].rstrip("\r")
            self.at = min(end + 1, len(self._script))
            if (line.lstrip("\t") if strip_tabs else line) == name:
                return
        self.complete = False
