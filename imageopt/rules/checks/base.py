"""Checks on the images a Dockerfile begins with, and on how exactly it names what it takes in.

What surprises: an image has two ages. `node:22-buster` is a supported Node on a Debian that gets no fixes.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from imageopt.dockerfile.model import Stage, Word
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import split_reference
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.steps import certain, every_stage, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_OFFICIAL = ("docker.io/", "index.docker.io/", "mirror.gcr.io/", "public.ecr.aws/docker/")  # where they lie
_TITLES = {"node": "Node", "php": "PHP", "python": "Python", "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine"}
_PINNED = {  # tool -> how an operand says its version, or that it is no package of a registry
    **dict.fromkeys(("apt-get", "apt"), lazy_pattern(r"[=$/]|\.deb$")),
    "apk": lazy_pattern(r"[=~<>$/]|^[.!]|\.apk$"),
    **dict.fromkeys(("yum", "dnf", "microdnf"), lazy_pattern(r"-\d|[$/@]|\.rpm$")),
    "zypper": lazy_pattern(r"[=<>$/]|-\d|\.rpm$"),
    "pip": lazy_pattern(r"===?|[$/@]|^\.|\.whl$|\.tar\.gz$"),
    "npm": lazy_pattern(r"[^/]@|[$:]|^[./]|\.tgz$"),
}


def end_of_life(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Base images past the last day of their release line, or of the system below it, by the rule's table."""
    bases: dict[str, Stage] = {}
    for stage in evidence.dockerfile.stages if evidence.dockerfile is not None else ():
        if stage.parent is None and stage.base is not None:
            bases[stage.base] = stage  # one finding for each base; the last stage with it is nearest to what is shipped
    for base, stage in bases.items():
        ended = [(what, end) for what, end in _ends(base, rule.parameters) if now > end]
        if ended:
            what, end = ended[0]
            message = f"{what} gets no fixes since {end}."
            yield stated(evidence, rule, stage.from_instruction, message=message, at=stage.from_instruction.words[0])


def _ends(base: str, table: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, date]]:
    """What the image holds by its name and tag, and the last day of each: the product first, then the system below."""
    name, tag = split_reference(base)
    for place in _OFFICIAL:
        name = name.removeprefix(place)
    name = name.removeprefix("library/")
    if "/" in name:
        return  # nobody knows what another's tags mean
    for line, end in table.get(name, {}).items():
        if tag == line or tag.startswith((f"{line}.", f"{line}-")):
            yield f"{_TITLES.get(name, name)} {line}", date.fromisoformat(str(end))
    for part in tag.split("-")[1:]:
        system, line = ("alpine", part.removeprefix("alpine")) if part.startswith("alpine3") else ("", part)
        for each in (system,) if system else ("debian", "ubuntu"):
            end = table.get(each, {}).get(line) if system or line.isalpha() else None
            if end is not None:
                yield f"{_TITLES[each]} {line}, below {name},", date.fromisoformat(str(end))


def unpinned(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Base images without a digest, and packages without a version."""
    if rule.parameters.get("digests", True):
        for stage in evidence.dockerfile.stages if evidence.dockerfile is not None else ():
            known = stage.parent is None and stage.base not in (None, "scratch")
            if known and stage.base is not None and "@sha256:" not in stage.base:
                message = "The tag can name another image tomorrow; only a digest cannot."
                yield stated(
                    evidence, rule, stage.from_instruction, message=message, at=stage.from_instruction.words[0]
                )
    if rule.parameters.get("packages", True):
        for step in steps(evidence, every_stage(evidence)):
            found = next(
                (word for each in certain(step.commands) if (tool := call(each)) for word in _loose(tool)), None
            )
            if found is not None:
                message = "The package has no version: another day's build installs another one."
                yield stated(evidence, rule, step.instruction, message=message, at=found)


def _loose(tool: Call) -> Iterator[Word]:
    """The packages that the call installs in whichever version there is."""
    if tool.tool in _PINNED and tool.subcommand in ("install", "add"):
        yield from (word for word in tool.operands if not _PINNED[tool.tool].search(word.value))
