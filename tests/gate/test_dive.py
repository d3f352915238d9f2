"""`.dive-ci` is read as dive reads it, its rules are judged as dive judges, and what dive does not see is told."""

from pathlib import Path
from typing import Any

import pytest
from imagebuilder import Item, file, folder, whiteout
from imageof import image_of

from imageopt.errors import InputError, UsageError
from imageopt.evidence.join import join
from imageopt.gate.check import check_budget
from imageopt.gate.dive import DiveRules, check_dive, find_dive_rules, parse_dive_rules, where_dive_differs
from imageopt.gate.model import Budget
from imageopt.report.analysis import image_section

BASE = [file("base", bytes(50_000))]
APP = [folder("app"), *(file(f"app/{number}", bytes([number]) * 1000) for number in range(30))]

# text, rules
FILES: list[tuple[str, DiveRules]] = [
    ("", DiveRules(0.9, None, 0.1)),
    ("rules:\n", DiveRules(0.9, None, 0.1)),
    (
        "---\n# ours\nrules:\n  lowestEfficiency: 0.95  # of 1\n\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.20\n",
        DiveRules(0.95, 20_000_000, 0.2),
    ),
    ("rules:\n    lowestEfficiency: '0.5'\n    highestWastedBytes: \"1.5 GiB\"\n", DiveRules(0.5, 1_610_612_736, 0.1)),
    ("rules:\r\n  lowestEfficiency: disabled\r\n  highestUserWastedPercent: Off\r\n", DiveRules(None, None, None)),
    ("rules:\n  lowestEfficiency: false\n  highestUserWastedPercent: ''\n", DiveRules(None, None, None)),
    ("rules:\n  lowestEfficiency:\n  highestUserWastedPercent:  # dive keeps its default\n", DiveRules(0.9, None, 0.1)),
    ("rules:\n  highestWastedBytes: 1,000\n  lowestEfficiency: 1\n", DiveRules(1.0, 1000, 0.1)),
    ("rules:\n  highestWastedBytes: 20m\n", DiveRules(0.9, 20_000_000, 0.1)),
    ("rules:\n  highestWastedBytes: 0\n", DiveRules(0.9, 0, 0.1)),
    (
        "rules:\n  lowest-efficiency: 0.5\n  highest-wasted-bytes: 1kB\n  highest-user-wasted-percent: 0.3\n",
        DiveRules(0.5, 1000, 0.3),
    ),
]

# text, words of the error
WRONG: list[tuple[str, str]] = [
    ("lowestEfficiency: 0.9\n", "line 1 is not under `rules:`"),
    ("rules:\n  lowestEfficency: 0.9\n", "line 2: dive has no rule 'lowestEfficency'"),
    ("rules: {lowestEfficiency: 0.9}\n", "line 1 is more YAML than is read here"),
    ("rules:\n  - lowestEfficiency\n", "line 2 is more YAML than is read here"),
    ("rules:\n  lowestEfficiency: &anchor 0.9\n", "line 2 is more YAML than is read here"),
    ("rules:\n  lowestEfficiency: 90\n", "lowestEfficiency is '90'"),
    ("rules:\n  highestUserWastedPercent: 10%\n", "highestUserWastedPercent is '10%'"),
    ("rules:\n  lowestEfficiency: nan\n", "lowestEfficiency is 'nan'"),
    ("rules:\n  highestWastedBytes: much\n", "highestWastedBytes is 'much'"),
    ("rules:\n  highestWastedBytes: 20 parsecs\n", "highestWastedBytes is '20 parsecs'"),
    ("rules:\n  highestWastedBytes: 1.2.3MB\n", "highestWastedBytes is '1.2.3MB'"),
]


@pytest.mark.parametrize(("text", "rules"), FILES)
def test_the_rules_of_a_file(text: str, rules: DiveRules) -> None:
    assert parse_dive_rules(text) == rules


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_not_understood_is_never_ignored(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"\.dive-ci") as raised:
        parse_dive_rules(text)
    assert words in raised.value.cause


def test_the_first_folder_with_the_file_counts(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    assert find_dive_rules(inner, tmp_path) is None
    (tmp_path / ".dive-ci").write_text("rules:\n  highestWastedBytes: 1kB\n")
    assert find_dive_rules(inner, tmp_path) == DiveRules(0.9, 1000, 0.1)
    (inner / ".dive-ci").write_bytes(
        b"\xef\xbb\xbfrules:\r\n  highestWastedBytes: 2kB\r\n"
    )  # as editors of Windows write
    assert find_dive_rules(inner, tmp_path) == DiveRules(0.9, 2000, 0.1)
    (inner / ".dive-ci").write_bytes(b"rules:\n  highestWastedBytes: \xff\n")
    with pytest.raises(InputError, match="cannot be read"):
        find_dive_rules(inner, tmp_path)


def document(*layers: list[Item]) -> dict[str, Any]:
    image = image_section(join(image_of(*layers), None, None))
    assert image is not None
    return image


# layers, rules, results in dive's order of rules
JUDGED: list[tuple[str, list[list[Item]], DiveRules, list[str]]] = [
    ("a deleted folder", [BASE, APP, [whiteout("app")]], DiveRules(1.0, 0, 0.0), ["pass", "pass", "pass"]),
    ("a deleted file", [BASE, APP, [whiteout("app/1")]], DiveRules(0.99, 999, 0.03), ["fail", "fail", "fail"]),
    ("at the limit", [BASE, APP, [whiteout("app/1")]], DiveRules(0.9875, 1000, 1 / 30), ["pass", "pass", "pass"]),
    ("rules that are off", [BASE, APP], DiveRules(None, 0, None), ["pass"]),
    ("one layer: nothing by nothing", [BASE], DiveRules(0.9, None, 0.0), ["pass", "pass"]),
    ("something by nothing is infinite", [APP, [whiteout("app/1")]], DiveRules(None, None, 1.0), ["fail"]),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "rules", "results"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_a_rule_is_judged_as_dive_does(layers: list[list[Item]], rules: DiveRules, results: list[str]) -> None:
    assert [check.result for check in check_dive(rules, document(*layers))] == results


def test_without_an_image_no_rule_passes() -> None:
    assert {check.result for check in check_dive(DiveRules(0.9, 1, 0.1), None)} == {"unknown"}
    assert list(where_dive_differs(None)) == []


# layers, the sentence
TOLD: list[tuple[str, list[list[Item]], list[str]]] = [
    ("nothing wasted, both agree", [BASE, APP], []),
    ("a deleted file, both agree", [BASE, APP, [whiteout("app/1")]], []),
    (
        "a deleted folder",
        [BASE, APP, [whiteout("app")]],
        [
            "dive says 100 % efficient, 0 B wasted; counted, 30.0 kB deleted later: a folder deleted later is no waste to dive"
        ],
    ),
    (
        "a chown",
        [BASE, APP, [file(item.header.name, item.content, uid=1) for item in APP[1:]]],
        [
            "dive says 72.73 % efficient, 60.0 kB wasted; counted, 30.0 kB stored again unchanged: dive counts the copy that stays, too"
        ],
    ),
]


@pytest.mark.parametrize(("layers", "sentences"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_where_the_two_differ_is_told(layers: list[list[Item]], sentences: list[str]) -> None:
    assert list(where_dive_differs(document(*layers))) == sentences


def test_dives_rules_stand_beside_the_budget_and_fail_the_gate() -> None:
    image = document(BASE, APP, [whiteout("app/1")])
    analysis = {"schema": "imageopt.analysis/1", "target": {"reference": "app"}, "image": image}
    result = check_budget(Budget(unpacked_bytes=80_000), analysis, DiveRules(None, 999, None))
    assert [(check.name, check.result) for check in result.checks] == [
        ("unpacked", "pass"),
        ("dive.highestWastedBytes", "fail"),
    ]
    assert not result.passed
    assert check_budget(Budget(unpacked_bytes=80_000), analysis).passed
