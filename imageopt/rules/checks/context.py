"""Checks on what the build context sends."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import call
from imageopt.evidence.model import Evidence
from imageopt.project.context import ignore_file
from imageopt.rules.checks.match import matching, shipped
from imageopt.rules.checks.size import billed
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule, Saving

_MANAGERS = ("npm", "pnpm", "yarn", "bun")
_INSTALLS = ("install", "ci", "add", "deploy", "workspaces")
_OF_NODE = ("node", "npx", "next", "pm2", "pm2-runtime", *_MANAGERS)
_UNWANTED = (".git", "node_modules", "coverage", "logs", ".env", ".nyc_output", ".next", ".cache", ".gitlab-ci.yml")


def dockerignore(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A whole folder is copied, and what nobody wants in an image is sent along."""
    project = evidence.project
    if evidence.dockerfile is None or project is None:
        return
    copies = _whole_copies(evidence.dockerfile, evidence.target)
    sent = [name for name in _UNWANTED if name in project.context_bytes]
    if "node_modules" in sent and lives_on_the_contexts_packages(evidence.dockerfile):
        sent.remove("node_modules")
    if not copies or (project.dockerignore is not None and not sent):
        return
    if project.dockerignore is None:
        named = f"; it would keep out {', '.join(sent)}" if sent else ""
        yield stated(evidence, rule, copies[0], message=f"There is no .dockerignore{named}.")
    else:
        name = ignore_file(project.root, evidence.dockerfile_path)
        message = f"{name} lets through what no image needs: {', '.join(sent)}."
        yield stated(evidence, rule, None, message=message, place=Location(name, 1, 1, 1))


def host_modules(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """node_modules of the developer's machine in the image, or about to be sent there."""
    yield from _sent(evidence, rule, now, re.compile("node_modules"))


def secret_files(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Files that by their name hold passwords or keys, in the image or about to be sent there."""
    names = r"\.env(?:\.(?!example|sample|template|dist).*)?|id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|p12|pfx)"
    yield from _sent(evidence, rule, now, re.compile(names))


def _sent(evidence: Evidence, rule: Rule, now: date, names: re.Pattern[str]) -> Iterator[Finding]:
    project = evidence.project
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    named = list(matching(evidence, rule, now))
    yield from named
    if evidence.dockerfile is not None and project is not None and not named:
        found = sorted(name for name in project.context_bytes if names.fullmatch(name))
        copies = _whole_copies(evidence.dockerfile, evidence.target)
        if found and copies:
            saving = Saving(sum(project.context_bytes[name] for name in found), "estimate")
            message = f"{', '.join(found)} is in the build context, and this instruction copies all of it."
            yield stated(evidence, rule, copies[0], message=message, saving=saving)


def lives_on_the_contexts_packages(dockerfile: Dockerfile) -> bool:
    """Whether Node runs in the image and nothing in it installs packages: they were installed outside."""
    told = [item for item in dockerfile.instructions if item.keyword in ("RUN", "CMD", "ENTRYPOINT")]
    commands = [command for item in told for command in run_commands(item)]
    for command in commands:
        read = call(command)
        if read is not None and read.tool in _MANAGERS and read.subcommand in _INSTALLS:
            return False
    bases = (stage.base or "" for stage in dockerfile.stages)
    return any(command.name.rpartition("/")[2] in _OF_NODE for command in commands) or any(
        "node" in base for base in bases
    )


def _whole_copies(dockerfile: Dockerfile, target: str | None) -> list[Instruction]:
    """The instructions of any stage that copy the whole context."""
    return [
        instruction
        for _, instruction in shipped(dockerfile, target, everything=True)
        if instruction.keyword in ("COPY", "ADD")
        and instruction.flag("from") is None
        and any(word.value in (".", "./", "/") for word in instruction.words[:-1])
    ]
