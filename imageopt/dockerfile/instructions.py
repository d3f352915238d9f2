"""Makes an Instruction of a joined line: keyword, flags, exec form, ONBUILD's trigger, and what is wrong.

What surprises: an array that is no JSON (`['a']`) silently becomes the shell form, but JSON of anything else than
strings is an error.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.model import Heredoc, Instruction, Problem, Trivia
from imageopt.dockerfile.words import BLANK, SPACE, Logical, take_flags, take_json
from imageopt.lazy_pattern import lazy_pattern

KEYWORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"}
    | {"LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_NO_TRIGGERS = frozenset({"FROM", "MAINTAINER", "ONBUILD"})  # refused by BuildKit (instructions/parse.go)
_HEREDOC_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
_SHOWN = 40  # characters of what is no instruction
_KEYWORD = lazy_pattern(f"[^{BLANK}]+")


class Body(Struct, frozen=True):
    """Where a joined line stands in the file, and what was found around it."""

    line: Logical
    start: int
    end: int
    first_line: int
    last_line: int
    heredocs: tuple[Heredoc, ...]
    comments: tuple[Trivia, ...]
    problems: tuple[Problem, ...]


def opens_heredocs(line: Logical, escape: str) -> bool:
    """Whether BuildKit looks for heredocs here: in RUN, COPY and ADD, also behind one ONBUILD, not in exec form."""
    if "<<" not in line.text:
        return False
    instruction = build(Body(line, 0, 0, 1, 1, (), (), ()), escape)
    worker = instruction.trigger or instruction
    return worker.keyword in _HEREDOC_KEYWORDS and worker.json is None


def build(body: Body, escape: str) -> Instruction:
    """The instruction on a joined line."""
    text = body.line.text
    start = len(text) - len(text.lstrip(SPACE))
    end = max(start, len(text.rstrip(SPACE)))
    return _build(body, start, end, escape, nested=False)


def _build(body: Body, start: int, end: int, escape: str, nested: bool) -> Instruction:
    match = _KEYWORD.match(body.line.text, start, end)
    raw_keyword = match[0] if match else ""
    keyword = raw_keyword.upper()
    flags, start = take_flags(body.line, start + len(raw_keyword), end)
    trigger = (
        _build(body, start, end, escape, nested=True) if keyword == "ONBUILD" and start < end and not nested else None
    )
    json, mixed = take_json(keyword, body.line, start, end, escape)
    instruction = Instruction(
        keyword=keyword,
        raw_keyword=raw_keyword,
        start=body.start,
        end=body.end,
        line=body.first_line,
        end_line=body.last_line,
        flags=flags,
        arguments=body.line.text[start:end],
        arguments_start=body.line.locate(start),
        escape=escape,
        json=json,
        heredocs=body.heredocs,
        comments=() if nested else body.comments,
        problems=() if nested else body.problems,
        pieces=body.line.pieces(start, end),
        trigger=trigger,
    )
    found = tuple(_problems(instruction, mixed)) + (trigger.problems if trigger else ())
    return replace(instruction, problems=instruction.problems + found) if found else instruction


def _problems(instruction: Instruction, mixed: bool) -> Iterator[Problem]:
    keyword = instruction.keyword

    def problem(code: str, message: str) -> Problem:
        return Problem(code, message, instruction.line, instruction.end_line)

    if keyword not in KEYWORDS:
        named = f"{instruction.raw_keyword[:_SHOWN]} is" if keyword else "a lone continuation is"
        yield problem("unknown-instruction", f"{named} not an instruction")
        return
    if mixed:
        yield problem("json-not-strings", f"{keyword}: a JSON array must hold strings only")
        return
    if keyword == "RUN" and not instruction.is_bare:
        return
    words = instruction.words
    if len(words) < _fewest(instruction):
        yield problem(
            "missing-arguments", f"{keyword} needs {'more' if words else 'an'} argument{'s' if words else ''}"
        )
    elif keyword == "FROM" and not (len(words) == 1 or (len(words) == 3 and words[1].value.upper() == "AS")):
        yield problem("malformed-from", "FROM takes an image, or an image, AS and a name")
    elif instruction.trigger is not None and instruction.trigger.keyword in _NO_TRIGGERS:
        yield problem("forbidden-trigger", f"ONBUILD cannot put off {instruction.trigger.keyword}")
    elif keyword == "SHELL" and instruction.json is None:
        yield problem("shell-not-json", "SHELL takes a JSON array only")
    elif keyword in ("ENV", "LABEL") and "=" in words[0].raw:
        for number, word in enumerate(words, 1):  # the words are not told: one may be the end of a password
            if "=" not in word.raw:
                yield problem("malformed-pair", f"{keyword}: there is no = in word {number}; does a value need quotes?")


def _fewest(instruction: Instruction) -> int:
    match instruction.keyword:
        case "CMD" | "ENTRYPOINT":
            return 0  # bare, they clear what the base image set
        case "COPY" | "ADD":
            return 2
        case "ENV" | "LABEL":
            return 1 if instruction.words and "=" in instruction.words[0].raw else 2
        case "HEALTHCHECK":
            return 2 if instruction.words and instruction.words[0].value.upper() == "CMD" else 1
    return 1
