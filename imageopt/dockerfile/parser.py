"""Turns the bytes of a Dockerfile into the lossless tree.

It never raises: what is wrong becomes a `Problem` and reading goes on. What surprises: blank lines and comments do not
end a continued instruction, so a stray backslash swallows the next one.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.directives import Directives
from imageopt.dockerfile.heredocs import Marker, find_markers
from imageopt.dockerfile.instructions import Body, build, opens_heredocs
from imageopt.dockerfile.model import Dockerfile, Heredoc, Instruction, Problem, Trivia
from imageopt.dockerfile.stages import read_stages
from imageopt.dockerfile.words import SPACE, Logical

_MOST_INSTRUCTIONS = 5_000  # a hundred times the most that people write; engines stack some 120 layers
_LONGEST_LINE = 65_535  # bufio.MaxScanTokenSize - 1, in bytes, without the newline


def parse(data: bytes) -> Dockerfile:
    """The tree of a Dockerfile; `render()` of it gives the same bytes, whatever they are."""
    reader = _Reader(data.decode("utf-8", "surrogateescape"))
    reader.read()
    instructions = tuple(node for node in reader.nodes if isinstance(node, Instruction))
    stages, problems = read_stages(instructions, reader.directives.escape)
    problems += reader.directives.problems + reader.problems + reader.long_lines()
    if not instructions:
        problems.append(Problem("no-instructions", "the file has no instructions", 1, max(1, len(reader.lines))))
    problems += (problem for instruction in instructions for problem in instruction.problems)
    return Dockerfile(
        text=reader.text,
        escape=reader.directives.escape,
        directives=reader.directives.values,
        nodes=tuple(reader.nodes),
        instructions=instructions,
        stages=stages,
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
    )


class _Line(Struct, frozen=True):
    """A physical line: its span with the line end, its content without."""

    start: int
    end: int
    content: str


class _Reader:
    """Walks over the physical lines once; `nodes` then cover the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.directives = Directives()
        self.nodes: list[Instruction | Trivia] = []
        self.problems: list[Problem] = []
        self.lines = _physical_lines(text)
        self._next = 0
        self._above: list[Trivia] = []

    def read(self) -> None:
        """Fills `nodes` and `directives`."""
        if self.text.startswith("\ufeff"):
            self.nodes.append(Trivia("blank", 0, 1, 1))
        left = _MOST_INSTRUCTIONS
        while self._next < len(self.lines):
            content = self.lines[self._next].content.lstrip(SPACE)
            if not left:
                self._give_up()
            elif self.directives.offer(content, self._next + 1):
                self._trivia("directive")
            elif not content:
                self._trivia("blank")
            elif content.startswith("#"):
                self._trivia("comment")
            else:
                self._instruction(content)
                left -= 1

    def long_lines(self) -> list[Problem]:
        """A problem for every line that is too long for BuildKit."""
        return [
            Problem("line-too-long", f"the line is longer than {_LONGEST_LINE} bytes", number, number)
            for number, line in enumerate(self.lines, 1)
            if line.end - line.start > _LONGEST_LINE // 4
            and len(self.text[line.start : line.end].removesuffix("\n").encode("utf-8", "surrogateescape"))
            > _LONGEST_LINE
        ]

    def _give_up(self) -> None:
        line = self.lines[self._next]
        message = f"there are more than {_MOST_INSTRUCTIONS:,} instructions: from here on nothing is read"
        self.problems.append(Problem("too-many-instructions", message, self._next + 1, len(self.lines)))
        self.nodes.append(Trivia("unread", line.start, len(self.text), self._next + 1))
        self._next = len(self.lines)

    def _trivia(self, kind: Literal["directive", "comment", "blank"]) -> None:
        line = self.lines[self._next]
        trivia = Trivia(kind, line.start, line.end, self._next + 1)
        self.nodes.append(trivia)
        if kind == "comment":
            self._above.append(trivia)
        else:
            self._above = []
        self._next += 1

    def _instruction(self, content: str) -> None:
        first, start = self._next, self.lines[self._next].start
        problems: list[Problem] = []
        line = self._joined(content, problems)
        heredocs = []
        if opens_heredocs(line, self.directives.escape):
            heredocs = [self._heredoc(marker, first + 1, problems) for marker in find_markers(line.text)]
        end = self.lines[self._next - 1].end
        body = Body(line, start, end, first + 1, self._next, tuple(heredocs), tuple(self._above), tuple(problems))
        self.nodes.append(build(body, self.directives.escape))
        self._above = []

    def _joined(self, content: str, problems: list[Problem]) -> Logical:
        """The instruction's lines in one, from `content` of the current line on."""
        parts: list[str] = []
        pieces: list[tuple[int, int]] = []
        length = 0
        escape = self.directives.escape
        first = self.lines[self._next]
        source = first.start + len(first.content) - len(content)
        while True:
            bare = content.rstrip(" \t")
            continued = bare.endswith(escape) and not bare.endswith(escape, 0, -1)
            part = bare[:-1] if continued else content
            pieces.append((length, source))
            parts.append(part)
            length += len(part)
            self._next += 1
            if not continued or not self._skip_to_continuation(problems):
                return Logical("".join(parts), tuple(pieces))
            line = self.lines[self._next]
            source, content = line.start, line.content

    def _skip_to_continuation(self, problems: list[Problem]) -> bool:
        """Passes over comments and blank lines; whether a line is left to continue with."""
        while self._next < len(self.lines):
            content = self.lines[self._next].content.lstrip(SPACE)
            if content and not content.startswith("#"):
                return True
            self._next += 1
            if not content:
                message = "a blank line within an instruction"
                problems.append(Problem("empty-continuation", message, self._next, self._next))
        return False

    def _heredoc(self, marker: Marker, opened: int, problems: list[Problem]) -> Heredoc:
        start = self.lines[self._next - 1].end
        while self._next < len(self.lines):
            line = self.lines[self._next]
            self._next += 1
            if marker.ends(line.content):
                return self._heredoc_of(marker, start, line.start)
        message = f"the heredoc {marker.name} is not terminated"
        problems.append(Problem("unterminated-heredoc", message, opened, self._next))
        return self._heredoc_of(marker, start, len(self.text))

    def _heredoc_of(self, marker: Marker, start: int, end: int) -> Heredoc:
        return Heredoc(marker.name, self.text[start:end], marker.expand, marker.strip_tabs, start, end)


def _physical_lines(text: str) -> list[_Line]:
    """The lines in order, a byte order mark left out."""
    lines = []
    start = 1 if text.startswith("\ufeff") else 0
    for line in text[start:].split("\n"):
        end = start + len(line) + 1
        lines.append(_Line(start, end, line.rstrip("\r")))
        start = end
    last = lines.pop()  # behind the last newline; split always gives it
    return [*lines, replace(last, end=len(text))] if last.start < len(text) else lines
