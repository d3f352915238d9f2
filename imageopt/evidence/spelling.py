"""How the builders spell an instruction in an image's history: whether a history text is what one of them writes.

BuildKit writes the instruction with its variables put in, Docker's classic builder the command or `#(nop)` and a
checksum instead of the sources, buildah the same with the text as it stands in the file, kaniko that text alone. What
surprises: a command is compared from its shell on, never by its end alone, since `install` also ends `npm install`.
"""

import posixpath
import re
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from imageopt.dockerfile.environment import Environment
from imageopt.dockerfile.model import Instruction
from imageopt.lazy_pattern import lazy_pattern

_NOP = lazy_pattern(r"^\S+(?: -o \w+| -\w+)* #\(nop\)\s+")  # how the classic builder and buildah mark what runs nothing
_SHELL = r"(?:\S*/)?\w*sh(?: -o \w+| -\w+)+"
_CHECKSUM = lazy_pattern(r"(?:(?:dir|file|multi):\S*|\S+) in ")
_MARK = "# buildkit"
# what buildah notes behind an instruction, for its cache
_NOTES = lazy_pattern(
    r"(?:\|(?:inheritLabels|unsetLabel|inheritAnnotations|unsetAnnotation|(?:force|clamp)-mtime)=\S*)+$"
)


class Spelled(Struct, frozen=True, dict=True):
    """A history text, taken apart: `keyword` is upper case, `RUN` where the text is a mere command."""

    created_by: str

    @cached_property
    def text(self) -> str:
        """What stands behind the marks that builders put around it; white space as written."""
        inner = _NOP.sub("", self.created_by, count=1).strip().removesuffix(_MARK).strip()
        return _NOTES.sub("", inner).strip()

    @cached_property
    def runs_nothing(self) -> bool:
        return _NOP.match(self.created_by) is not None

    @cached_property
    def keyword(self) -> str:
        word = self.text.partition(" ")[0]
        return word if self.runs_nothing or re.fullmatch("[A-Z]+", word) else "RUN"

    @cached_property
    def line(self) -> str:
        """The text without its keyword, its white space run together."""
        return _flat(self.text.removeprefix(f"{self.keyword} ") if self.keyword != "RUN" else self._command)

    @property
    def is_plain(self) -> bool:
        """Whether no builder's mark is on it: kaniko's way."""
        return not self.runs_nothing and _MARK not in self.created_by and self.text.startswith(self.keyword)

    @property
    def _command(self) -> str:
        return self.text.removeprefix("RUN ")


def strip_nop(created_by: str) -> str:
    """The text without the mark for what runs nothing."""
    return _NOP.sub("", created_by, count=1)


def matches(
    spelled: Spelled, instruction: Instruction, environment: Environment, shells: Sequence[Sequence[str]] = ()
) -> bool:
    """Whether a builder writes this text for this RUN, COPY, ADD or WORKDIR; `shells` are others it may have used."""
    if spelled.keyword != instruction.keyword or (spelled.keyword == "RUN" and spelled.runs_nothing):
        return False
    if (spelled.runs_nothing or spelled.is_plain) and spelled.line == _as_written(instruction):
        return True
    match instruction.keyword:
        case "RUN":
            return _is_run(spelled.line, instruction, environment, shells)
        case "WORKDIR":
            return _is_workdir(spelled.line, instruction, environment)
        case "COPY" | "ADD":
            return _is_copy(spelled.line, instruction, environment)
    return False


def resembles(spelled: Spelled, instruction: Instruction, environment: Environment) -> bool:
    """Whether the text of an instruction that makes no layer is this one's, letter for letter or nearly."""
    if spelled.keyword != instruction.keyword:
        return False
    letters = _letters(spelled.line)
    written = {_letters(instruction.arguments), _letters(environment.known(instruction.arguments) or "")}
    return any(text and letters.endswith(text) for text in written)


def _is_run(line: str, instruction: Instruction, environment: Environment, shells: Sequence[Sequence[str]]) -> bool:
    if instruction.json is not None and _is_exec(line, _flat(" ".join(instruction.json)), environment):
        return True
    known = [re.escape(_flat(" ".join(shell))) for shell in (environment.shell, *shells) if shell]
    # build arguments come first, and their values may hold spaces: the first shell ends them
    before = re.match(rf"(?:\|\d+ (?:.*? )?)?(?:{'|'.join(known)}|{_SHELL}) ", line)
    return before is not None and line[before.end() :] in _scripts(instruction)


def _is_exec(line: str, command: str, environment: Environment) -> bool:
    if line == command:
        return True
    arguments = dict(environment.arguments)
    told = [
        f"{re.escape(name)}={re.escape(_flat(value)) if value is not None else '.*'}"
        for name, value in arguments.items()
    ]
    return re.fullmatch(rf"\|{len(told)} {' '.join(told)} {re.escape(command)}", line) is not None


def _scripts(instruction: Instruction) -> set[str]:
    """What the shell is given: the command, with its flags for buildah, a heredoc's body in each builder's way."""
    written = {_flat(instruction.arguments), _as_written(instruction)}
    if not instruction.heredocs:
        return written
    first, bodies = instruction.heredocs[0], [heredoc.content for heredoc in instruction.heredocs]
    ended = [f"{heredoc.content}{heredoc.name}" for heredoc in instruction.heredocs]
    told = {_flat("\n".join([_as_written(instruction), *bodies])), _flat("\n".join([instruction.arguments, *ended]))}
    if len(instruction.arguments.split()) > 1:
        return told
    # a script with an interpreter of its own is written to a file, and named by it
    return told | {f"/dev/pipes/{first.name}" if first.content.startswith("#!") else _flat(first.content)}


def _is_workdir(line: str, instruction: Instruction, environment: Environment) -> bool:
    path = environment.known(instruction.words[0].raw) if instruction.words else None
    if path is None:
        return False
    if environment.workdir is None and not path.startswith("/"):  # below a folder that the base image decides
        return line.startswith("/") and line.endswith("/" + posixpath.normpath(path))
    return line == posixpath.normpath(posixpath.join(environment.workdir or "/", path))


def _is_copy(line: str, instruction: Instruction, environment: Environment) -> bool:
    words = list(instruction.json or (word.value for word in instruction.words))
    expanded = [word for word in map(environment.known, words) if word is not None]
    if not words or len(expanded) < len(words):
        return False
    flags_told, line = _flags(line)
    target = _flat(expanded[-1])
    if named := _CHECKSUM.match(line):  # a checksum stands for the sources; buildah leaves variables in
        return _same_path(line[named.end() :], target) or line[named.end() :] == words[-1]
    sources = sorted(expanded[:-1], key=lambda word: word.startswith("<<"))  # BuildKit names heredocs last
    flags = [
        f"--{flag.name}={value}" if (value := environment.known(flag.value)) is not None else ""
        for flag in instruction.flags
        if flag.name in ("chown", "chmod")
    ]
    told = [flag for flag in flags_told if flag.startswith(("--chown=", "--chmod="))]
    return line == _flat(" ".join([*sources, target])) and ("" in flags or sorted(told) == sorted(flags))


def _flags(line: str) -> tuple[list[str], str]:
    flags = []
    while line.startswith("--"):
        flag, _, line = line.partition(" ")
        flags.append(flag)
    return flags, line


def _same_path(one: str, other: str) -> bool:
    return posixpath.normpath(one) == posixpath.normpath(other)


def _as_written(instruction: Instruction) -> str:
    """The instruction behind its keyword as it stands in the file, continuations joined."""
    flags = [f"--{flag.name}={flag.value}" if flag.value else f"--{flag.name}" for flag in instruction.flags]
    return _flat(" ".join([*flags, instruction.arguments]))


def _letters(text: str) -> str:
    return re.sub(r"[^\w./$-]+", "", text)


def _flat(text: str) -> str:
    return " ".join(text.split())
