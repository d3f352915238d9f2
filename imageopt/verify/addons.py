"""Checks of native addons -> their families: of several addons, one for each platform, only one is ever loaded."""

from imageopt.compare.loading import family, is_for_one_platform
from imageopt.verify.model import RunRecord


def has_substitute(name: str, record: RunRecord) -> bool:
    """Whether the check is of an addon for one platform, and one for another was loaded instead of it."""
    return is_for_one_platform(name) and addon(name) in loaded(record)


def loaded(record: RunRecord) -> frozenset[str]:
    """The families of the addons that were loaded."""
    return frozenset(addon(check.name) for check in record.checks if check.passed) - {""}


def addon(name: str) -> str:
    """The family of the addon that a check is about; "" for any other check."""
    kind, _, path = name.partition(" ")
    return family(path.lstrip("/")) if kind == "addon" else ""
