"""A rule as its TOML file states it, and a finding as a rule makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from imageopt.evidence.model import Evidence
    from imageopt.image.model import Fate

Severity = Literal["error", "warning", "info", "style", "off"]
Confidence = Literal["high", "medium", "low"]
Safety = Literal["safe", "verify", "propose"]
Basis = Literal["exact", "estimate", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "style", "off")  # gravest first


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file of the project; lines and columns start at 1, columns count characters.

    `end_column` is the one behind the last character, None where only lines are known.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int | None = None


@dataclass(frozen=True, slots=True)
class Saving:
    """Unpacked bytes that the fix would save; None where nothing can be said (`unknown`)."""

    bytes: int | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """A path in the image (a folder stands for all below it) and its bytes."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replaces what stands from one place of the finding's file up to another; places as in `Location`."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """How it is mended: `transform` names the transformation of `rewrite/` that does it, None for advice only.

    `edits`, where they were worked out, mend this one finding and were tried.
    """

    kind: Literal["automatic", "manual"]
    transform: str | None
    safety: Safety
    text: str
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, broken at one place. `files` are indices into the image's `files`: the exact byte set it is about.

    `location` is None where the line is not known; it is never a guess. `evidence` shows the biggest few paths.
    `fingerprint` is the same wherever the finding moves to; the engine puts it in.
    `explained_by` names the rule whose finding this one only repeats; that one has the names of such in `also`.
    """

    rule: str
    code: str
    severity: Severity
    confidence: Confidence
    title: str
    message: str
    saving: Saving
    location: Location | None
    layers: tuple[int, ...]
    evidence: tuple[EvidencePath, ...]
    files: tuple[int, ...]
    fix: Fix
    fingerprint: str = ""
    explained_by: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that does not count, by whose word (`a comment`, `a waiver`), why, and until which day."""

    finding: Finding
    by: str
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Left:
    """A file that an example's image holds: the Dockerfile's line that brings it in, and the one that hides it.

    Files with the same `content` are alike; one without is like no other.
    """

    line: int
    path: str
    bytes: int
    fate: Fate = "live"
    until: int = 0
    content: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A Dockerfile of a rule file: `kind` says whether the rule must fire on it.

    `files` are the project's, path to text; `leaves` what its image holds. Without them there is no project, no image.
    """

    kind: Literal["bad", "good", "tricky"]
    dockerfile: str
    note: str
    files: Mapping[str, str] = field(default_factory=dict)
    leaves: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule looks for in a Dockerfile without Python: an instruction, and for RUN a command in it.

    `command` and `subcommand` are alternatives; a command matches only if it lacks each `missing_option`. `text` and
    `unless` are regular expressions over the instruction's logical line; a cache mount over one of the folders
    `unless_mount` silences it. `shipped_only`: only in stages whose layers are in the image.
    """

    instruction: str
    command: tuple[str, ...] = ()
    subcommand: tuple[str, ...] = ()
    missing_option: tuple[str, ...] = ()
    unless: str = ""
    unless_mount: tuple[str, ...] = ()
    text: str = ""
    shipped_only: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One file `rules/<category>/<name>.toml`.

    `check` names a function of `rules/checks/`; `message` may use {size}, {files} and {top} of a measured finding.
    `wants_image` and `wants_project`: it may be silent for want of them, as its message and its examples tell.
    """

    name: str
    code: str
    category: str
    severity: Severity
    title: str
    message: str
    what: str
    why: str
    better: str
    when_not: str
    equivalents: tuple[str, ...]
    check: str
    matches: tuple[Match, ...]
    parameters: Mapping[str, Any]
    fix: Fix
    examples: tuple[Example, ...]
    wants_image: bool = False
    wants_project: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What was analysed. `source` and `digest` are None where no image was read.

    `folder` is the project's as seen from the current one, None where it is not below it.
    """

    kind: Literal["image", "dockerfile", "project"]
    reference: str
    source: str | None
    digest: str | None
    platform: str | None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """`saving_bytes` is the union of the exact byte sets of all findings; estimates are summed apart."""

    findings: dict[str, int]  # severity -> count, zero counts left out
    saving_bytes: int
    estimated_saving_bytes: int
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of `imageopt analyze`. `notes` are things the user must know, such as "no image: sizes unknown"."""

    target: Target
    evidence: Evidence
    findings: tuple[Finding, ...]
    summary: Summary
    notes: tuple[str, ...]
    seconds: float
    suppressed: tuple[Suppressed, ...] = ()
