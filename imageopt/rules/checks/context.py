"""Checks on what the build context sends."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.evidence.model import Evidence
from imageopt.project.context import ignore_file
from imageopt.rules.checks.match import matching, shipped
from imageopt.rules.checks.size import billed
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule, Saving

_UNWANTED = (".git", "node_modules", "coverage", "logs", ".env", ".nyc_output", ".next", ".cache", ".gitlab-ci.yml")


def dockerignore(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A whole folder is copied, and what nobody wants in an image is sent along."""
    project = evidence.project
    if evidence.dockerfile is None or project is None:
        return
    copies = _whole_copies(evidence.dockerfile, evidence.target)
    sent = [name for name in _UNWANTED if name in project.context_bytes]
    if not copies or (project.dockerignore is not None and not sent):
        return
    named = f"; it would keep out {', '.join(sent)}" if sent else ""
    missing = (
        "There is no .dockerignore" if project.dockerignore is None else ".dockerignore lets unwanted files through"
    )
    if project.dockerignore is None:
        yield stated(evidence, rule, copies[0], message=f"{missing}{named}.")
    else:
        place = Location(ignore_file(project.root, evidence.dockerfile_path), 1, 1, 1)
        yield stated(evidence, rule, None, message=f"{missing}{named}.", place=place)


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


def _whole_copies(dockerfile: Dockerfile, target: str | None) -> list[Instruction]:
    """The instructions of any stage that copy the whole context."""
    return [
        instruction
        for _, instruction in shipped(dockerfile, target, everything=True)
        if instruction.keyword in ("COPY", "ADD")
        and instruction.flag("from") is None
        and any(word.value in (".", "./", "/") for word in instruction.words[:-1])
    ]
