"""How checks make findings: the place of an instruction, the bytes of files, the few paths that say most."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.later import Later
from imageopt.rules.model import Basis, Confidence, EvidencePath, Finding, Location, Rule, Saving
from imageopt.units import format_bytes

if TYPE_CHECKING:
    from imageopt.evidence.model import Evidence
    from imageopt.image.model import FileRecord, Image

_SHOWN = 5
_NAMED = 3
_DEPTH = 4  # names of a path that make one line of evidence


class Spot(Protocol):
    """Whatever has its place in the Dockerfile's text: a word, a flag, a command, an instruction."""

    @property
    def start(self) -> int:
        """The offset of its first character in the text."""

    @property
    def end(self) -> int:
        """The offset behind its last character."""


class Span(Struct, frozen=True):
    """A part of the text that is no node of the tree: a rule's match, an option within a word."""

    start: int
    end: int


def location(evidence: Evidence, instruction: Instruction, at: Spot | None = None) -> Location:
    """The place of the spot that matters, or of the whole instruction; a column counts characters, from 1."""
    if evidence.dockerfile is None:
        return Location(evidence.dockerfile_path, instruction.line, 1, instruction.end_line)
    if at is None or isinstance(at, Instruction):
        at = _written(evidence.dockerfile.text, at or instruction)
    return place_of(evidence.dockerfile, evidence.dockerfile_path, at)


def place_of(dockerfile: Dockerfile, path: str, spot: Spot) -> Location:
    """The place of a part of the text."""
    return Location(path, *dockerfile.position(spot.start), *dockerfile.position(spot.end))


def _written(text: str, instruction: Instruction) -> Span:
    """The instruction from its keyword to its last character, without indentation and line end."""
    lines = text[instruction.start : instruction.end]
    return Span(instruction.end - len(lines.lstrip()), instruction.start + len(lines.rstrip()))


def measured(
    evidence: Evidence,
    rule: Rule,
    instruction: Instruction | None,
    files: Sequence[int],
    layers: Iterable[int],
    *,
    basis: Basis = "exact",
    confidence: Confidence = "high",
    at: Spot | None = None,
) -> Finding:
    """A finding about files of the image: `files` are indices into the image's files; `at` is the word that matters."""
    assert evidence.image is not None
    records = [evidence.image.files[index] for index in files]
    size = sum(record.size for record in records)
    top = _top(evidence, evidence.image, records)
    names = ", ".join(item.path for item in top[:_NAMED])
    return Finding(
        rule=rule.name,
        code=rule.code,
        severity=rule.severity,
        confidence=confidence,
        title=rule.title,
        message=rule.message.format(size=format_bytes(size), files=len(records), top=names),
        saving=Saving(size, basis),
        location=location(evidence, instruction, at) if instruction is not None else None,
        layers=tuple(sorted(set(layers))),
        evidence=top,
        files=tuple(files),
        fix=rule.fix,
    )


def stated(
    evidence: Evidence,
    rule: Rule,
    instruction: Instruction | None,
    *,
    message: str | None = None,
    saving: Saving | None = None,
    confidence: Confidence = "high",
    place: Location | None = None,
    at: Spot | None = None,
) -> Finding:
    """A finding about the Dockerfile or the project alone, without files of an image; `at` is the word that matters."""
    return Finding(
        rule=rule.name,
        code=rule.code,
        severity=rule.severity,
        confidence=confidence,
        title=rule.title,
        message=message or (f"{rule.title}." if "{" in rule.message else rule.message),
        saving=saving or Saving(None, "unknown"),
        location=location(evidence, instruction, at) if instruction is not None else place,
        layers=(),
        evidence=(),
        files=(),
        fix=rule.fix,
    )


def _top(evidence: Evidence, image: Image, records: Sequence[FileRecord]) -> tuple[EvidencePath, ...]:
    """The folders with most bytes, biggest first: a package's, else the application's highest that is all of it."""
    from imageopt.image.packages.folder import package_folder

    app = f"{image.config.working_dir.strip('/')}/"
    shared = Later(lambda: _shared_folders(evidence, {record[0] for record in records}))
    folders: dict[str, str | None] = {}  # what the files in a folder count for; None where each is a line of its own
    sizes: dict[str, int] = {}
    for record in records:
        path = record[0]
        holder = path.rpartition("/")[0]
        if holder not in folders:
            folders[holder] = package_folder(path) or _line_of(f"{holder}/", app, shared)
        folder = folders[holder] or path
        sizes[folder] = sizes.get(folder, 0) + record[1]
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    return tuple(EvidencePath(f"/{path}", size) for path, size in ordered)


def _line_of(inside: str, app: str, shared: Later[frozenset[str]]) -> str | None:
    """What files in the folder `inside`, which is in no package, count for; None where each is a line of its own."""
    if app != "/" and inside.startswith(app):
        above = (inside[:at] for at, letter in enumerate(inside) if letter == "/" and at >= len(app))
        return next((name for name in above if name not in shared.get()), None)
    parts = inside.split("/", _DEPTH)
    return "/".join(parts[:_DEPTH]) if len(parts) > _DEPTH else None


def _shared_folders(evidence: Evidence, paths: Container[str]) -> frozenset[str]:
    """The folders of the application that hold other live files than these."""
    found: set[str] = set()
    for path in evidence.application_paths:
        if path not in paths:
            at = path
            while (at := at.rpartition("/")[0]) and at not in found:
                found.add(at)
    return frozenset(found)
