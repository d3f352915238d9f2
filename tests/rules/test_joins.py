"""One cause told once: what a finding explains is named with it, and counted no second time."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.report.analysis import findings_section
from imageopt.rules.check import check
from imageopt.rules.joins import EXPLAINS, joined
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding, Fix, Location, Saving, Severity
from imageopt.rules.summary import summarise

RULES = load_rules()


def finding(rule: str, *files: int, severity: Severity = "warning", place: Location | None = None) -> Finding:
    return Finding(
        rule=rule,
        code=rule,
        severity=severity,
        confidence="high",
        title=rule,
        message=rule,
        saving=Saving(len(files), "exact"),
        location=place,
        layers=(),
        evidence=(),
        files=files,
        fix=Fix("manual", None, "propose", "x"),
    )


def marks(findings: Sequence[Finding]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.rule, one.explained_by, one.also) for one in joined(findings)]


def at(line: int, column: int, end_column: int | None, end_line: int = 0, file: str = "Dockerfile") -> Location:
    return Location(file, line, column, end_line or line, end_column)


def test_each_name_is_a_rule_s() -> None:
    names = {rule.name for rule in RULES}
    assert {name for cause, symptoms in EXPLAINS.items() for name in (cause, *symptoms)} <= names


def test_the_greater_explains_the_smaller() -> None:
    assert marks([finding("small", 2), finding("big", 1, 2, 3), finding("else", 4)]) == [
        ("small", "big", ()),
        ("big", None, ("small",)),
        ("else", None, ()),
    ]


def test_of_equal_files_the_graver_is_told() -> None:
    assert marks([finding("a", 1), finding("b", 1, severity="error")]) == [("a", "b", ()), ("b", None, ("a",))]
    assert marks([finding("a", 1), finding("b", 1)]) == [("a", None, ("b",)), ("b", "a", ())]


@pytest.mark.parametrize(
    "findings",
    [
        [finding("big", 1, 2, 3), finding("grave", 2, severity="error")],
        [finding("a", 1, 2), finding("b", 2, 3)],
        [finding("a"), finding("b")],
        [],
    ],
    ids=["a graver one is never hidden", "files of both and of each", "no files", "nothing"],
)
def test_nothing_is_marked(findings: list[Finding]) -> None:
    assert list(joined(findings)) == findings


def test_a_chain_is_told_by_its_first_cause() -> None:
    assert marks([finding("a", 1), finding("b", 1, 2), finding("c", 1, 2, 3)]) == [
        ("a", "c", ()),
        ("b", "c", ()),
        ("c", None, ("a", "b")),
    ]


SAME_TEXT = [
    ("the same words", at(5, 5, 19), at(5, 5, 19), True),
    ("one within the other", at(5, 1, 40), at(5, 5, 19), True),
    ("the other within the one", at(5, 5, 19), at(5, 1, 40), True),
    ("several lines", at(5, 1, 4, end_line=8), at(6, 3, 9), True),
    ("an end that is not known", at(5, 1, None), at(5, 30, 40), True),
    ("side by side", at(5, 1, 5), at(5, 5, 9), False),
    ("another line", at(5, 1, 9), at(6, 1, 9), False),
    ("another file", at(5, 1, 9), at(5, 1, 9, file="web/Dockerfile"), False),
    ("no place", at(5, 1, 9), None, False),
]


@pytest.mark.parametrize(
    ("cause", "symptom", "explained"), [row[1:] for row in SAME_TEXT], ids=[r[0] for r in SAME_TEXT]
)
def test_a_cause_explains_what_points_at_the_same_text(
    cause: Location, symptom: Location | None, explained: bool
) -> None:
    found = [finding("shell-form-cmd", place=symptom), finding("npm-start-as-pid1", place=cause)]
    assert [one.explained_by for one in joined(found)] == ["npm-start-as-pid1" if explained else None, None]


def test_a_cause_that_is_less_grave_explains_nothing() -> None:
    place = at(1, 1, 2)
    found = [
        finding("shell-form-cmd", severity="error", place=place),
        finding("npm-start-as-pid1", severity="info", place=place),
    ]
    assert list(joined(found)) == found


def test_counted_bytes_are_not_hidden_behind_a_finding_without_any() -> None:
    place = at(1, 1, 9)
    found = [finding("no-cache-mount", 7, place=place), finding("apt-lists-left", place=place)]
    assert list(joined(found)) == found


def evidence(text: str) -> Evidence:
    return join(None, parse(text.encode()), None)


def test_single_quotes_are_one_problem_and_not_two() -> None:
    found = check(evidence("FROM node:22-slim\nUSER node\nCMD ['node', 'x.js']\n"), RULES, now=date(2026, 3, 1))
    by_rule = {one.rule: one for one in found}
    assert by_rule["shell-form-cmd"].explained_by == "invalid-json-form"
    shown = findings_section(found)
    assert [(one["rule"], one["also"]) for one in shown if one["location"]["line"] == 3] == [
        ("invalid-json-form", ["shell-form-cmd"])
    ]


def test_two_secrets_in_one_line_stay_two() -> None:
    text = "FROM node:22-slim\nUSER node\nENV NPM_TOKEN=npm_0a1b2c3d4e5f6g7h DB_PASSWORD=kx82jQm4\n"
    shown = [one for one in check(evidence(text), RULES, now=date(2026, 3, 1)) if one.explained_by is None]
    assert sum(one.rule in ("npm-token-exposed", "secret-in-arg-or-env") for one in shown) == 2


def test_the_summary_counts_what_is_explained_once(tmp_path: Path) -> None:
    built = join(image(["base", "COPY . ."], [record("app/a", 500, 1), record("app/b", 50, 1)]), None, None)
    found = joined([finding("a", 0, 1), finding("b", 1)])
    summary = summarise(built, found)
    assert summary.findings == {"warning": 1}
    assert summary.saving_bytes == 550


def test_many_findings_are_joined_in_no_time() -> None:
    import time

    many = [finding("npm-start-as-pid1", place=at(line, 1, 9)) for line in range(1, 10_001)]
    more = [replace(one, rule="shell-form-cmd") for one in many]
    started = time.process_time()
    assert sum(one.explained_by is not None for one in joined([*many, *more])) == 10_000
    assert time.process_time() - started < 15
