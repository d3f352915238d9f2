"""Puts commands into the list of a RUN, and takes them out, the way the list is already written.

What surprises: `&&` may stand at the end of a line or begin the next one, and a list behind `set -e` is joined with
`;` instead. What is put in follows its neighbour; where that is one long command, it goes on a line of its own.
"""

import re
from collections.abc import Sequence

from imageopt.dockerfile.model import Command, Dockerfile, Edit, Instruction

_INDENT = re.compile(r"[ \t]*")
_LEADING = re.compile(r"([ \t]*)(&&|;)([ \t]*)")
_ERREXIT = re.compile(r"-[a-zA-Z]*e[a-zA-Z]*|errexit")


def insertion_after(
    dockerfile: Dockerfile, instruction: Instruction, commands: Sequence[Command], index: int, text: str
) -> Edit:
    """The edit that runs `text` after the command of that index if it succeeded; `commands` are the RUN's, flat."""
    source = dockerfile.text
    command = commands[index]
    operator = ";" if _stops_at_errors(commands, index) else "&&"
    body = next((heredoc for heredoc in instruction.heredocs if heredoc.start <= command.start < heredoc.end), None)
    if body is not None:
        newline = _newline(source, instruction)
        if operator == ";" and _ends_its_line(source, command):
            return _at(command.end, f"{newline}{_indent(source, command.start)}{text}")
        return _at(command.end, f" && {text}")
    newline = f"{dockerfile.escape}{_newline(source, instruction)}"
    before = _before(source, command)
    leading = _LEADING.fullmatch(before)
    if leading:  # `  && command`
        return _at(command.end, f" {newline}{leading[1]}{operator}{leading[3]}{text}")
    if index and not before.strip():  # the line above ends with `&&`
        return _at(command.end, f"{_gap(operator)} {newline}{before}{text}")
    if index + 1 < len(commands):
        following = _before(source, commands[index + 1])
        leading = _LEADING.fullmatch(following)
        if leading:
            return _at(command.end, f" {newline}{leading[1]}{operator}{leading[3]}{text}")
        if not following.strip():
            return _at(command.end, f"{_gap(operator)} {newline}{following}{text}")
    elif "\n" in source[command.start : command.end]:  # one long command
        return _at(command.end, f" {newline}{_continuation_indent(source, command)}{operator} {text}")
    return _at(command.end, f"{_gap(operator)} {text}")


def removal(text: str, commands: Sequence[Command], index: int) -> Edit | None:
    """The edit that takes the command out of a list of several, with the operator between it and its neighbour.

    None where a comment stands between them.
    """
    if index == 0:
        start, end, gap = commands[0].start, commands[1].start, (commands[0].end, commands[1].start)
    else:
        start, end, gap = commands[index - 1].end, commands[index].end, (commands[index - 1].end, commands[index].start)
    return None if "#" in text[gap[0] : gap[1]] else Edit(start, end, "")


def _stops_at_errors(commands: Sequence[Command], index: int) -> bool:
    """Whether the list begins with `set -e` and is joined by semicolons up to the command."""
    first = commands[0]
    return (
        first.name == "set"
        and any(_ERREXIT.fullmatch(word.value) for word in first.arguments)
        and index > 0
        and all(command.operator == ";" for command in commands[1 : index + 1])
    )


def _at(offset: int, text: str) -> Edit:
    return Edit(offset, offset, text)


def _gap(operator: str) -> str:
    return ";" if operator == ";" else " &&"


def _line(text: str, offset: int) -> tuple[int, int]:
    """Where the physical line of the offset begins, and where it ends, its line end left out."""
    end = text.find("\n", offset)
    return text.rfind("\n", 0, offset) + 1, len(text) if end < 0 else end


def _newline(text: str, instruction: Instruction) -> str:
    return "\r\n" if "\r\n" in text[instruction.start : instruction.end] else "\n"


def _indent(text: str, offset: int) -> str:
    found = _INDENT.match(text, _line(text, offset)[0])
    return found[0] if found else ""


def _ends_its_line(text: str, command: Command) -> bool:
    return not text[command.end : _line(text, command.end)[1]].strip(" \t\r;")


def _before(text: str, command: Command) -> str:
    """What stands before the command on its line."""
    return text[_line(text, command.start)[0] : command.start]


def _continuation_indent(text: str, command: Command) -> str:
    """The indentation of the command's own later lines, else that of its first with four more."""
    later = text[command.start : command.end].split("\n")[1:]
    indents = [_INDENT.match(line) for line in later if line.strip() and not line.lstrip().startswith("#")]
    if indents and indents[0] is not None and indents[0][0]:
        return indents[0][0]
    return f"{_indent(text, command.start)}    "
