"""The budget: what the configuration sets, with what the command line says on top."""

from imageopt.config import BudgetConfig
from imageopt.errors import UsageError
from imageopt.gate.model import Budget
from imageopt.units import parse_bytes, parse_percent


def budget_of(
    config: BudgetConfig,
    *,
    max_download: str | None = None,
    max_unpacked: str | None = None,
    max_wasted: str | None = None,
    max_layers: int | None = None,
    may_be_empty: bool = False,
) -> Budget:
    """The limits in force. Raises UsageError where there must be one and there is none, or a text is no limit."""
    budget = Budget(
        download_bytes=parse_bytes(max_download) if max_download else config.download,
        unpacked_bytes=parse_bytes(max_unpacked) if max_unpacked else config.unpacked,
        wasted_percent=parse_percent(max_wasted) if max_wasted else config.wasted,
        layers=max_layers if max_layers is not None else config.layers,
        vulnerabilities=config.vulnerabilities,
    )
    limits = (budget.download_bytes, budget.unpacked_bytes, budget.wasted_percent, budget.layers)
    if all(limit is None for limit in limits) and not budget.vulnerabilities and not may_be_empty:
        raise UsageError("there is no budget", "set [budget] in imageopt.toml, or say --max-unpacked 800MB")
    return budget
