"""Checks on what a container may do: its user, the modes of its files, how it is told to stop."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Command, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped, shipped_stages
from imageopt.rules.checks.programs import program
from imageopt.rules.finding import measured, stated
from imageopt.rules.model import Finding, Rule

_INSTALLS = frozenset(("npm", "pnpm", "yarn", "bun", "composer", "bundle", "make", "poetry", "uv", "cargo", "go"))
_INITS = frozenset(("tini", "dumb-init", "docker-init", "catatonit", "s6-svscan", "init", "supervisord", "pid1"))
_KILLS = frozenset(("SIGKILL", "KILL", "9", "SIGSTOP", "STOP", "19"))
_OCTAL = lazy_pattern(r"[0-7]{3,5}")
_FOR_ALL = lazy_pattern(r"(?:^|,)[ugo]*[oa][ugoa]*[+=][rxX]*w|(?:^|,)[+=][rxX]*w[rxX]*(?:,|$)")
_SETUID = lazy_pattern(r"(?:^|,)[ugoa]*[+=][rwxX]*s")
_WORLD_WRITABLE, _SETUID_BIT, _STICKY = 0o002, 0o4000, 0o1000


def runs(evidence: Evidence, *, everything: bool = True) -> Iterator[tuple[Instruction, tuple[Command, ...]]]:
    """Each RUN for a POSIX shell, with its commands; only those of shipped stages without `everything`."""
    if evidence.dockerfile is not None:
        for _, instruction in shipped(evidence.dockerfile, evidence.target, everything=everything):
            if (instruction.trigger or instruction).keyword == "RUN":
                yield instruction, run_commands(instruction)


def sudo_used(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`sudo` as a command."""
    for instruction, commands in runs(evidence):
        for command in commands:
            if command.name == "sudo":
                yield stated(evidence, rule, instruction, at=command.words[0])


def unsafe_modes(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Files that everybody may write, or that run as their owner: in the image's own layers, and as a chmod says."""
    told: set[int] = set()
    for layer, files in _unsafe_files(evidence).items():
        origin = evidence.origins[layer]
        if origin is not None:
            told.add(origin.instruction.line)
        yield measured(evidence, rule, origin.instruction if origin is not None else None, files, (layer,))
    if evidence.dockerfile is None:
        return
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        if instruction.line in told:
            continue
        flag = next((flag for flag in instruction.flags if flag.name == "chmod"), None)
        if flag is not None and _is_unsafe(flag.value):
            yield stated(evidence, rule, instruction, message=f"--chmod={flag.value} is for everybody.", at=flag)
        for command in run_commands(instruction) if instruction.keyword == "RUN" else ():
            runner = program(command)
            if runner.name != "chmod":
                continue
            operands = [word for word in runner.arguments if not re.match(r"-[cfvR]|--", word.value)]
            if operands and _is_unsafe(operands[0].value):
                message = f"chmod {operands[0].value} is for everybody."
                yield stated(evidence, rule, instruction, message=message, at=operands[0])


def _is_unsafe(mode: str) -> bool:
    """Whether all may write (a sticky folder such as /tmp aside), or the file runs as its owner."""
    if _OCTAL.fullmatch(mode):
        bits = int(mode, 8)
        return bool(bits & _SETUID_BIT) or (bool(bits & _WORLD_WRITABLE) and not bits & _STICKY)
    return "$" not in mode and (
        _SETUID.search(mode) is not None or (_FOR_ALL.search(mode) is not None and "t" not in mode)
    )


def _unsafe_files(evidence: Evidence) -> dict[int, list[int]]:
    """The live files of own layers with such a mode that no system package brought, by the layer of their birth."""
    found: dict[int, list[int]] = {}
    image = evidence.image
    if image is None or evidence.base.layers is None:
        return found
    for index, record in evidence.own_files:
        unsafe = record.mode & (_WORLD_WRITABLE | _SETUID_BIT)
        if unsafe and record.path not in image.packages.owners:
            found.setdefault(record.birth, []).append(index)
    return found


def healthcheck_missing(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """No HEALTHCHECK in what is shipped."""
    stage = evidence.dockerfile.target(evidence.target) if evidence.dockerfile is not None else None
    if evidence.image is not None:
        missing = not evidence.image.config.healthcheck
    else:
        missing = stage is not None
        for _, instruction in shipped(evidence.dockerfile, evidence.target) if evidence.dockerfile else ():
            missing = missing and instruction.keyword != "HEALTHCHECK"
    if missing:
        yield stated(evidence, rule, stage.from_instruction if stage is not None else None)


def signals(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A stop signal that no process can act on, and Node as process 1 with a program that does not handle SIGTERM."""
    if evidence.dockerfile is None:
        return
    last: dict[str, Instruction] = {}
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        last[instruction.keyword] = instruction
    stop = last.get("STOPSIGNAL")
    if stop is not None and stop.words and stop.words[0].value.upper() in _KILLS:
        message = f"{stop.words[0].value} cannot be handled: the service dies in the middle of its work."
        yield stated(evidence, rule, stop, message=message, at=stop.words[0])
    start = evidence.project.start if evidence.project is not None else None
    first = last.get("ENTRYPOINT") or last.get("CMD")
    if first is None or start is None or start.argv is None or start.handles_sigterm or not first.json:
        return
    names = {name.rpartition("/")[2] for name in first.json}
    if first.json[0].rpartition("/")[2] == "node" and not names & _INITS:
        message = "Node as process 1 ignores SIGTERM unless the program handles it, and no handler was found."
        yield stated(evidence, rule, first, message=message, at=first.words[0])


def copied_as_root(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """COPY without --chown under another user than root, where a later RUN of that user installs or builds there."""
    if evidence.dockerfile is None:
        return
    own = frozenset(shipped_stages(evidence.dockerfile, evidence.target))
    for stage in (stage for stage in evidence.dockerfile.stages if stage.index in own):
        waiting: dict[str, Instruction] = {}  # by user
        for instruction, state in zip(stage.instructions, environments(evidence.dockerfile, stage), strict=False):
            user = (state.user or "").partition(":")[0]
            if user in ("", "root", "0"):
                continue
            if instruction.keyword == "COPY" and instruction.flag("chown") is None and _is_folder(instruction):
                waiting.setdefault(user, instruction)
            elif instruction.keyword == "RUN" and user in waiting:
                names = (program(command).name for command in run_commands(instruction))
                if _INSTALLS.intersection(names):
                    message = f"What is copied belongs to root, and {user} works in it afterwards."
                    copy = waiting.pop(user)
                    yield stated(evidence, rule, copy, message=message, confidence="medium", at=copy.words[-1])


def _is_folder(copy: Instruction) -> bool:
    """Whether whole folders of the project are copied."""
    return any(word.value.rstrip("/") in (".", "") for word in copy.words[:-1])
