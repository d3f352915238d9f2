"""The words for numbers: a limit and what is held against it must not look the same where they differ."""

import pytest

from imageopt.report.words import by_category, counted, headline, layers_in_words, limit_and_value, together, where


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


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], ""),
        ([3], "layer 3"),
        ([0, 1], "layers 0-1"),
        ([4, 5, 6], "layers 4-6"),
        ([2, 5], "layers 2, 5"),
        ([2, 5, 9], "layers 2, 5, …"),
    ],
)
def test_layers_are_named_in_few_words(numbers: list[int], words: str) -> None:
    assert layers_in_words(numbers) == words


def test_a_finding_without_a_line_is_told_by_its_layer() -> None:
    assert where({"location": {"file": "Dockerfile", "line": 7}, "layers": [3]}) == "Dockerfile:7"
    assert where({"location": None, "layers": [3]}) == "layer 3"
    assert where({"location": None, "layers": []}) == ""


def test_rows_of_one_category_are_told_as_one() -> None:
    def row(category: str, count: int, layer: int, cause: str | None = None) -> dict[str, object]:
        return {"category": category, "cause": cause, "bytes": count, "layers": [layer]}

    rows = [row("application", 5, 0), row("system-packages", 4, 1, "apt-recommends"), row("system-packages", 3, 2)]
    assert [tuple(each["bytes"] for each in group) for group in by_category(rows)] == [(4, 3), (5,)]
    made = [{"instruction": None}, {"instruction": {"file": "Dockerfile", "line": 9}}, {"instruction": None}]
    assert together(rows[1:], [], made) == ["Dockerfile:9"]
    assert together(rows[1:], [], [{"instruction": None}] * 3) == ["layers 1-2"]


def test_findings_are_counted_by_severity() -> None:
    assert counted({"warning": 2, "error": 1, "info": 4}) == "7 findings: 1 error, 2 warnings, 4 info"
    assert counted({"warning": 1}) == "1 finding: 1 warning"
    assert counted({}) == ""
