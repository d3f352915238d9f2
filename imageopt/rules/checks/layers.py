"""Checks on what a later layer does to the files of an earlier one: hiding them, or storing them again.

What surprises: without an image the text must show that an earlier instruction of the Dockerfile brought the files.
`rm /etc/nginx/conf.d/default.conf` takes a kilobyte of the base image out of sight, and is right to do so.
"""

import posixpath
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Instruction, Word
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped_stages
from imageopt.rules.checks.size import billed
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_WILD = lazy_pattern(r"[*?\[{]")
_SYSTEM = (
    "/etc/",
    "/usr/share/",
    "/usr/lib/",
    "/lib/",
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/var/log/",
    "/dev/",
    "/proc/",
)
_LEAVES_NO_BYTES = frozenset(("mkdir", "rmdir", "cd", "test", "[", "ls", "chown", "chmod", "chgrp", "echo", "find"))


class _Brought(NamedTuple):
    """A path that an instruction above writes to; `open`: what it writes below that path is not told."""

    path: str
    open: bool


def deleted(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Files deleted in another layer than their own; without an image, an rm of what a line above brought."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    above: list[_Brought] = []
    for instruction, state in _shipped(evidence):
        brought = tuple(_brings(instruction, state))
        own = {each.path for each in brought}  # so is what the RUN itself names before
        found: Word | None = None
        for command in run_commands(instruction) if instruction.keyword == "RUN" else ():
            tool = call(command)
            if tool is not None and tool.tool == "rm":
                paths = [(word, _absolute(word, state)) for word in tool.operands]
                gone = (word for word, path in paths if path and path not in own and _is_below(above, path))
                found = found or next(gone, None)
            elif command.name not in _LEAVES_NO_BYTES:
                own |= {path for word in command.arguments if (path := _absolute(word, state))}
        if found is not None:
            yield stated(evidence, rule, instruction, at=found)
        above += [*brought, *(_Brought(path, open=False) for path in sorted(own) if _is_new(path))]


def _is_new(path: str) -> bool:
    """Whether a path that a command names is hardly the base image's own."""
    return not f"{path}/".startswith(_SYSTEM)


def copied_up(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Files stored again for a new owner or mode; without an image, a recursive change of what a line above brought."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    above: list[_Brought] = []
    for instruction, state in _shipped(evidence):
        found = next(
            (
                command
                for command in (run_commands(instruction) if instruction.keyword == "RUN" else ())
                if (tool := call(command)) is not None and _changes_all(tool, state, above)
            ),
            None,
        )
        if found is not None:
            yield stated(evidence, rule, instruction, at=found)
        above += _brings(instruction, state)


def _changes_all(tool: Call, state: Environment, above: list[_Brought]) -> bool:
    """Whether it changes the owner or the mode of a folder, and what a line above put into it, recursively."""
    if tool.tool not in ("chown", "chmod", "chgrp") or not tool.has("--recursive"):
        return False
    paths = [path for word in tool.operands[1:] if (path := _absolute(word, state))]
    return any(_overlap(path, brought.path) for path in paths for brought in above)


def _shipped(evidence: Evidence) -> Iterator[tuple[Instruction, Environment]]:
    """The instructions of the shipped stages in their order, with what holds there; RUNs of a POSIX shell only."""
    dockerfile = evidence.dockerfile
    for number in shipped_stages(dockerfile, evidence.target) if dockerfile is not None else ():
        assert dockerfile is not None
        stage = dockerfile.stages[number]
        for instruction, state in zip(stage.instructions, environments(dockerfile, stage), strict=False):
            if instruction.keyword != "RUN" or is_posix_shell(state.shell[0]):
                yield instruction, state


def _brings(instruction: Instruction, state: Environment) -> Iterator[_Brought]:
    """The paths that the instruction certainly writes to."""
    if instruction.keyword in ("COPY", "ADD") and len(instruction.words) > 1:
        *sources, target = instruction.words
        folder = _absolute(target, state)
        if folder is None:
            return
        for source in sources:
            name = posixpath.basename(source.value.rstrip("/"))
            whole = name in ("", ".") or "." not in name or _WILD.search(name) is not None  # a folder, or many files
            as_named = not whole and not (target.value.endswith(("/", ".")) or len(sources) > 1)
            yield _Brought(folder if whole or as_named else posixpath.join(folder, name), open=whole)
    elif instruction.keyword == "RUN":
        for command in run_commands(instruction):
            yield from _written(command, state)


def _written(command: Command, state: Environment) -> Iterator[_Brought]:
    """What a command downloads, unpacks, makes, or installs into the folder it stands in."""
    tool = call(command)
    if tool is None:
        return
    named = (*tool.options.get("--output", ()), *tool.options.get("--output-document", ()))
    yield from (_Brought(path, open=False) for path in named if path.startswith("/"))
    if tool.tool in ("apt-get", "apt") and tool.subcommand == "update":
        yield _Brought("/var/lib/apt/lists", open=True)
    elif tool.tool == "apk" and tool.subcommand in ("add", "update") and not tool.has("--no-cache"):
        yield _Brought("/var/cache/apk", open=True)
    elif (
        tool.tool in ("npm", "pnpm", "yarn", "bun", "composer")
        and tool.subcommand in ("install", "ci")
        and state.workdir
    ):
        folder = "vendor" if tool.tool == "composer" else "node_modules"
        if not tool.has("--global"):
            yield _Brought(posixpath.join(state.workdir, folder), open=True)


def _absolute(word: Word, state: Environment) -> str | None:
    """The path without what a pattern adds; None where it is not known, or is everything."""
    raw = word.raw.strip("\"'")
    if raw.startswith(("-", "~")) or (state.workdir is None and raw[:1].isalnum()):
        return None
    known = state.known(raw)
    if not known or known.startswith(("-", "~")):
        return None
    if not known.startswith("/"):
        if state.workdir is None:
            return None
        known = posixpath.join(state.workdir, known)
    wild = _WILD.search(known)
    path = posixpath.normpath(known[: wild.start()] if wild else known)
    return None if path == "/" else path


def _is_below(above: list[_Brought], path: str) -> bool:
    """Whether the path is, or holds, or lies in, something that came before."""
    return any(
        f"{each.path}/".startswith(f"{path}/") or (each.open and f"{path}/".startswith(f"{each.path}/"))
        for each in above
    )


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
