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
    """All limits of one target; `passed` only if every check passed."""

    reference: str
    passed: bool
    checks: tuple[GateCheck, ...]
