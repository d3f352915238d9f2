"""A shell command -> the call of a known tool: its subcommand, its options with their values, its operands.

What surprises: `--registry URL` and `-t name` take the next word with them, so what looks like a package is none; which
options do is in `tool_options`. Programs that run another (`sudo`, `env X=y`, `php composer.phar`) are seen through.
"""

from collections import deque
from collections.abc import Mapping
from itertools import takewhile

from msgspec import Struct

from imageopt.dockerfile.model import Command, Word
from imageopt.dockerfile.tool_options import NPM_LIKE, PREFIXES, SUBCOMMANDS, TABLES, OptionTable, option_table
from imageopt.lazy_pattern import lazy_pattern

_MOST_PREFIXES = 8
_ASSIGNMENT = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*=")
_MODE = lazy_pattern(r"-[rwxXstugoa,+=-]+")
_VERSIONED = {"yarnpkg": "yarn", "dnf5": "dnf", "composer.phar": "composer"}
_PIP = lazy_pattern(r"pip(?:[23](?:\.\d+)?)?")
_INTERPRETER = lazy_pattern(r"(?:php|python)[0-9.]*")
_COREPACK = frozenset(("npm", "pnpm", "yarn"))


class Call(Struct, frozen=True):
    """A command as its tool reads it.

    `options` leads from an option's first long name to its values, in order; a flag's are empty texts, one for each
    time it is given. `subcommand` goes by its longest name (`install` for `npm i`), empty where the tool has none.
    `prefixes` are the programs in front that were seen through. `name` and `verb` are the words to point at.
    """

    tool: str
    subcommand: str
    options: Mapping[str, tuple[str, ...]]
    operands: tuple[Word, ...]
    name: Word
    verb: Word | None
    prefixes: tuple[str, ...]

    def has(self, *options: str) -> bool:
        """Whether one of the options is given, by its first long name."""
        return any(option in self.options for option in options)


def call(command: Command) -> Call | None:
    """What the command asks of its tool; None for a tool that is not known."""
    memo = command.memo
    if "call" not in memo:
        memo["call"] = _call(command)
    found: Call | None = memo["call"]
    return found


def _call(command: Command) -> Call | None:
    words, prefixes = _seen_through(command.words)
    if not words:
        return None
    tool = _tool(words[0].value)
    table = option_table(tool) if tool in TABLES and tool not in PREFIXES else None
    if table is None:
        return None
    options, operands = _Reader(tool, table).read(words[1:])
    verb: Word | None = None
    subcommand = ""
    if tool in SUBCOMMANDS:
        verb, operands = (operands[0], operands[1:]) if operands else (None, operands)
        spelled = verb.value if verb is not None else ""
        if spelled or not options.keys() & {"--version", "--help"}:  # `yarn` alone installs, `yarn --version` does not
            subcommand = SUBCOMMANDS[tool].get(spelled, spelled)
    return Call(tool, subcommand, options, operands, words[0], verb, prefixes)


class _Reader:
    """Splits a tool's words into options and operands."""

    def __init__(self, tool: str, table: OptionTable) -> None:
        self._tool, self._table = tool, table
        self._options: dict[str, tuple[str, ...]] = {}

    def read(
        self, words: tuple[Word, ...], *, ahead: bool = False
    ) -> tuple[dict[str, tuple[str, ...]], tuple[Word, ...]]:
        """The options and the operands; with `ahead`, everything from the first operand on is one."""
        rest = deque(words)
        operands: list[Word] = []
        if self._tool == "tar" and rest and not rest[0].value.startswith("-"):
            self._bundle(rest.popleft().value, rest, old_style=True)  # `tar xzf file -C folder`
        while rest:
            word = rest.popleft()
            text = word.value
            if text == "--":
                return self._options, (*operands, *rest)
            if not text.startswith("-") or text == "-" or (self._tool == "chmod" and _MODE.fullmatch(text)):
                operands.append(word)
                if ahead:
                    return self._options, (*operands, *rest)
            elif text.startswith("--") or text.partition("=")[0] in self._table.names:
                self._long(text, rest)
            elif self._tool in NPM_LIKE and f"-{text}".partition("=")[0] in self._table.names:
                self._long(f"-{text}", rest)
            else:
                self._bundle(text[1:], rest)
        return self._options, tuple(operands)

    def _long(self, text: str, rest: deque[Word]) -> None:
        name, equals, value = text.partition("=")
        name = self._table.names.get(name, name)
        following = rest[0].value if rest else None
        if equals or following is None:
            self._add(name, value)
        elif name in self._table.valued:
            skips = self._tool in NPM_LIKE and following.startswith("--")
            self._add(name, "" if skips else rest.popleft().value)
        elif self._tool in NPM_LIKE and following in ("true", "false"):
            self._add(name, rest.popleft().value)
        else:
            self._add(name, "")

    def _bundle(self, letters: str, rest: deque[Word], *, old_style: bool = False) -> None:
        """`-qqy`, `-j4`, `-o=x`: flags up to the first letter that takes a value, which is what follows it."""
        for index, letter in enumerate(letters, 1):
            name = self._table.names.get(f"-{letter}", f"-{letter}")
            if letter == "=":
                return
            if name not in self._table.valued:
                self._add(name, "")
            elif index == len(letters) or old_style:
                self._add(name, rest.popleft().value if rest else "")
            else:
                self._add(name, letters[index:].removeprefix("="))
                return

    def _add(self, name: str, value: str) -> None:
        self._options[name] = (*self._options.get(name, ()), value)


def _seen_through(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """The words from the tool's name on, and the programs before it: `sudo -E env X=y apt-get update`."""
    prefixes: list[str] = []
    while words and len(prefixes) < _MOST_PREFIXES:
        program = words[0].value.rpartition("/")[2]
        behind = words[1:]
        if program in PREFIXES:
            _, operands = _Reader(program, option_table(program)).read(behind, ahead=True)
            if program in ("sudo", "env"):
                given = sum(1 for _ in takewhile(lambda word: _ASSIGNMENT.match(word.value), operands))
                operands = operands[given:]
            behind = operands[1:] if program == "timeout" else operands
        elif program.startswith(("php", "python")) and _INTERPRETER.fullmatch(program):
            inner = _interpreted(behind)
            if inner is None:
                break
            behind = inner
        elif not (program == "corepack" and behind and behind[0].value in _COREPACK):
            break
        prefixes.append(program)
        words = behind
    return words, tuple(prefixes)


def _interpreted(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words from the script on where an interpreter runs a known tool: `-d memory_limit=-1 composer.phar`."""
    for index, word in enumerate(words):
        if word.value == "-m":
            return words[index + 1 :] if index + 1 < len(words) and words[index + 1].value == "pip" else None
        if _tool(word.value) == "composer":
            return words[index:]
        if not word.value.startswith("-") and (index == 0 or words[index - 1].value != "-d"):
            return None
    return None


def _tool(program: str) -> str:
    name = program.rpartition("/")[2]
    return "pip" if name.startswith("pip") and _PIP.fullmatch(name) else _VERSIONED.get(name, name)
