"""A budget, and what came of holding an analysis against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Budget:
    """Each limit is None where none is set; at equality it passes. `wasted_percent` and `layers` are the author's."""

    download_bytes: int | None = None
    unpacked_bytes: int | None = None
    wasted_percent: float | None = None
    layers: int | None = None
    vulnerabilities: Mapping[str, int] | None = None

    @property
    def is_download_alone(self) -> bool:
        """Whether nothing is limited but the download, which a manifest tells."""
        others = (self.unpacked_bytes, self.wasted_percent, self.layers)
        return self.download_bytes is not None and all(limit is None for limit in others) and not self.vulnerabilities


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One limit. `result` is `unknown` where the value could not be had; that never passes silently."""

    name: str
    limit: float
    value: float | None
    result: Literal["pass", "fail", "unknown"]
    reason: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """All limits of one target; `passed` only if every check passed. `notes` judge nothing."""

    reference: str
    passed: bool
    checks: tuple[GateCheck, ...]
    notes: tuple[str, ...] = ()
