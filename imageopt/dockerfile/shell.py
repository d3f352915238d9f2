"""Finds the simple commands of a shell script and of RUN instructions.

What surprises: the lines of a RUN are joined without a newline, so a `#` in the middle of one makes a comment of all
that follows. Only POSIX-like shells are read: whoever calls looks at SHELL first (`environment.Environment.shell`).
"""

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache

from imageopt.dockerfile.model import Command, Heredoc, Instruction, Nesting, Redirect
from imageopt.dockerfile.shell_scanner import Scanner
from imageopt.lazy_pattern import lazy_pattern

__all__ = ["Command", "Redirect", "is_flat", "is_posix_shell", "run_commands", "split"]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})
_SHEBANG = lazy_pattern(r"#![ \t]*(\S+)(?:[ \t]+(\S+))?")


def split(script: str) -> tuple[Command, ...]:
    """The simple commands in the order in which they begin, also those inside substitutions and compound commands.

    Substitutions in arithmetic and in the bodies of the shell's own heredocs are not looked into.
    """
    return Scanner(script, "", lambda offset: offset).commands()


def is_flat(commands: Iterable[Command]) -> bool:
    """Whether the script is a plain list of simple commands with `&&` and `;`; substitutions may be in their words."""
    outer = [command for command in commands if command.nesting != "substitution"]
    return bool(outer) and all(
        command.complete
        and command.nesting == ""
        and command.operator in ("", "&&", ";")
        and command.after in ("", "&&", ";")
        for command in outer
    )


@lru_cache
def is_posix_shell(program: str) -> bool:
    """Whether this program, by its name, reads scripts that `split` understands."""
    return posixpath.basename(program) in _SHELLS


def run_commands(instruction: Instruction) -> tuple[Command, ...]:
    """The commands of a RUN, CMD or ENTRYPOINT, their spans counted in the Dockerfile; ONBUILD's are its trigger's.

    The exec form is one command. A heredoc's body is read where it is the script itself or goes to a shell.
    """
    known: tuple[Command, ...] | None = instruction.memo.get("commands")
    if known is None:
        known = instruction.memo["commands"] = _read_commands(instruction)
    return known


def _read_commands(instruction: Instruction) -> tuple[Command, ...]:
    if instruction.trigger:
        return run_commands(instruction.trigger)
    if instruction.keyword not in ("RUN", "CMD", "ENTRYPOINT") or instruction.is_bare:
        return ()
    if instruction.json is not None:
        words = instruction.words
        return (Command(words, (), (), "", "", "exec", words[0].start, words[-1].end, complete=True),)
    if len(instruction.heredocs) == 1 == len(instruction.words):
        return _body_commands(instruction.heredocs[0], "")
    commands = Scanner(instruction.arguments, "", _locator(instruction)).commands()
    if instruction.heredocs and commands and is_posix_shell(commands[0].name):
        commands += tuple(command for body in instruction.heredocs for command in _body_commands(body, "heredoc"))
    return commands


def _locator(instruction: Instruction) -> Callable[[int], int]:
    """What `instruction.locate` is, faster for offsets that mostly rise: the last piece is kept."""
    pieces = instruction.pieces
    if len(pieces) < 2:
        shift = instruction.locate(0)
        return lambda offset: shift + offset
    starts = [start for start, _ in pieces]
    low = high = shift = 0

    def locate(offset: int) -> int:
        nonlocal low, high, shift
        if not low <= offset < high:
            at = max(0, bisect_right(starts, offset) - 1)
            low, source = pieces[at]
            high = starts[at + 1] if at + 1 < len(starts) else offset + 1
            shift = source - low
        return offset + shift

    return locate


def _body_commands(heredoc: Heredoc, nesting: Nesting) -> tuple[Command, ...]:
    shebang = _SHEBANG.match(heredoc.content)
    if shebang and not any(is_posix_shell(program) for program in shebang.groups("")):
        return ()
    return Scanner(heredoc.body, nesting, lambda offset: heredoc.start + offset).commands()
