"""The lossless Dockerfile tree. Offsets count characters of `text`, lines start at 1.

`text` is the file decoded as UTF-8 with surrogate escapes, so encoding it again gives the same bytes; every
character belongs to exactly one node, and an edit replaces a span of the text and nothing else.
"""

import re
from bisect import bisect_right
from collections.abc import Hashable, Mapping
from itertools import accumulate
from typing import Any, Literal

from msgspec import Struct


class Problem(Struct, frozen=True):
    """Something wrong with the file: `code` is a slug such as `unterminated-heredoc`."""

    code: str
    message: str
    line: int
    end_line: int


class Word(Struct, frozen=True):
    """A word of a logical line: `raw` as written, `value` without quotes and escapes, its span in the text."""

    raw: str
    value: str
    start: int
    end: int


class Flag(Struct, frozen=True):
    """`--name=value` before the arguments; `value` is empty where none was given."""

    name: str
    value: str
    start: int
    end: int


class Heredoc(Struct, frozen=True):
    """A heredoc of RUN, COPY or ADD. `body` is `text[start:end]`: its lines as written, without the end marker."""

    name: str
    body: str
    expand: bool
    strip_tabs: bool
    start: int
    end: int

    @property
    def content(self) -> str:
        """What the build sees: the body, its leading tabs gone where `<<-` asks for it."""
        return re.sub(r"(?m)^\t+", "", self.body) if self.strip_tabs else self.body


class Trivia(Struct, frozen=True):
    """A directive, comment, blank or other line that is no instruction; its line end belongs to it.

    `unread` is all that follows the last instruction of a file with too many of them.
    """

    kind: Literal["directive", "comment", "blank", "unread"]
    start: int
    end: int
    line: int


class Instruction(Struct, frozen=True, dict=True):
    """One instruction with its continuation lines and heredocs.

    `keyword` is upper case. `arguments` is the logical line after the keyword and the flags, joined over its
    continuations, `escape` the character that continues them. `json` is the exec form's list, None for the shell form.
    `arguments_start` is where `arguments` begin in the text; `pieces` are pairs (offset in `arguments`,
    offset in the text) of the parts they were joined from. ONBUILD's instruction is its `trigger`.
    """

    keyword: str
    raw_keyword: str
    start: int
    end: int
    line: int
    end_line: int
    flags: tuple[Flag, ...]
    arguments: str
    arguments_start: int
    escape: str
    json: tuple[str, ...] | None
    heredocs: tuple[Heredoc, ...]
    comments: tuple[Trivia, ...]  # adjacent, directly above
    problems: tuple[Problem, ...]
    pieces: tuple[tuple[int, int], ...] = ()
    trigger: "Instruction | None" = None

    @property
    def memo(self) -> dict[str, Any]:
        """What was worked out of it once, such as its commands, for every rule asks: no part of its value."""
        return self.__dict__

    @property
    def values(self) -> tuple[str, ...]:
        """What the words stand for, in the exec form and in the shell's."""
        return self.json or tuple(word.value for word in self.words)

    @property
    def words(self) -> tuple[Word, ...]:
        """The shell-like words of the arguments, split when first asked for: hardly anybody asks a RUN.

        Those of FROM, COPY, ADD, EXPOSE and VOLUME end at white space whatever the quotes, as BuildKit reads them;
        WORKDIR, USER, STOPSIGNAL and MAINTAINER have one word; `ENV key value` has two; the exec form's words are its
        strings.
        """
        known: tuple[Word, ...] | None = self.memo.get("words")
        if known is None:
            from imageopt.dockerfile.words import Logical, take_words  # which makes the words of this module

            line = Logical(self.arguments, self.pieces)
            known = self.memo["words"] = take_words(self.keyword, line, 0, len(self.arguments), self.escape, self.json)
        return known

    @property
    def is_bare(self) -> bool:
        """Whether it has no words, told without splitting what may be long."""
        return (len(self.arguments) < 2 or self.json is not None) and not self.words

    @property
    def is_no_list_of_strings(self) -> bool:
        """Whether its arguments are JSON of which a build makes neither a list nor a shell's words."""
        return any(problem.code == "json-not-strings" for problem in self.problems)

    def locate(self, offset: int) -> int:
        """The offset in the text of the character at `offset` of `arguments`."""
        if not self.pieces:
            return self.arguments_start + offset
        start, source = self.pieces[max(0, bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1)]
        return source + offset - start

    def flag(self, name: str) -> str | None:
        """The value of the first flag of that name, or None."""
        return next((flag.value for flag in self.flags if flag.name == name), None)


class Stage(Struct, frozen=True):
    """A build stage. `base` is the image or stage name of FROM, with ARG defaults put in.

    None where an argument without a default is in it. `parent` is the index of the stage it builds on, None for an
    image from outside. `instructions` exclude FROM itself.
    """

    index: int
    name: str | None
    base: str | None
    parent: int | None
    platform: str | None
    from_instruction: Instruction
    instructions: tuple[Instruction, ...]


class Dockerfile(Struct, frozen=True, dict=True):
    """The whole file. `nodes` cover the text without gap or overlap, in order."""

    text: str
    escape: str
    directives: Mapping[str, str]
    nodes: tuple[Instruction | Trivia, ...]
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]

    @property
    def memo(self) -> dict[Hashable, Any]:
        """What was worked out of the file once, by the name of the question: no part of its value."""
        memo: dict[Hashable, Any] = self.__dict__.setdefault("memo", {})
        return memo

    def render(self) -> bytes:
        """The bytes it was parsed from."""
        return self.text.encode("utf-8", "surrogateescape")

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of a character, both from 1; a byte order mark takes no column."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1 - self._mark(line)

    def offset(self, line: int, column: int) -> int:
        """Where the character of a line and column stands: `position` the other way round."""
        return self._line_starts()[line - 1] + column - 1 + self._mark(line)

    def _line_starts(self) -> list[int]:
        starts: list[int] | None = self.memo.get("lines")
        if starts is None:
            starts = self.memo["lines"] = [0, *accumulate(len(line) + 1 for line in self.text.split("\n")[:-1])]
        return starts

    def _mark(self, line: int) -> int:
        return int(line == 1 and self.text.startswith("\ufeff"))

    def source(self, instruction: Instruction) -> str:
        """The instruction as written, with continuations and heredocs, without the last line end."""
        return self.text[instruction.start : instruction.end].rstrip("\r\n")

    def stage_of(self, instruction: Instruction) -> Stage | None:
        """The stage an instruction stands in, FROM included; None above the first FROM."""
        above = (stage for stage in reversed(self.stages) if stage.from_instruction.start <= instruction.start)
        return next(above, None)

    def target(self, name: str | None = None) -> Stage | None:
        """The stage a build of that target ends with: by name, else by number; the last one without a name.

        None where there is no such stage.
        """
        if name is None:
            return self.stages[-1] if self.stages else None
        named = (stage for stage in reversed(self.stages) if stage.name == name.lower())
        return next(named, None) or self._numbered(name)

    def source_stage(self, instruction: Instruction) -> Stage | None:
        """The stage that a `--from` (of COPY, ADD or a RUN mount's value) names; None for an image or a context."""
        reference = instruction.flag("from")
        return self.stage_named(reference, before=instruction.start) if reference else None

    def stage_named(self, reference: str, before: int) -> Stage | None:
        """The stage that begins above the offset `before` and has that number, else that name; the nearest wins."""
        numbered = self._numbered(reference)
        candidates = [numbered] if numbered else [s for s in reversed(self.stages) if s.name == reference.lower()]
        return next((stage for stage in candidates if stage.from_instruction.start < before), None)

    def _numbered(self, reference: str) -> Stage | None:
        number = int(reference) if re.fullmatch(r"[0-9]{1,9}", reference) else -1
        return self.stages[number] if 0 <= number < len(self.stages) else None


Nesting = Literal[
    "", "group", "subshell", "if", "loop", "case", "function", "negation", "substitution", "heredoc", "exec"
]


class Redirect(Struct, frozen=True):
    """`2> file`: the descriptor (empty where none is written), the operator, and the word after it."""

    descriptor: str
    operator: str
    target: Word


class Command(Struct, frozen=True, dict=True):
    """A simple command of a shell script.

    `operator` stands before it and `after` behind it: `&&`, `||`, `;` (also for a newline), `|`, `|&`, `&` or nothing.
    `nesting` is the innermost construct it is in, empty at the top. `complete` is False where the script breaks off
    or does not match up, so that what is said of any of its commands is a guess. The span is from its first word,
    assignment or redirect to its last.
    """

    words: tuple[Word, ...]
    assignments: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    operator: str
    after: str
    nesting: Nesting
    start: int
    end: int
    complete: bool

    @property
    def memo(self) -> dict[str, Any]:
        """What it asks of its tool, worked out once, by `tools.call` and by the rules: no part of its value."""
        return self.__dict__

    @property
    def name(self) -> str:
        """The first word without quotes, empty for a mere assignment or redirect."""
        return self.words[0].value if self.words else ""

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the first."""
        return self.words[1:]


class Edit(Struct, frozen=True):
    """Replaces `text[start:end]` with `replacement`."""

    start: int
    end: int
    replacement: str
