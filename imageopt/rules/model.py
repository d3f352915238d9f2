"""A rule as its TOML file states it, and a finding as a rule makes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from imageopt.evidence.model import Evidence
    from imageopt.image.model import Fate

Severity = Literal["error", "warning", "info", "style", "off"]
Confidence = Literal["high", "medium", "low"]
Safety = Literal["safe", "verify", "propose"]
Basis = Literal["exact", "estimate", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "style", "off")  # gravest first


class Location(Struct, frozen=True):
    """A place in a file of the project; lines and columns start at 1, columns count characters.

    `end_column` is the one behind the last character, None where only lines are known.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int | None = None


class Saving(Struct, frozen=True):
    """Unpacked bytes that the fix would save; None where nothing can be said (`unknown`)."""

    bytes: int | None
    basis: Basis


class EvidencePath(Struct, frozen=True):
    """A path in the image (a folder stands for all below it) and its bytes."""

    path: str
    bytes: int


class TextEdit(Struct, frozen=True):
    """Replaces what stands from one place of the finding's file up to another; places as in `Location`."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(Struct, frozen=True):
    """How it is mended: `transform` names the transformation of `rewrite/` that does it, None for advice only.

    `edits`, where they were worked out, mend this one finding and were tried.
    """

    kind: Literal["automatic", "manual"]
    transform: str | None
    safety: Safety
    text: str
    edits: tuple[TextEdit, ...] = ()


class Finding(Struct, frozen=True):
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


class Suppressed(Struct, frozen=True):
    """A finding that does not count, by whose word (`a comment`, `a waiver`), why, and until which day."""

    finding: Finding
    by: str
    reason: str
    until: date | None


class Left(Struct, frozen=True):
    """A file that an example's image holds: the Dockerfile's line that brings it in, and the one that hides it.

    Files with the same `content` are alike; one without is like no other.
    """

    line: int
    path: str
    bytes: int
    fate: Fate = "live"
    until: int = 0
    content: str = ""


class Example(Struct, frozen=True):
    """A Dockerfile of a rule file: `kind` says whether the rule must fire on it.

    `files` are the project's, path to text; `leaves` what its image holds. Without them there is no project, no image.
    """

    kind: Literal["bad", "good", "tricky"]
    dockerfile: str
    note: str
    files: Mapping[str, str] = field(default_factory=dict)
    leaves: tuple[Left, ...] = ()


class Match(Struct, frozen=True):
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


class Rule(Struct, frozen=True):
    """One file `rules/<category>/<name>.toml`.

    `check` names a function of `rules/checks/`; `message` may use {size}, {files} and {top} of a measured finding.
    `wants_image` and `wants_project`: it may be silent for want of them, as its message and its examples tell.
    `words` are runs of small letters: a Dockerfile alone that has none of them gives the rule nothing to find, so it is
    not asked. None: it always is.
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
    words: tuple[str, ...] | None = None


class Target(Struct, frozen=True):
    """What was analysed. `source` and `digest` are None where no image was read.

    `folder` is the project's as seen from the current one, None where it is not below it.
    """

    kind: Literal["image", "dockerfile", "project"]
    reference: str
    source: str | None
    digest: str | None
    platform: str | None
    folder: str | None = None


class Summary(Struct, frozen=True):
    """`saving_bytes` is the union of the exact byte sets of all findings; estimates are summed apart."""

    findings: dict[str, int]  # severity -> count, zero counts left out
    saving_bytes: int
    estimated_saving_bytes: int
    suppressed: int = 0


class Analysis(Struct, frozen=True):
    """The result of `imageopt analyze`. `notes` are things the user must know, such as "no image: sizes unknown".

    `day` is the one that ends of life and waivers were judged by; None where nothing was judged.
    """

    target: Target
    evidence: Evidence
    findings: tuple[Finding, ...]
    summary: Summary
    notes: tuple[str, ...]
    seconds: float
    suppressed: tuple[Suppressed, ...] = ()
    day: date | None = None
