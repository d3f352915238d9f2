"""Checks on what stays in the image unasked: languages' caches, texts for people, second copies, holes in a log.

What surprises: all of it is asked of the image where there is one, and nothing of a base image's own counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from imageopt.dockerfile.tools import call
from imageopt.rules.checks.build import cache_mounted
from imageopt.rules.checks.held import held
from imageopt.rules.checks.match import shipped, shipped_stages
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import Step, steps
from imageopt.rules.checks.system import emptied
from imageopt.rules.finding import measured, stated

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Command
    from imageopt.evidence.model import Evidence
    from imageopt.image.model import FileRecord
    from imageopt.rules.model import Finding, Rule

_LANGUAGES = {  # tool -> what fills its cache, the option and the variable that switch it off, its folders for root
    "pip": (("install", "wheel", "download"), "--no-cache-dir", "PIP_NO_CACHE_DIR", ("/root/.cache/pip",)),
    "uv": (("sync", "pip", "tool"), "--no-cache", "UV_NO_CACHE", ("/root/.cache/uv",)),
    "poetry": (("install", "sync"), "--no-cache", "POETRY_CACHE_DIR", ("/root/.cache/pypoetry",)),
    "go": (("build", "install", "mod", "get"), "-mod=vendor", "GOCACHE", ("/root/.cache/go-build", "/go/pkg/mod")),
    "cargo": (("build", "install", "fetch"), "--offline", "CARGO_HOME", ("/usr/local/cargo/registry",)),
    "bundle": (("install",), "--no-cache", "BUNDLE_NO_CACHE", ("/usr/local/bundle/cache",)),
}
_FOR_PEOPLE = frozenset(
    (
        ("documentation", "manuals"),
        ("documentation", "texts"),
        ("documentation", "info"),
        ("documentation", "locales"),
        ("debug", "symbols"),
        ("development", "static-libraries"),
        ("development", "objects"),
    )
)
_SHARED = ("usr/", "opt/", "lib/")
_PACKAGES = ("/node_modules/", "/site-packages/", "/dist-packages/", "/vendor/")


def language_cache(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Languages' package caches in the image; without one, a RUN that fills one and does not empty it."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    for step in steps(evidence):
        found = next((command for command in step.commands if _fills(step, command)), None)
        if found is not None:
            yield stated(evidence, rule, step.instruction, at=found)


def _fills(step: Step, command: Command) -> bool:
    read = call(command)
    name = read.tool if read is not None else command.name.rpartition("/")[2]
    if name not in _LANGUAGES:
        return False
    verbs, option, variable, folders = _LANGUAGES[name]
    words = [word.value for word in command.words]
    verb = read.subcommand if read is not None else next((word for word in words[1:] if not word.startswith("-")), "")
    if verb not in verbs or option in words or (name == "go" and words[2:3] in (["init"], ["tidy"], ["edit"])):
        return False
    switched_off = {assignment.value.partition("=")[0] for assignment in command.assignments}
    if variable in {*step.environment.variables, *step.environment.unknown, *switched_off} or cache_mounted(
        step.instruction, name
    ):
        return False
    later = [each for each in step.commands if each.start > command.start]
    cleaned = any(
        (each.name.rpartition("/")[2] == name and {"clean", "cache", "purge"} & {word.value for word in each.arguments})
        or (each.name == "rm" and any("cache" in word.value for word in each.arguments))
        for each in later
    )
    return not cleaned and not any(emptied(step, command, folder) for folder in folders)


def texts_and_symbols(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Manuals, translations, static libraries and symbols for a debugger that came after the base image."""
    kinds = evidence.kinds
    wanted = [index for index, record in _added(evidence) if kinds[index] in _FOR_PEOPLE and _is_for_people(record[0])]
    yield from held(evidence, rule, [index for index in wanted if evidence.classes[index].cause is None])


def _added(evidence: Evidence) -> Sequence[tuple[int, FileRecord]]:
    """The live files that certainly came after the base image."""
    if evidence.base.layers is not None:
        return evidence.own_files
    return [each for each in evidence.own_files if evidence.origins[each[1].birth] is not None]


def _is_for_people(path: str) -> bool:
    return (
        path.startswith(_SHARED)
        and not any(part in path for part in _PACKAGES)
        and not path.endswith("/copyright")  # a licence may ask for it
    )


def second_copies(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Files whose content is in the image under another path too; of each content one file does not count."""
    least = int(rule.parameters["least_file_bytes"])
    seen: set[tuple[bytes, int]] = set()
    copies: set[int] = set()
    for index, (_, size, _, _, death, checksum, _, _, _) in enumerate(evidence.image.files if evidence.image else ()):
        if size >= least and checksum and death is None:
            if (checksum, size) in seen:
                copies.add(index)
            seen.add((checksum, size))
    surplus = [index for index, _ in _added(evidence) if index in copies and evidence.classes[index].cause is None]
    yield from held(evidence, rule, surplus)


def large_number(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """A user whose number makes the log of logins long; with an image, that log's bytes."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    for step in steps(evidence):
        for command in step.commands:
            tool = call(command)
            if tool is None or tool.tool != "useradd" or tool.has("--no-log-init"):
                continue
            number = step.environment.known((tool.options.get("--uid") or ("",))[-1]) or ""
            if number.isdecimal() and int(number[:12]) >= int(rule.parameters["least_number"]):
                yield stated(evidence, rule, step.instruction, at=command)


def root_copied(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """All of another file system copied over the one of the base image. On scratch that is how to flatten one."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    first = dockerfile.stages[shipped_stages(dockerfile, evidence.target)[0]] if dockerfile.stages else None
    for _, instruction in shipped(dockerfile, evidence.target):
        if instruction.keyword != "COPY" or instruction.flag("from") is None:
            continue
        paths = [word.value for word in instruction.words]
        if (
            len(paths) < 2
            or paths[-1] not in ("/", "/.")
            or not {"/", "/."} & set(paths[:-1])
            or (first is not None and first.base == "scratch")
        ):
            continue
        layers = {
            n for n, origin in enumerate(evidence.origins) if origin is not None and origin.instruction is instruction
        }
        files = [
            index
            for index, record in enumerate(evidence.image.files if evidence.image is not None else ())
            if record.death in layers
        ]
        if files:
            yield measured(evidence, rule, instruction, files, layers)
        else:
            yield stated(evidence, rule, instruction)
