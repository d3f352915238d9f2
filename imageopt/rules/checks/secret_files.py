"""Checks on files that hold secrets: copied from the project, or left in any layer of the image.

What surprises: a file that a later layer deletes is still there for everyone who pulls the image, so what is deleted
counts as much as what is live. What the base image holds is its owner's matter.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING

from imageopt.evidence.causes import ENV_FILE
from imageopt.evidence.paths import is_secret
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped
from imageopt.rules.checks.secrets import may_be_secret
from imageopt.rules.checks.size import billed
from imageopt.rules.finding import measured, stated

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Instruction, Word
    from imageopt.dockerfile.paths import PathPattern
    from imageopt.evidence.model import Evidence
    from imageopt.project.model import Project
    from imageopt.rules.model import Finding, Rule

_WILDCARD = lazy_pattern(r"[*?\[]")
_MOST_NAMED = 3
_READ = 100_000  # characters of a file that are looked at
_PRIVATE_KEY = lazy_pattern(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")


def in_layers(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Files of the image's own layers whose name is that of a secret, also where a later layer deletes them.

    What is copied in and stays is told by the rule about copied files.
    """
    image = evidence.image
    if image is None:
        return
    found: dict[int, list[int]] = {}
    own = {layer.index for layer in image.layers if _is_own(evidence, layer.index)}
    for index, (path, size, birth, _, _, _, _, _, _) in enumerate(image.files):
        if size == 0 or birth not in own or not is_secret(path):
            continue
        if evidence.classes[index].cause != ENV_FILE and path not in image.packages.owners:
            found.setdefault(birth, []).append(index)
    for layer, files in found.items():
        origin = evidence.origins[layer]
        deaths = [death for index in files if (death := image.files[index].death) is not None]
        yield measured(
            evidence,
            rule,
            origin.instruction if origin is not None else None,
            files,
            (layer, *deaths),
            confidence="low" if evidence.base.layers is None else "medium",
        )


def _is_own(evidence: Evidence, layer: int) -> bool:
    """Whether the layer is none of the base image's; where nothing tells, without a Dockerfile, it may be."""
    if evidence.base.layers is not None:
        return layer >= evidence.base.layers
    origin = evidence.origins[layer]
    return evidence.dockerfile is None or (origin is not None and not origin.base)


def copied(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Files that by their name hold passwords or keys, in the image, or about to be copied there.

    With the project at hand its files decide: what is ignored is not sent, and a file whose content holds no
    secret is none.
    """
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    if evidence.dockerfile is None:
        return
    told: set[str] = set()
    for _, instruction in shipped(evidence.dockerfile, evidence.target, everything=True):
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            yield from _of_copy(evidence, rule, instruction, told)


def _of_copy(evidence: Evidence, rule: Rule, instruction: Instruction, told: set[str]) -> Iterator[Finding]:
    for source in instruction.words[:-1]:
        path = posixpath.normpath(f"/{source.value}").lstrip("/")
        if "$" in path or "://" in source.value or source.value.startswith("<<"):
            continue
        found = _named(path, source) if evidence.project is None else _sent(evidence.project, path)
        found = [name for name in found if name not in told]
        if found:
            told.update(found)
            more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            names = ", ".join(found[:_MOST_NAMED]) + more
            yield stated(evidence, rule, instruction, message=f"This copies {names} into the image.", at=source)


def _named(path: str, source: Word) -> list[str]:
    """The path, if its name alone says that it is a secret."""
    return [source.value] if is_secret(path) else []


def _sent(project: Project, path: str) -> list[str]:
    from imageopt.dockerfile.ignore import parse_ignore
    from imageopt.dockerfile.paths import PathPattern
    from imageopt.project.sent import TooMany, sent_files

    rules = parse_ignore(project.dockerignore or "")
    below = "/".join(takewhile(lambda name: not _WILDCARD.search(name), path.split("/")))
    try:
        sent = [name for name in sent_files(project.root, rules, below) if is_secret(name)]
    except (TooMany, OSError):
        return [path] if is_secret(path) and not rules.excludes(path) else []
    pattern = PathPattern.parse(path) if below != path else None
    return [name for name in sent if (pattern is None or _takes(pattern, name)) and _holds_secret(project, name)]


def _takes(pattern: PathPattern, name: str) -> bool:
    """Whether a COPY with this pattern takes the file, or a folder above it."""
    return any(pattern.matches(name[:at]) for at, letter in enumerate(f"{name}/") if letter == "/")


def _holds_secret(project: Project, path: str) -> bool:
    """Whether the file's content is a secret; what cannot be read is one, by its name."""
    from imageopt.project.files import read_text

    text = read_text(project.root, path, limit=_READ)
    name = posixpath.basename(path)
    if text is None:
        return True
    if name.startswith(".env"):
        lines = (line.strip().removeprefix("export ") for line in text.splitlines() if "=" in line)
        return any(may_be_secret(*line.split("=", 1)) for line in lines if not line.startswith("#"))
    return not name.endswith((".pem", ".key")) or _PRIVATE_KEY.search(text) is not None
