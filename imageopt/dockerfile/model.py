"""The lossless Dockerfile tree. Offsets count characters of `text`, lines start at 1.

`text` is the file decoded as UTF-8 with surrogate escapes, so encoding it again gives the same bytes; every
character belongs to exactly one node, and an edit replaces a span of the text and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the file: `code` is a slug such as `unterminated-heredoc`."""

    code: str
    message: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a logical line: `raw` as written, `value` without quotes and escapes, its span in the text."""

    raw: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` before the arguments; `value` is empty where none was given."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc of RUN, COPY or ADD. `body` is its text, without the end marker."""

    name: str
    body: str
    expand: bool
    strip_tabs: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Trivia:
    """A directive, comment, blank or other line that is no instruction; its line end belongs to it."""

    kind: Literal["directive", "comment", "blank"]
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its continuation lines and heredocs.

    `keyword` is upper case. `arguments` is the logical line after the keyword and the flags, joined over its
    continuations; `words` are its shell-like words. `json` is the exec form's list, None for the shell form.
    `commands` of a shell-form RUN come from `shell.split`. `arguments_start` is where `arguments` begin in the text.
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
    words: tuple[Word, ...]
    json: tuple[str, ...] | None
    heredocs: tuple[Heredoc, ...]
    comments: tuple[Trivia, ...]  # adjacent, directly above
    problems: tuple[Problem, ...]

    def flag(self, name: str) -> str | None:
        """The value of the first flag of that name, or None."""
        return next((flag.value for flag in self.flags if flag.name == name), None)


@dataclass(frozen=True, slots=True)
class Stage:
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


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The whole file. `nodes` cover the text without gap or overlap, in order."""

    text: str
    escape: str
    directives: Mapping[str, str]
    nodes: tuple[Instruction | Trivia, ...]
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]

    def render(self) -> bytes:
        """The bytes it was parsed from."""
        return self.text.encode("utf-8", "surrogateescape")

    def source(self, instruction: Instruction) -> str:
        """The instruction as written, with continuations and heredocs, without the last line end."""
        return self.text[instruction.start : instruction.end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces `text[start:end]` with `replacement`."""

    start: int
    end: int
    replacement: str
