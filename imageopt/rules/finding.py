"""How checks make findings: the place of an instruction, the bytes of files, the few paths that say most."""

from collections.abc import Iterable, Sequence

from imageopt.dockerfile.model import Instruction
from imageopt.evidence.model import Evidence
from imageopt.image.packages.npm import package_folder
from imageopt.rules.model import Basis, Confidence, EvidencePath, Finding, Location, Rule, Saving
from imageopt.units import format_bytes

_SHOWN = 5
_NAMED = 3
_DEPTH = 4  # names of a path that make one line of evidence


def location(evidence: Evidence, instruction: Instruction) -> Location:
    """The instruction's place in the Dockerfile."""
    return Location(evidence.dockerfile_path, instruction.line, 1, instruction.end_line)


def measured(
    evidence: Evidence,
    rule: Rule,
    instruction: Instruction | None,
    files: Sequence[int],
    layers: Iterable[int],
    *,
    basis: Basis = "exact",
    confidence: Confidence = "high",
) -> Finding:
    """A finding about files of the image: `files` are indices into the image's files."""
    assert evidence.image is not None
    records = [evidence.image.files[index] for index in files]
    size = sum(record.size for record in records)
    top = _top((record.path, record.size) for record in records)
    names = ", ".join(item.path for item in top[:_NAMED])
    return Finding(
        rule=rule.name,
        code=rule.code,
        severity=rule.severity,
        confidence=confidence,
        title=rule.title,
        message=rule.message.format(size=format_bytes(size), files=len(records), top=names),
        saving=Saving(size, basis),
        location=location(evidence, instruction) if instruction is not None else None,
        layers=tuple(sorted(set(layers))),
        evidence=top[:_SHOWN],
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
) -> Finding:
    """A finding about the Dockerfile or the project alone, without files of an image."""
    return Finding(
        rule=rule.name,
        code=rule.code,
        severity=rule.severity,
        confidence=confidence,
        title=rule.title,
        message=message or f"{rule.title}.",
        saving=saving or Saving(None, "unknown"),
        location=location(evidence, instruction) if instruction is not None else place,
        layers=(),
        evidence=(),
        files=(),
        fix=rule.fix,
    )


def _top(sizes: Iterable[tuple[str, int]]) -> tuple[EvidencePath, ...]:
    """The bytes by folder, biggest first: a package's folder where there is one."""
    folders: dict[str, int] = {}
    for path, size in sizes:
        parts = path.split("/")
        folder = package_folder(path) or "/".join(parts[:_DEPTH])
        folders[folder] = folders.get(folder, 0) + size
    ordered = sorted(folders.items(), key=lambda item: (-item[1], item[0]))
    return tuple(EvidencePath(f"/{path}", size) for path, size in ordered)
