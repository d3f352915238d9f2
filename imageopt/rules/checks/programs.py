"""The program that a command runs in the end: what `sudo`, `env` and their like only start."""

from msgspec import Struct

from imageopt.dockerfile.model import Command, Word

# what starts another program, with its options that take a value
_WRAPPERS = {
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "--user", "--group"),
    "env": ("-u", "-C", "-S", "--unset", "--chdir"),
    "nice": ("-n", "--adjustment"),
    "timeout": ("-k", "-s", "--kill-after", "--signal"),
    "exec": ("-a",),
    "command": (),
    "builtin": (),
    "nohup": (),
    "time": (),
    "eatmydata": (),
    "setsid": (),
    "gosu": (),
    "su-exec": (),
}
_MOST_WRAPPERS = 8
_OPERANDS = {"timeout": 1, "gosu": 1, "su-exec": 1}  # that come before the program


class Program(Struct, frozen=True):
    """A program's name without its folder, the word it stands in, and its arguments."""

    name: str
    word: Word
    arguments: tuple[Word, ...]


_NOTHING = Program("", Word("", "", 0, 0), ())


def program(command: Command) -> Program:
    """What the command runs in the end; an empty name for a mere assignment or redirect."""
    memo = command.memo
    if "program" not in memo:
        memo["program"] = _program(command)
    found: Program = memo["program"]
    return found


def _program(command: Command) -> Program:
    words = command.words
    for _ in range(_MOST_WRAPPERS):
        wrapper = words[0].value.rpartition("/")[2] if words else ""
        if wrapper not in _WRAPPERS:
            break
        rest = _behind_options(words[1:], _WRAPPERS[wrapper])[_OPERANDS.get(wrapper, 0) :]
        if not rest:
            break
        words = rest
    return Program(words[0].value.rpartition("/")[2], words[0], words[1:]) if words else _NOTHING


def _behind_options(words: tuple[Word, ...], takes_value: tuple[str, ...]) -> tuple[Word, ...]:
    at = 0
    while at < len(words) and (words[at].value.startswith("-") or "=" in words[at].value):
        if words[at].value == "--":
            return words[at + 1 :]
        at += 2 if words[at].value in takes_value else 1
    return words[at:]
