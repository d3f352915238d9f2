"""Bytes and percentages, from and to the words people write. `MB` is 10^6, `MiB` is 2^20."""

from decimal import Decimal

from imageopt.errors import UsageError
from imageopt.lazy_pattern import lazy_pattern

_FACTORS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = lazy_pattern(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_PERCENT = lazy_pattern(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def parse_bytes(text: str) -> int:
    """Bytes in a text such as `800MB`, `1.5 GiB` or `1048576`. Raises UsageError on anything else."""
    match = _SIZE.fullmatch(text)
    factor = _FACTORS.get(match[2].upper()) if match else None
    if match is None or factor is None:
        raise UsageError(f"{text!r} is not a size", "write a number and a unit, such as 800MB or 1.5GiB")
    return int(Decimal(match[1]) * factor)


def parse_percent(text: str) -> float:
    """The number in a text such as `5%`. Raises UsageError on anything else."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a percentage", "write a number and a percent sign, such as 5%")
    return float(match[1])


def format_bytes(count: int) -> str:
    """Decimal units, three significant figures: `2.31 GB`, `842 MB`, `17 B`. Negative counts keep their sign."""
    if abs(count) < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007 (the last one is used below)
        size /= 1000
        if abs(size) < 999.5:  # above, it would be rounded to 1000
            break
    digits = 2 if abs(size) < 9.995 else 1 if abs(size) < 99.95 else 0
    return f"{size:.{digits}f} {unit}"


def format_seconds(seconds: float) -> str:
    """`0.4 s`, `38 s`, `2 min 05 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{int(seconds + 0.5) // 60} min {int(seconds + 0.5) % 60:02d} s"
