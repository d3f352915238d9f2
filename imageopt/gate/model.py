"""A budget, and what came of holding an analysis against it."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import Struct, field

_ABOUT_SIZE = ("download", "unpacked", "live", "wasted", "layers", "growth.", "dive.")
SIZES = ("download_bytes", "unpacked_bytes", "live_bytes", "wasted_bytes")


class Tolerance(Struct, frozen=True):
    """How much more than the baseline passes: a share of it in percent, or bytes."""

    percent: float | None = None
    bytes: int | None = None

    def limit(self, baseline: int) -> int:
        """The most that passes, in whole bytes."""
        return baseline + (self.bytes if self.bytes is not None else int(baseline * (self.percent or 0.0) / 100))


class Pardon(Struct, frozen=True):
    """A budget that may fail, or the one thing `id` that it does not count; why, and the last day of it."""

    budget: str
    id: str
    reason: str
    until: date | None


class Baseline(Struct, frozen=True):
    """What an image had before, and where that is known from; a size is None where it was not known."""

    source: str
    sizes: Mapping[str, int | None]  # of SIZES


class Budget(Struct, frozen=True):
    """Each limit is None where none is set; at equality it passes. Waste and `layers` are the author's.

    `denied_licenses` are patterns as of a shell, case aside. `growth` is held against a baseline.
    """

    download_bytes: int | None = None
    unpacked_bytes: int | None = None
    wasted_percent: float | None = None
    layers: int | None = None
    vulnerabilities: Mapping[str, int] = field(default_factory=dict)
    live_bytes: int | None = None
    wasted_bytes: int | None = None
    secrets: int | None = None
    misconfigurations: int | None = None
    denied_licenses: tuple[str, ...] = ()
    build_seconds: float | None = None
    rebuild_seconds: float | None = None
    growth: Tolerance | None = None
    pardons: tuple[Pardon, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return self == Budget(pardons=self.pardons)

    @property
    def is_download_alone(self) -> bool:
        """Whether nothing is limited but the download, which a manifest tells."""
        return self.download_bytes is not None and self == Budget(self.download_bytes, pardons=self.pardons)

    @property
    def wants_scan(self) -> bool:
        """Whether a scanner has to say something."""
        counted = (self.secrets, self.misconfigurations)
        return bool(self.vulnerabilities or self.denied_licenses) or any(limit is not None for limit in counted)


class GateCheck(Struct, frozen=True):
    """One limit. `unknown` is a value that could not be had: it never passes. `waived` is a failure that was pardoned.

    `items` are what was counted, worst first, where that are things with names.
    """

    name: str
    limit: float
    value: float | None
    result: Literal["pass", "fail", "unknown", "waived"]
    reason: str
    items: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the gate may pass with it."""
        return self.result in ("pass", "waived")


class Cause(Struct, frozen=True):
    """What makes the image big: the rule that says so (None for a layer that no rule blames), where, and what to do.

    `file` and `line` are None where the line is not known.
    """

    rule: str | None
    title: str
    bytes: int
    basis: str
    file: str | None
    line: int | None
    fix: str


class Offer(Struct, frozen=True):
    """What `imageopt rewrite` would save, in unpacked bytes; None where it would only be known from a build."""

    bytes: int | None
    basis: str


class GateResult(Struct, frozen=True):
    """All limits of one target; `passed` only if every check holds. `notes` judge nothing.

    `causes` are the biggest of what failed a limit on sizes, `offer` what a rewrite would do about it.
    """

    reference: str
    passed: bool
    checks: tuple[GateCheck, ...]
    notes: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    offer: Offer | None = None
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    baseline: Baseline | None = None

    @property
    def is_too_big(self) -> bool:
        """Whether a limit on bytes or layers does not hold, so that it helps to know where they come from."""
        return any(not check.holds and check.name.startswith(_ABOUT_SIZE) for check in self.checks)
