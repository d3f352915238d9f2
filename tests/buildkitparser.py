"""What BuildKit's own parser (the `dockerfile` wheel holds it, in Go) and ours say of a Dockerfile, in one shape."""

import json
import re
from typing import NamedTuple

import dockerfile as buildkit

from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Instruction


class Seen(NamedTuple):
    """What both readers say of an instruction. Of ONBUILD the wheel tells no flags and no heredocs."""

    keyword: str
    lines: tuple[int, int]
    flags: tuple[str, ...]
    json: bool
    values: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


def theirs(text: str) -> list[Seen] | None:
    try:
        commands = buildkit.parse_string(text)
    except buildkit.GoParseError:
        return None
    return [
        Seen(
            (command.cmd or "").upper(),
            (command.start_line, command.end_line),
            command.flags if not command.sub_cmd else (),
            command.json,
            command.value if known((command.cmd or "").upper()) else (),
            tuple((heredoc.name, heredoc.content) for heredoc in command.heredocs if not command.sub_cmd),
        )
        for command in commands
    ]


def ours(text: str) -> list[Seen] | None:
    tree = parse(text.encode())
    errors = [problem for problem in tree.problems if problem.code in PARSE_ERRORS]
    return None if errors else [seen(instruction, text) for instruction in tree.instructions]


PARSE_ERRORS = {
    *("no-instructions", "duplicate-directive", "invalid-escape", "unterminated-heredoc", "json-not-strings"),
    *("malformed-pair", "line-too-long"),
}


def seen(instruction: Instruction, text: str) -> Seen:
    worker = instruction.trigger or instruction
    flags = () if instruction.trigger else tuple(as_written(flag.name, flag.value, text) for flag in instruction.flags)
    return Seen(
        instruction.keyword,
        (instruction.line, instruction.end_line),
        flags,
        worker.json is not None,
        values(instruction) if known(instruction.keyword) else (),
        tuple((heredoc.name, heredoc.body) for heredoc in instruction.heredocs if not instruction.trigger),
    )


def as_written(name: str, value: str, text: str) -> str:
    return f"--{name}={value}" if f"{name}=" in text.replace('"', "").replace("'", "") else f"--{name}"


def known(keyword: str) -> bool:
    """ONBUILD's and unknown instructions' values are told in another shape."""
    return keyword in {
        "FROM",
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "SHELL",
        "COPY",
        "ADD",
        "VOLUME",
        "EXPOSE",
        "ENV",
        "LABEL",
    } | {*("ARG", "WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER")}


def values(instruction: Instruction) -> tuple[str, ...]:
    """The words in the shape in which BuildKit gives them."""
    words = instruction.words
    if instruction.json is not None:
        return instruction.json
    match instruction.keyword:
        case "RUN" | "CMD" | "ENTRYPOINT" | "SHELL":
            return (instruction.arguments,) if instruction.arguments else ()
        case "ENV" | "LABEL" if words and "=" in words[0].raw:
            return tuple(part for word in words for part in word.raw.split("=", 1))
    return tuple(word.raw for word in words)


def differ_on_purpose(text: str) -> bool:
    """Where this BuildKit is older than the rules we follow, or stops at what we report in another way."""
    return bool(
        re.search(r"<<\s", text)  # newer ones allow white space before the end marker
        # whatever word follows HEALTHCHECK, older ones look for an array behind it
        or any(
            i.keyword == "HEALTHCHECK" and not re.match(r"(?i)(?:cmd|none)(?:\s|$)", i.arguments)
            for i in parse(text.encode()).instructions
        )
        # no builder takes a trigger within a trigger; the parser looks into all of them, and we into the first
        or any(i.trigger is not None and i.trigger.keyword == "ONBUILD" for i in parse(text.encode()).instructions)
        or any(text_behind_array((i.trigger or i).arguments) for i in parse(text.encode()).instructions)
        or any(p.code == "missing-arguments" and p.message[:3] in ("ENV", "LAB") for p in parse(text.encode()).problems)
    )


def text_behind_array(arguments: str) -> bool:
    """Older ones take an array with text behind it for JSON, also behind the CMD of a HEALTHCHECK."""
    arguments = re.sub(r"(?i)^cmd\s+", "", arguments)
    try:
        return arguments.startswith("[") and json.JSONDecoder().raw_decode(arguments)[1] < len(arguments.rstrip())
    except ValueError:
        return False
