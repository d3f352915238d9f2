"""Checks on what the build context sends."""

from collections.abc import Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.rules.checks.match import shipped
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule

_UNWANTED = (".git", "node_modules", "coverage", "logs", ".env", ".nyc_output", ".next", ".cache", ".gitlab-ci.yml")


def dockerignore(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A whole folder is copied, and what nobody wants in an image is sent along."""
    project = evidence.project
    if evidence.dockerfile is None or project is None:
        return
    copies = [
        instruction
        for _, instruction in shipped(evidence.dockerfile, evidence.target, everything=True)
        if instruction.keyword in ("COPY", "ADD")
        and instruction.flag("from") is None
        and any(word.value in (".", "./", "/") for word in instruction.words[:-1])
    ]
    sent = [name for name in _UNWANTED if name in project.context_bytes]
    if not copies or (project.dockerignore is not None and not sent):
        return
    named = f"; it would keep out {', '.join(sent)}" if sent else ""
    missing = (
        "There is no .dockerignore" if project.dockerignore is None else ".dockerignore lets unwanted files through"
    )
    place = None if project.dockerignore is None else Location(project.dockerignore, 1, 1, 1)
    if place is None:
        yield stated(evidence, rule, copies[0], message=f"{missing}{named}.")
    else:
        yield stated(evidence, rule, None, message=f"{missing}{named}.", place=place)
