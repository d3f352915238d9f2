"""Checks on the Dockerfile's text and stages alone."""

import re
from collections.abc import Iterator
from datetime import date

from msgspec.structs import replace

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import split_reference
from imageopt.rules.checks.match import shipped, shipped_stages, subcommand
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule


def parse_error(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Everything that the parser could not make sense of; a blank line in a continuation is only bad style.

    A pattern of the ignore file that is none is refused by BuildKit as well, whatever the Dockerfile copies.
    """
    if evidence.dockerfile is None:
        return
    if evidence.project is not None and evidence.project.dockerignore is not None:
        from imageopt.dockerfile.ignore import parse_ignore  # which a Dockerfile alone does without
        from imageopt.project.context import ignore_file

        name = ignore_file(evidence.project.root, evidence.dockerfile_path)
        for problem in parse_ignore(evidence.project.dockerignore).problems:
            place = Location(name, problem.line, 1, problem.end_line)
            yield stated(evidence, rule, None, message=f"{problem.message}.", place=place)
    for problem in evidence.dockerfile.problems:
        if problem.code != "empty-continuation":
            place = Location(evidence.dockerfile_path, problem.line, 1, problem.end_line)
            yield stated(evidence, rule, None, message=f"{problem.message}.", place=place)


def runs_as_root(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """The image's user, else the last USER of the stages that are shipped; unknown where the base decides."""
    last: Instruction | None = None
    if evidence.dockerfile is not None:
        users = [item for _, item in shipped(evidence.dockerfile, evidence.target) if item.keyword == "USER"]
        last = users[-1] if users else None
    if evidence.image is not None:
        user = evidence.image.config.user
    elif evidence.dockerfile is None:
        return
    else:
        user = last.words[0].value if last is not None and last.words else ""
        if "$" in user:
            return
    if user.partition(":")[0] in ("", "root", "0"):
        stage = evidence.dockerfile.target(evidence.target) if evidence.dockerfile is not None else None
        if evidence.image is None and (stage is None or _base_may_set_user(stage)):
            return  # a file without a FROM ships nothing
        place = last or (stage.from_instruction if stage is not None else None)
        yield stated(evidence, rule, place, at=place.words[0] if place is not None and place.words else None)


def _base_may_set_user(stage: Stage) -> bool:
    """Whether the base image is one whose name promises an unprivileged user, or Windows, which knows no root."""
    return stage.base is not None and re.search(r"nonroot|unprivileged|rootless|/windows/", stage.base) is not None


def untagged_base(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A base image without a tag or with `latest`; a digest pins it, a stage or an unknown argument is no image."""
    for stage in evidence.dockerfile.stages if evidence.dockerfile is not None else ():
        if stage.parent is not None or stage.base is None or stage.base == "scratch" or "@sha256:" in stage.base:
            continue
        if split_reference(stage.base)[1] in ("", "latest"):
            yield stated(evidence, rule, stage.from_instruction)


def shell_form_cmd(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """CMD and ENTRYPOINT as a text: a shell is process 1 and does not hand signals on.

    BusyBox's shell, alpine's, and bash start a single command in their own place, so there it is only `info`.
    """
    if evidence.dockerfile is None:
        return
    last: dict[str, tuple[Instruction, str]] = {}
    for number in shipped_stages(evidence.dockerfile, evidence.target):
        stage = evidence.dockerfile.stages[number]
        for instruction, state in zip(stage.instructions, environments(evidence.dockerfile, stage), strict=False):
            if instruction.keyword in ("CMD", "ENTRYPOINT"):
                last[instruction.keyword] = (instruction, state.shell[0])
    root = _root(evidence.dockerfile, evidence.target)
    for instruction, shell in last.values():
        if instruction.json is not None or instruction.is_no_list_of_strings or not instruction.words:
            continue
        if not is_posix_shell(shell):
            continue
        commands = run_commands(instruction)
        if commands and commands[0].name == "exec":
            continue
        steps_aside = shell.endswith("/bash") or ("alpine" in (root or "") and shell == "/bin/sh")
        found = stated(evidence, rule, instruction, at=instruction.words[0])
        if steps_aside and len(commands) == 1 and not commands[0].assignments and rule.severity != "style":
            message = "The shell happens to step aside for a single command; a list does not depend on that."
            found = replace(found, severity="info", confidence="low", message=message)
        yield found


def _root(dockerfile: Dockerfile, target: str | None) -> str | None:
    """The image from outside that the target is built on in the end."""
    stages = shipped_stages(dockerfile, target)
    return dockerfile.stages[stages[0]].base if stages else None


def copy_all_before_install(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`COPY . .` above the installation of packages: each source change installs everything again."""
    for stage in evidence.dockerfile.stages if evidence.dockerfile is not None else ():
        copied: Instruction | None = None
        manifests = False
        for instruction in stage.instructions:
            if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
                sources = [word.value for word in instruction.words[:-1]]
                if any(source in (".", "./", "/", "*") for source in sources):
                    copied = copied or instruction
                elif copied is None and any("package" in source or "composer" in source for source in sources):
                    manifests = True
            elif instruction.keyword == "RUN" and copied is not None and not manifests:
                for command in run_commands(instruction):
                    if _installs(command.name, subcommand(command), [word.value for word in command.arguments]):
                        yield stated(evidence, rule, copied)
                        copied = None
                        break


def _installs(name: str, verb: str, words: list[str]) -> bool:
    if "-g" in words or "--global" in words:
        return False
    return (name in ("npm", "pnpm", "bun", "composer") and verb in ("install", "i", "ci")) or (
        name == "yarn" and verb in ("", "install")
    )


def node_env_missing(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A Node service whose image does not set NODE_ENV: many libraries then take their slow, talkative way.

    Without a project only a start of node itself is told: a script of npm's may set it.
    """
    if evidence.dockerfile is None:
        return
    project = evidence.project
    stage = evidence.dockerfile.target(evidence.target)
    if stage is None:
        return
    if project is None:
        if not _starts_node(evidence.dockerfile, evidence.target):
            return
    elif project.manifest is None or project.start is None or "NODE_ENV" in dict(project.start.environment):
        return
    *_, at_end = environments(evidence.dockerfile, stage)
    if "NODE_ENV" not in at_end.env and split_reference(stage.base or "")[0].rpartition("/")[2] == "node":
        yield stated(evidence, rule, stage.from_instruction, at=stage.from_instruction.words[0])


def _starts_node(dockerfile: Dockerfile, target: str | None) -> bool:
    """Whether the image starts node with a file, and with no variable set on the way."""
    last = {item.keyword: item for _, item in shipped(dockerfile, target) if item.keyword in ("CMD", "ENTRYPOINT")}
    starts = [commands[0] for item in last.values() if (commands := run_commands(item))]
    return any(command.name == "node" and command.arguments and not command.assignments for command in starts)
