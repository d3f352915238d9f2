"""Checks on Node projects: how packages are installed and how the service is started."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Dockerfile, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.model import Evidence
from imageopt.rules.checks.match import has_option, matching, shipped, shipped_stages, subcommand
from imageopt.rules.checks.size import billed
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule

_MANAGERS = frozenset(("npm", "pnpm", "yarn", "corepack"))


def npm_install_not_ci(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`npm install` of the whole project where a lock file could decide what is installed."""
    project = evidence.project
    if project is not None and (
        project.lock is None or project.lock.manager != "npm" or project.lock.state == "missing"
    ):
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


def dev_dependencies(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Packages for development in the image; without one, an installation in it that does not leave them out."""
    project = evidence.project
    if evidence.image is not None or evidence.dockerfile is None:
        yield from billed(evidence, rule, now)
        return
    if project is not None and project.manifest is not None and not project.manifest.dev_dependencies:
        return
    in_production = {
        instruction.line
        for number in shipped_stages(evidence.dockerfile, evidence.target)
        for instruction, state in _states(evidence.dockerfile, number)
        if state.variables.get("NODE_ENV") == "production"
    }
    for finding in matching(evidence, rule, now):
        if finding.location is not None and finding.location.line not in in_production:
            yield finding


def _states(dockerfile: Dockerfile, number: int) -> Iterator[tuple[Instruction, Environment]]:
    stage = dockerfile.stages[number]
    yield from zip(stage.instructions, environments(dockerfile, stage), strict=False)


def global_tools(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Global packages that the start command does not run; package managers are left to their own rules."""
    if evidence.image is not None or evidence.dockerfile is None:
        yield from billed(evidence, rule, now)
        return
    started = ""
    installs: list[Instruction] = []
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        if instruction.keyword in ("CMD", "ENTRYPOINT"):
            started += f" {instruction.arguments}"
        elif instruction.keyword == "RUN":
            installs.append(instruction)
    for instruction in installs:
        names = [name for command in run_commands(instruction) for name in _global_packages(command)]
        if any(name not in _MANAGERS and name not in started for name in names):
            yield stated(evidence, rule, instruction)


def _global_packages(command: Command) -> list[str]:
    """The names, without versions, that `npm install -g` is given."""
    words = [word.value for word in command.arguments]
    if command.name not in ("npm", "pnpm") or not {"-g", "--global"} & set(words):
        return []
    if subcommand(command) not in ("install", "i", "add"):
        return []
    names = words[words.index(subcommand(command)) + 1 :]
    return [re.sub(r"(?<=.)@.*", "", name) for name in names if not name.startswith("-")]


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
