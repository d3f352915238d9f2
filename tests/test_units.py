"""Bytes, percentages and seconds, from and to the words people write."""

import pytest

from imageopt.errors import UsageError
from imageopt.units import format_bytes, format_seconds, parse_bytes, parse_percent


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("17", 17), ("800MB", 800_000_000), ("1.5 GiB", 1_610_612_736), ("1kB", 1000),
     (" 2 kib ", 2048), ("0.1 TB", 10**11)],
)  # fmt: skip
def test_sizes_are_decimal_unless_they_say_otherwise(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1 XB", "1.2.3MB", "1,5 GB", "a lot"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9_994, "9.99 kB"), (9_996, "10.0 kB"), (99_960, "100 kB"),
     (999_499, "999 kB"), (999_500, "1.00 MB"), (2_310_000_000, "2.31 GB"), (-1500, "-1.50 kB"), (10**15, "1000 TB")],
)  # fmt: skip
def test_three_figures_in_decimal_units(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_percentages() -> None:
    assert parse_percent(" 5 %") == 5.0
    for text in ("5", "%", "five%"):
        with pytest.raises(UsageError):
            parse_percent(text)


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (9.9, "9.9 s"), (38.4, "38 s"), (125, "2 min 05 s")])
def test_seconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
