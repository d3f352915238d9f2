"""The budget: what the configuration sets, with what the command line says on top."""

from imageopt.config import BudgetConfig
from imageopt.errors import UsageError
from imageopt.gate.model import Budget, Pardon, Tolerance
from imageopt.units import parse_bytes, parse_percent


def budget_of(
    config: BudgetConfig,
    *,
    max_download: str | None = None,
    max_unpacked: str | None = None,
    max_live: str | None = None,
    max_wasted: str | None = None,
    max_layers: int | None = None,
    max_growth: str | None = None,
    baseline: str | None = None,
    may_be_empty: bool = False,
) -> Budget:
    """The limits in force. Raises UsageError where there must be one and there is none, or a text is no limit.

    A baseline without a tolerance allows no growth at all.
    """
    wasted = parse_tolerance(max_wasted) if max_wasted else Tolerance(config.wasted, config.wasted_bytes)
    growth = max_growth or config.growth or ("0%" if baseline or config.baseline else None)
    budget = Budget(
        download_bytes=parse_bytes(max_download) if max_download else config.download,
        unpacked_bytes=parse_bytes(max_unpacked) if max_unpacked else config.unpacked,
        wasted_percent=wasted.percent,
        layers=max_layers if max_layers is not None else config.layers,
        vulnerabilities=dict(config.vulnerabilities),
        live_bytes=parse_bytes(max_live) if max_live else config.live,
        wasted_bytes=wasted.bytes,
        secrets=config.secrets,
        misconfigurations=config.misconfigurations,
        denied_licenses=config.denied_licenses,
        build_seconds=config.build_seconds,
        rebuild_seconds=config.rebuild_seconds,
        growth=parse_tolerance(growth) if growth else None,
        pardons=tuple(Pardon(one.budget, one.id, one.reason, one.until) for one in config.ignore),
    )
    if budget.is_empty and not may_be_empty:
        raise UsageError("there is no budget", "set [budget] in imageopt.toml, or say --max-unpacked 800MB")
    return budget


def parse_tolerance(text: str) -> Tolerance:
    """`5%` or `20 MB`. Raises UsageError for anything else."""
    if text.rstrip().endswith("%"):
        return Tolerance(percent=parse_percent(text))
    return Tolerance(bytes=parse_bytes(text))
