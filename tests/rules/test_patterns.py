"""No regular expression of the rules and of the tree can be made to backtrack: each is fed its own worst cases.

From a pattern's own parts come texts that almost match: all before a repetition, then what it repeats, thousands of
times, then something that fits nowhere. The time for them may only grow as the text does. A match that explodes is cut
short by a timer: it would hold the interpreter, and with it the whole run, for ever.
"""

import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]  # how Python itself takes patterns apart
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import imageopt.dockerfile
import imageopt.evidence.paths
import imageopt.rules
import imageopt.rules.checks
from imageopt.dockerfile import expand, words
from imageopt.lazy_pattern import Lazy
from imageopt.rules.load import load_rules

pytestmark = pytest.mark.slow  # the worst input of each expression

LENGTHS = (16, 20, 22, 24, 300, 40_000)  # what doubles shows at the first, what grows with the square at the last
SECONDS = 0.25
CHARACTERS = "ab0 -_/.:=,;\t\n\"'\\$#@<>()[]{}|&!~%*+?^`AZé\x00"
CATEGORIES = {
    sre.CATEGORY_DIGIT: re.compile(r"\d"), sre.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    sre.CATEGORY_SPACE: re.compile(r"\s"), sre.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    sre.CATEGORY_WORD: re.compile(r"\w"), sre.CATEGORY_NOT_WORD: re.compile(r"\W"),
}  # fmt: skip


Used = tuple[re.Pattern[str] | Lazy, bool]  # whether it is searched for at every place of a text


def patterns() -> Iterator[tuple[str, Used]]:
    for package in (imageopt.dockerfile, imageopt.rules, imageopt.rules.checks):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.ispkg:
                yield from patterns_of(module.name, vars(importlib.import_module(module.name)))
    yield from patterns_of("imageopt.evidence.paths", vars(imageopt.evidence.paths))
    for escape in ("\\", "`"):
        for made in (words._word, words._quoting, words._inner_escape, expand._plain):
            yield f"{made.__name__}-{escape}", (made(escape), True)
    for rule in load_rules():
        for number, match in enumerate(rule.matches):
            for key in ("text", "unless"):
                if getattr(match, key):
                    yield f"{rule.name}-{number}-{key}", (re.compile(getattr(match, key)), True)


def patterns_of(module: str, names: dict[str, Any]) -> Iterator[tuple[str, Used]]:
    source = Path(names["__file__"]).read_text("utf-8")
    for name, value in names.items():
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else (value,)
        for number, part in enumerate(parts):
            if isinstance(part, re.Pattern | Lazy) and isinstance(part.pattern, str):
                uses = re.findall(rf"\b{name}(?:\[\w+\])?\.(\w+)", source)
                anchored = bool(uses) and set(uses) <= {"match", "fullmatch"}
                yield f"{module.removeprefix('imageopt.')}.{name}-{number}", (part, not anchored)


PATTERNS = dict(patterns())


def test_there_are_patterns_to_be_tested() -> None:
    assert len(PATTERNS) > 50


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_the_worst_case_of_a_pattern_takes_a_time_that_grows_with_the_text(name: str) -> None:
    assert slowest(*PATTERNS[name]) is None


def slowest(pattern: re.Pattern[str] | Lazy, searched: bool = True) -> str | None:
    """The first text that takes too long, shortened; None if there is none."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    for before, body in sorted(set(repetitions(tree, ""))):
        for after in ("", "\x00", "!"):
            for length in LENGTHS:
                text = before + body * (length // len(body) + 1) + after
                if min(seconds(pattern, text, searched) for _ in range(2)) > SECONDS:
                    return f"{before[:40]!r}, {length} of {body[:40]!r}, {after!r}"
    return None


def seconds(pattern: re.Pattern[str] | Lazy, text: str, searched: bool) -> float:
    start = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, 4 * SECONDS)
        (pattern.search if searched else pattern.match)(text)
    except TimeoutError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - start


@pytest.fixture(autouse=True)
def cut_short() -> Iterator[None]:
    """Python's matcher looks for signals while it goes on, so that a handler can end it."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, end)
    yield
    signal.signal(signal.SIGPROF, before)


def repetitions(nodes: Any, before: str) -> Iterator[tuple[str, str]]:
    """For each unbounded repetition a text that leads to it, and what it repeats."""
    for operation, argument in nodes:
        for inner in inside(operation, argument):
            yield from repetitions(inner, before)
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[1] > 1000:
            for body in samples(argument[2]):
                yield before, body
                yield "", body
        before += sample([(operation, argument)])


def inside(operation: Any, argument: Any) -> list[Any]:
    match operation:
        case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
            return [argument[2]]
        case sre.SUBPATTERN:
            return [argument[3]]
        case sre.BRANCH:
            return list(argument[1])
        case sre.ASSERT | sre.ASSERT_NOT:
            return [argument[1]]
        case sre.ATOMIC_GROUP:
            return [argument]
    return []


def samples(nodes: Any) -> list[str]:
    """Texts that fit: for a single set several of its characters, for alternatives each."""
    if len(nodes) == 1 and nodes[0][0] is sre.IN:
        return [letter for letter in CHARACTERS if fits(nodes[0][1], letter)][:6] or ["a"]
    if len(nodes) == 1 and nodes[0][0] is sre.SUBPATTERN:
        return samples(nodes[0][1][3])
    if len(nodes) == 1 and nodes[0][0] is sre.BRANCH:
        return [text for branch in nodes[0][1][1] for text in samples(branch)]
    return [sample(nodes) or "a"]


def sample(nodes: Any) -> str:
    text = ""
    for operation, argument in nodes:
        match operation:
            case sre.LITERAL:
                text += chr(argument)
            case sre.NOT_LITERAL:
                text += "a" if argument != ord("a") else "b"
            case sre.ANY:
                text += "a"
            case sre.IN:
                text += next((letter for letter in CHARACTERS if fits(argument, letter)), "a")
            case sre.BRANCH:
                text += sample(argument[1][0])
            case sre.SUBPATTERN:
                text += sample(argument[3])
            case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
                text += sample(argument[2]) * min(max(argument[0], 1), 40)
    return text


def fits(members: Any, letter: str) -> bool:
    wanted = True
    for operation, argument in members:
        if operation is sre.NEGATE:
            wanted = False
        elif (
            (operation is sre.LITERAL and argument == ord(letter))
            or (operation is sre.RANGE and argument[0] <= ord(letter) <= argument[1])
            or (operation is sre.CATEGORY and CATEGORIES[argument].match(letter))
        ):
            return wanted
    return not wanted


@pytest.mark.parametrize("bad", [r"(a+)+$", r"(?:a|ab?)*c", r"x*y", r"(?:\s*,\s*)*;", r"(?: ,? )*;"])
def test_the_test_finds_patterns_that_backtrack(bad: str) -> None:
    assert slowest(re.compile(bad)) is not None


def test_a_match_that_would_never_end_is_cut_short() -> None:
    assert SECONDS < seconds(re.compile(r"(?:\s*,\s*)*;"), " , " * 1000, True) < 20 * SECONDS
