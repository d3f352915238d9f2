"""Comments of a Dockerfile -> the suppressions they are: our own, and those of hadolint, BuildKit and Trivy.

What surprises: a comment counts for the instruction directly below it, with other comments but no blank line between;
BuildKit's `# check=skip=` at the top is a directive for the whole file, and further down counts like the others.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from typing import Literal

from msgspec import Struct

from imageopt.dockerfile.model import Dockerfile, Instruction, Trivia, Word
from imageopt.lazy_pattern import lazy_pattern

Tool = Literal["imageopt", "hadolint", "buildkit", "trivy"]

_SCOPED = lazy_pattern(r"#[ \t]*(imageopt|hadolint)[ \t]+(?:(global|stage)[ \t]+)?([a-z-]+)[ \t]*=", re.IGNORECASE)
_CHECK = lazy_pattern(r"#[ \t]*check[ \t]*=", re.IGNORECASE)
_TRIVY = lazy_pattern(r"trivy:ignore:(\*|[\w-]+)((?:\[[^\]\s]{0,200}\]|:\w{1,9}:[\w.*-]+)*)", re.IGNORECASE)
_EXPIRY = lazy_pattern(r":exp:(\d{4}-\d{2}-\d{2})")
_HADOLINT_NAME = lazy_pattern(r"\b[A-Za-z]{1,9}\d{1,9}\b")
Place = tuple[int, int, bool, int, int, int]  # of a Suppression, from `first` to `end`


class Suppression(Struct, frozen=True):
    """What a comment suppresses: `names` as written, in the lines from `first` to `last`, or everywhere for 0 and 0.

    `fault` says what is wrong with the comment; a faulty one suppresses nothing. `until` is its last day.
    """

    tool: Tool
    names: tuple[Word, ...]
    first: int
    last: int
    stage: bool  # whether the lines are those of a stage, not of one instruction
    line: int
    start: int
    end: int
    reason: str = ""
    until: date | None = None
    fault: str = ""


def suppressions(dockerfile: Dockerfile) -> tuple[Suppression, ...]:
    """The suppressions of all comments, in the order of the file."""
    small = dockerfile.text.casefold()
    if not any(word in small for word in ("imageopt", "ignore", "skip")):
        return ()
    below = {comment.start: item for item in dockerfile.instructions for comment in item.comments}
    found: list[Suppression] = []
    for node in dockerfile.nodes:
        if isinstance(node, Trivia) and node.kind != "blank":
            found.extend(_read(dockerfile, node, below.get(node.start)))
    return tuple(found)


def _read(dockerfile: Dockerfile, comment: Trivia, instruction: Instruction | None) -> Iterator[Suppression]:
    text = dockerfile.text[comment.start : comment.end]
    start = comment.start + len(text) - len(text.lstrip())
    text = text.strip()

    def place(scope: str) -> Place:
        first, last = _lines(dockerfile, instruction, scope)
        return first, last, scope == "stage", comment.line, start, start + len(text)

    if match := _SCOPED.match(text):
        tool, scope, word = match[1].lower(), (match[2] or "").lower(), match[3].lower()
        value, offset = text[match.end() :], start + match.end()
        if tool == "imageopt":
            yield _own(word, value, offset, place(scope))
        elif word == "ignore":
            names, _, reason = value.partition("#")
            words = tuple(_word(name[0], offset + name.start()) for name in _HADOLINT_NAME.finditer(names))
            yield Suppression("hadolint", words, *place(scope), reason=reason.strip())
    elif match := _CHECK.match(text):
        yield from _build_check(text, match.end(), place("global" if comment.kind == "directive" else ""))
    elif "trivy:ignore" in text:
        top = instruction is not None and instruction is dockerfile.instructions[0]
        yield from _trivy(text, place("global" if top else ""))


def _lines(dockerfile: Dockerfile, instruction: Instruction | None, scope: str) -> tuple[int, int]:
    """The lines a comment above the instruction counts for; no line at all where there is no instruction."""
    if scope == "global":
        return 0, 0
    if instruction is None:
        return -1, -1
    if scope == "":
        return instruction.line, instruction.end_line
    number = bisect_right(dockerfile.stages, instruction.start, key=lambda stage: stage.from_instruction.start)
    if number == 0:
        return -1, -1
    stage = dockerfile.stages[number - 1]
    return stage.from_instruction.line, (stage.from_instruction, *stage.instructions[-1:])[-1].end_line


def _own(word: str, value: str, offset: int, place: Place) -> Suppression:
    """`ignore=name,IO101; reason=…; until=2027-01-01`: a semicolon within the reason stays in it."""
    names: list[Word] = []
    settings: dict[str, str] = {}
    fault, key = "", ""
    if word != "ignore":
        fault = f"{word!r} is not known, only ignore= is"
    for number, part in enumerate(value.split(";")):
        if number == 0:
            names = [_word(name[0], offset + name.start()) for name in re.finditer(r"[^\s,]+", part)]
            continue
        name, equals, rest = (text.strip() for text in part.partition("="))
        if equals and name.lower() in ("reason", "until"):
            key = name.lower()
            settings[key] = rest
        elif key == "reason":
            settings[key] += f";{part}"
        else:
            fault = fault or f"{name!r} is not known beside reason= and until="
    until: date | None = None
    if "until" in settings:
        try:
            until = date.fromisoformat(settings["until"])
        except ValueError:
            fault = fault or f"until={settings['until']} is not a day such as 2027-03-31"
    if not names:
        fault = fault or "it names no rule"
    if place[0] < 0:
        fault = fault or "no instruction stands directly below it"
    return Suppression("imageopt", tuple(names), *place, settings.get("reason", ""), until, fault)


def _build_check(text: str, at: int, place: Place) -> Iterator[Suppression]:
    """`skip=A,B;error=true // why`."""
    options, _, reason = text[at:].partition("//")
    for option in re.finditer(r"[^;]+", options):
        name, equals, _ = option[0].partition("=")
        if name.strip().lower() == "skip" and equals:
            begin = at + option.start() + len(name) + 1
            names = re.finditer(r"[^\s,]+", option[0][len(name) + 1 :])
            words = tuple(_word(found[0], place[4] + begin + found.start()) for found in names)
            yield Suppression("buildkit", words, *place, reason=reason.strip())


def _trivy(text: str, place: Place) -> Iterator[Suppression]:
    for match in _TRIVY.finditer(text):
        expiry = _EXPIRY.search(match[2])
        try:
            until = date.fromisoformat(expiry[1]) if expiry else None
        except ValueError:
            continue
        yield Suppression("trivy", (_word(match[1], place[4] + match.start(1)),), *place, until=until)


def _word(text: str, start: int) -> Word:
    return Word(text, text, start, start + len(text))
