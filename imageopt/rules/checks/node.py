"""Checks on Node projects: how packages are installed and how the service is started."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.model import Command, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.model import Evidence
from imageopt.rules.checks.match import has_option, shipped, subcommand
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule


def npm_install_not_ci(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`npm install` of the whole project where a lock file could decide what is installed."""
    project = evidence.project
    if project is not None and (project.lock is None or project.lock.manager != "npm"):
        return
    for instruction, command in _commands(evidence):
        if command.name == "npm" and subcommand(command) in ("install", "i") and _whole_project(command):
            yield stated(evidence, rule, instruction)


def lockfile_missing(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A package.json with dependencies and no lock file, or one that no longer fits."""
    project = evidence.project
    if project is None or project.manifest is None:
        return
    if not project.manifest.dependencies and not project.manifest.dev_dependencies:
        return
    place = Location("package.json", 1, 1, 1)
    if project.lock is None or project.lock.state == "missing":
        text = "There is no lock file: every build may install something else."
        yield stated(evidence, rule, None, message=text, place=place)
    elif project.lock.state == "drifted":
        text = f"{project.lock.path} does not fit package.json: {project.lock.reason}."
        yield stated(evidence, rule, None, message=text, place=Location(project.lock.path, 1, 1, 1))


def npm_start(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A start through npm, yarn or pnpm where the script is one plain node command."""
    if evidence.dockerfile is None:
        return
    project = evidence.project
    if project is not None and project.start is not None and project.start.argv is None:
        return
    last: Instruction | None = None
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        if instruction.keyword == "CMD":
            last = instruction
    words = run_commands(last) if last is not None else ()
    if words and words[0].name in ("npm", "yarn", "pnpm") and subcommand(words[0]) in ("start", "run", "run-script"):
        yield stated(evidence, rule, last)


def node_version_conflict(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Two files that name different major versions of Node; a range names none."""
    project = evidence.project
    if project is None:
        return
    majors: dict[str, str] = {}
    for fact in project.node_versions:
        exact = re.fullmatch(r"v?(\d+)(?:\.(?:\d+|x|\*))*(?:-.*)?", fact.value.strip())
        if exact:
            majors.setdefault(exact[1], fact.source)
    if len(majors) > 1:
        said = ", ".join(f"{source} says {major}" for major, source in sorted(majors.items()))
        place = Location(evidence.dockerfile_path, 1, 1, 1) if evidence.dockerfile is not None else None
        yield stated(evidence, rule, None, message=f"The Node versions differ: {said}.", place=place)


def _commands(evidence: Evidence) -> Iterator[tuple[Instruction, Command]]:
    if evidence.dockerfile is None:
        return
    for _, instruction in shipped(evidence.dockerfile, evidence.target, everything=True):
        if instruction.keyword == "RUN":
            for command in run_commands(instruction):
                yield instruction, command


def _whole_project(command: Command) -> bool:
    """Whether it installs what package.json names: no package of its own, not global."""
    if any(
        has_option(command, option) for option in ("-g", "--global", "--location", "--no-save", "--package-lock-only")
    ):
        return False
    verb = next(i for i, word in enumerate(command.arguments) if word.value in ("install", "i"))
    takes_value = {
        "--registry",
        "--loglevel",
        "--prefix",
        "-C",
        "--cache",
        "--omit",
        "--include",
        "--only",
        "--userconfig",
    }
    rest = list(command.arguments[verb + 1 :])
    while rest:
        word = rest.pop(0).value
        if word in takes_value and rest:
            rest.pop(0)
        elif not word.startswith("-"):
            return False
    return True
