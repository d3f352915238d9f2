"""The words for numbers: a limit and what is held against it must not look the same where they differ."""

import pytest

from imageopt.report.words import headline, limit_and_value


@pytest.mark.parametrize(
    ("name", "limit", "value", "shown"),
    [
        ("unpacked", 400_000_000, 300_000_000, ("400 MB", "300 MB")),
        ("unpacked", 14_200_000, 14_205_091, ("14200000 B", "14205091 B")),
        ("unpacked", 14_200_000, 14_200_000, ("14.2 MB", "14.2 MB")),
        ("growth.download", 14_200_000, 14_205_091, ("14200000 B", "14205091 B")),
        ("wasted", 5.0, 5.0, ("5 %", "5 %")),
        ("wasted", 5.0, 5.00004, ("5 %", "5.00004 %")),
        ("dive.highestUserWastedPercent", 0.1, 0.100004, ("10 %", "10.0004 %")),
        ("build_seconds", 60.0, 60.2, ("60 s", "60.2 s")),
        ("layers", 3, None, ("3", "unknown")),
    ],
)
def test_what_fails_by_little_does_not_look_equal(
    name: str, limit: float, value: float | None, shown: tuple[str, str]
) -> None:
    assert limit_and_value({"name": name, "limit": limit, "value": value}) == shown


@pytest.mark.parametrize(("count", "shown"), [(0, "0 layers"), (1, "1 layer"), (2, "2 layers")])
def test_layers_are_counted(count: int, shown: str) -> None:
    sizes = {"unpacked_bytes": 5, "download_bytes": None}
    document = {
        "image": {"sizes": sizes, "layers": [{}] * count},
        "summary": {"saving_bytes": 0, "estimated_saving_bytes": 0},
    }
    assert headline(document)[0] == f"5 B unpacked, {shown}"
