"""Checks on Node projects: how packages are installed and how the service is started."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase as fnmatch
from typing import TYPE_CHECKING

from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import call
from imageopt.rules.checks.match import shipped, subcommand
from imageopt.rules.checks.node_install import Install, installs_of, left_by, package_name
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import copies, every_stage, for_development, steps, with_ancestors
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Command, Dockerfile, Instruction, Word
    from imageopt.evidence.model import Evidence
    from imageopt.project.model import Lock

_MANAGERS = frozenset(("npm", "pnpm", "yarn", "corepack"))
_STARTERS = frozenset(("npm", "yarn", "pnpm"))
_INITS = frozenset(("tini", "dumb-init", "catatonit", "s6-svscan", "init", "pid1"))


def npm_install_not_ci(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`npm install` of the whole project where a lock file that fits could decide what is installed."""
    lock = evidence.project.lock if evidence.project is not None else None
    if evidence.project is not None and (lock is None or lock.manager != "npm" or lock.state != "in-sync"):
        return
    for step in steps(evidence, every_stage(evidence)):
        for install in installs_of(step):
            if (
                install.tool.tool == "npm"
                and install.tool.subcommand == "install"
                and not install.tool.has("--no-save")
            ):
                yield stated(evidence, rule, step.instruction, at=install.tool.verb)


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
    elif evidence.dockerfile is not None:
        yield from _not_copied(evidence, evidence.dockerfile, project.lock, rule)


def _not_copied(evidence: Evidence, dockerfile: Dockerfile, lock: Lock, rule: Rule) -> Iterator[Finding]:
    """Stages that copy package.json by name, and install before the lock file is there."""
    sent = evidence.project is not None and lock.path in evidence.project.context_bytes
    for stage in (each for each in dockerfile.stages if each.parent is None):  # a parent may have brought it
        manifest: tuple[Instruction, Word] | None = None
        for instruction in stage.instructions:
            if instruction.keyword in ("COPY", "ADD"):
                words = instruction.words[:-1]
                if instruction.flag("from") or (sent and any(may_bring(word.value, lock.path) for word in words)):
                    break  # it is there, or may be
                manifest = next(((instruction, w) for w in words if fnmatch(w.value, "*package*.json")), manifest)
            elif instruction.keyword == "RUN" and manifest is not None and instruction.flag("mount") is None:
                commands = (call(command) for command in run_commands(instruction))
                if any(
                    tool and tool.tool == lock.manager and tool.subcommand in ("install", "ci") for tool in commands
                ):
                    reason = "is not copied" if sent else "is left out by the ignore file"
                    text = f"{lock.path} {reason}, so the installation below cannot hold to it."
                    yield stated(evidence, rule, manifest[0], message=text, at=manifest[1])
                    break


def may_bring(source: str, path: str) -> bool:
    """Whether a COPY of that source takes the file along; one with a variable may."""
    plain = source.removeprefix("./").strip("/")
    return plain in ("", ".") or "$" in plain or fnmatch(path, plain)


def npm_start(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A start through npm, yarn or pnpm where the script is one plain node command."""
    if evidence.dockerfile is None:
        return
    project = evidence.project
    if project is not None and project.start is not None and project.start.argv is None:
        return
    last: dict[str, Instruction] = {}
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        if instruction.keyword in ("CMD", "ENTRYPOINT"):
            last[instruction.keyword] = instruction
    entry = run_commands(last["ENTRYPOINT"]) if "ENTRYPOINT" in last else ()
    if entry and posixpath.basename(entry[0].name) in _INITS:
        return  # then npm is not process 1, and the signal reaches the whole group or not by the init's own rules
    for instruction in (last[keyword] for keyword in ("ENTRYPOINT", "CMD") if keyword in last):
        words = run_commands(instruction)
        if words and words[0].name in _STARTERS and subcommand(words[0]) in ("start", "run", "run-script"):
            message = rule.message.replace("npm", words[0].name, 1)
            yield stated(evidence, rule, instruction, message=message, at=words[0].words[0])
            return


def dev_dependencies(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Packages for development in the image; without one, an installation for it that does not leave them out."""
    if evidence.image is not None or evidence.dockerfile is None:
        yield from billed(evidence, rule, now)
        return
    project = evidence.project
    known = project.manifest if project is not None else None
    if (known is not None and not known.dev_dependencies) or for_development(evidence):
        return
    seen: set[int] = set()
    for step in steps(evidence):
        install = left_by((step,))
        if install is not None and install.dev:
            seen.add(step.instruction.line)
            yield stated(evidence, rule, step.instruction, at=install.tool.name)
    left: dict[int, Install | None] = {}  # by the number of the stage
    for copied in copies(evidence):
        if copied.stage.index not in left:
            ran = steps(evidence, with_ancestors(evidence.dockerfile, copied.stage))
            left[copied.stage.index] = left_by(ran)
        install = left[copied.stage.index]
        if install is None or not install.dev or install.step.instruction.line in seen:
            continue
        if any(holds_modules(path, install.step.environment.workdir) for path in copied.sources or ()):
            seen.add(install.step.instruction.line)
            yield stated(evidence, rule, install.step.instruction, at=install.tool.name)


def holds_modules(path: str, folder: str | None) -> bool:
    """Whether the copied path is a node_modules, or the folder of the installation or one above it."""
    return path.endswith("/node_modules") or (folder is not None and f"{folder}/".startswith(f"{path.rstrip('/')}/"))


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
    return [package_name(name) for name in names if not name.startswith("-")]
