"""Checks on what a build does otherwise than its lines say: stages, copies, folders, what is overridden."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from imageopt.dockerfile.environment import Environment, environments
from imageopt.evidence.variants import split_reference
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.likeness import likely
from imageopt.rules.checks.security import runs
from imageopt.rules.finding import stated

if TYPE_CHECKING:
    from imageopt.dockerfile.ignore import IgnoreRules
    from imageopt.dockerfile.model import Dockerfile, Flag, Instruction, Stage, Word
    from imageopt.evidence.model import Evidence
    from imageopt.project.model import Project
    from imageopt.rules.model import Finding, Rule

_WILDCARD = lazy_pattern(r"[*?\[]")
_REMOTE = lazy_pattern(r"(?:https?|git|ssh|ftp)://|git@|\S+\.git(?:#|$)")
_RESERVED = frozenset(("scratch", "context"))
_MOUNT_FROM = lazy_pattern(r"(?:^|,)from=([^,]*)")


def stages(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Names of stages that come twice or are reserved, and `--from` a stage that is later, the same or not there."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    seen: dict[str, int] = {}
    for stage in dockerfile.stages:
        begin = stage.from_instruction
        if stage.name is not None and stage.name in seen:
            message = f"The stage {stage.name} of line {seen[stage.name]} is hidden by this one of the same name."
            yield stated(evidence, rule, begin, message=message, at=begin.words[-1])
        elif stage.name in _RESERVED:
            yield stated(evidence, rule, begin, message=f"{stage.name} is a reserved name.", at=begin.words[-1])
        if stage.name is not None:
            seen.setdefault(stage.name, begin.line)
    named = {stage.name: stage for stage in dockerfile.stages if stage.name is not None}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            for reference, flag in _references(instruction):
                message = _wrong_source(dockerfile, named, stage, instruction, reference)
                if message:
                    yield stated(evidence, rule, instruction, message=message, at=flag)


def _references(instruction: Instruction) -> Iterator[tuple[str, Flag]]:
    for flag in instruction.flags:
        if flag.name == "from" and instruction.keyword in ("COPY", "ADD"):
            yield flag.value, flag
        elif flag.name == "mount" and (found := _MOUNT_FROM.search(flag.value)):
            yield found[1], flag


def _wrong_source(
    dockerfile: Dockerfile, named: dict[str, Stage], stage: Stage, instruction: Instruction, reference: str
) -> str:
    """What is wrong with the source; empty for a stage above, and for what may be an image or a named context."""
    name = reference.lower()
    if "$" in name or not name:
        return ""
    other = dockerfile.stage_named(reference, before=instruction.start)
    if other is stage:
        return f"{reference} is the stage that this line stands in."
    if other is not None:
        return ""
    later = named.get(name)
    if later is stage:
        return f"{reference} is the stage that this line stands in."
    if later is not None:
        return f"The stage {reference} comes later, so another image of that name is taken."
    if re.fullmatch(r"[0-9]{1,9}", name):
        return f"There is no stage {reference} above: they count from 0."
    if not re.search(r"[/:.@]", name):
        close = likely(dockerfile, name, named, 0.8)
        if close and named[close].index < stage.index:
            return f"There is no stage {reference}; did you mean {close}?"
    return ""


def destinations(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Several sources for a destination that is no folder, and relative folders that hang on the base image."""
    if evidence.dockerfile is None:
        return
    at_root = frozenset(rule.parameters.get("at_root", ()))
    for stage in evidence.dockerfile.stages:
        for instruction, state in zip(stage.instructions, environments(evidence.dockerfile, stage), strict=False):
            if instruction.keyword not in ("COPY", "ADD", "WORKDIR") or not instruction.words:
                continue
            last = instruction.words[-1]
            path = state.known(last.raw) if instruction.json is None else last.value
            if path is None:
                continue
            if instruction.keyword != "WORKDIR":
                yield from _destination(evidence, rule, instruction, path, last)
                relative = not path.startswith(("/", "\\")) and not re.match("[A-Za-z]:", path)
                if relative and state.workdir is None and evidence.image is None and _base(evidence, stage) in at_root:
                    message = f"There is no WORKDIR above: {path} is in the root folder."
                    yield stated(evidence, rule, instruction, message=message, at=last)
            elif _hangs_on_base(evidence, state, path):
                message = f"{path} is below whatever WORKDIR the base image has."
                yield stated(evidence, rule, instruction, message=message, at=last)


def _hangs_on_base(evidence: Evidence, state: Environment, path: str) -> bool:
    absolute = path.startswith(("/", "\\")) or re.match("[A-Za-z]:", path)
    return not absolute and state.workdir is None and evidence.image is None


def _destination(evidence: Evidence, rule: Rule, instruction: Instruction, path: str, last: Word) -> Iterator[Finding]:
    sources = len(instruction.words) - 1
    folder = path.endswith(("/", "\\", "/.", "/..")) or path in (".", "..")
    if sources > 1 and not folder:
        message = f"{sources} sources need a folder: end {path} with a slash."
        yield stated(evidence, rule, instruction, message=message, at=last)


def _base(evidence: Evidence, stage: Stage) -> str:
    """The name, without tag, of the official image that the stage is built on in the end; empty for others."""
    assert evidence.dockerfile is not None
    while stage.parent is not None:
        stage = evidence.dockerfile.stages[stage.parent]
    return split_reference(stage.base or "")[0].removeprefix("docker.io/").removeprefix("library/")


def ignored_sources(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Sources of which the ignore file leaves nothing; with a `!` or part of a folder left there is no finding."""
    project = evidence.project
    if evidence.dockerfile is None or project is None or not project.dockerignore:
        return
    from imageopt.dockerfile.ignore import parse_ignore

    rules = parse_ignore(project.dockerignore)
    for stage in evidence.dockerfile.stages:
        for instruction, state in zip(stage.instructions, environments(evidence.dockerfile, stage), strict=False):
            if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") is not None:
                continue
            for word in instruction.words[:-1]:
                source = state.known(word.raw) if instruction.json is None else word.value
                if source and not source.startswith("<<") and _is_ignored(project, rules, source):
                    message = f"The ignore file keeps {source} out of the build: there is nothing to copy."
                    yield stated(evidence, rule, instruction, message=message, at=word)


def _is_ignored(project: Project, rules: IgnoreRules, source: str) -> bool:
    from imageopt.dockerfile.paths import PathPattern
    from imageopt.project.sent import matching_paths, survives

    path = posixpath.normpath(f"/{source}").lstrip("/")
    if not path or _REMOTE.match(source):
        return False
    if _WILDCARD.search(path):
        pattern = PathPattern.parse(path)
        found = matching_paths(project.root, path) if pattern is not None and "**" not in path else []
        return bool(found) and all(survives(project.root, rules, name) is False for name in found)
    left = survives(project.root, rules, path)
    if left is None:  # not there yet: something else writes it before the build
        return rules.excludes(path) and not rules.may_hold_included(path)
    return not left


def overridden(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Each CMD, ENTRYPOINT and HEALTHCHECK that a later one of the same stage replaces."""
    for stage in evidence.dockerfile.stages if evidence.dockerfile is not None else ():
        last = {instruction.keyword: instruction for instruction in stage.instructions}
        for instruction in stage.instructions:
            keyword = instruction.keyword
            if keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and last[keyword] is not instruction:
                message = f"This {keyword} has no effect: line {last[keyword].line} replaces it."
                yield stated(evidence, rule, instruction, message=message)


def cd_last(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`cd` as the last command of a RUN: the next instruction begins in WORKDIR again."""
    for instruction, commands in runs(evidence):
        outer = [command for command in commands if command.nesting != "substitution"]
        last = outer[-1] if outer else None
        if last is not None and last.name == "cd" and last.complete and last.nesting == "" and last.operator != "||":
            yield stated(evidence, rule, instruction, at=last.words[0])
