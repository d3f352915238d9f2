"""What the gate says of values that are missing, that are waived, and of an image that is too big."""

from datetime import date
from typing import Any

import pytest

from imageopt.config import BudgetConfig
from imageopt.errors import InputError, UsageError
from imageopt.gate.budget import budget_of, parse_tolerance
from imageopt.gate.check import check_budget, check_download
from imageopt.gate.model import Baseline, Budget, Pardon, Tolerance

MB = 10**6
TODAY = date(2026, 11, 26)


def results(budget: Budget, document: dict[str, Any], **more: Any) -> dict[str, str]:
    return {check.name: check.result for check in check_budget(budget, document, now=TODAY, **more).checks}


def test_what_was_not_measured_never_passes(result: dict[str, Any]) -> None:
    everything = Budget(
        download_bytes=MB,
        unpacked_bytes=MB,
        live_bytes=MB,
        wasted_percent=5,
        wasted_bytes=MB,
        layers=1,
        vulnerabilities={"high": 0},
        secrets=0,
        misconfigurations=0,
        denied_licenses=("*",),
        build_seconds=1,
        rebuild_seconds=1,
        growth=Tolerance(percent=1),
    )
    bare = {
        **result,
        "timing": {},
        "after": {**result["after"], "image": None, "scan": {"result": "not-done", "reason": "no Trivy"}},
    }
    found = check_budget(everything, bare)
    assert {check.result for check in found.checks} == {"unknown"}
    assert len(found.checks) == 13
    assert all(check.reason for check in found.checks)
    assert not found.passed
    assert found.causes == ()


def test_an_analysis_has_no_scan_and_no_time(result: dict[str, Any]) -> None:
    analysis = {"schema": "imageopt.analysis/1", "target": {"reference": "a"}, **result["after"]}
    budget = Budget(secrets=0, build_seconds=60)
    assert results(budget, analysis) == {"secrets": "unknown", "build_seconds": "unknown"}
    assert results(budget, analysis, scan=result["after"]["scan"])["secrets"] == "fail"


def test_a_scan_without_a_database_knows_secrets_but_no_vulnerabilities(result: dict[str, Any]) -> None:
    result["after"]["scan"]["has_database"] = False
    budget = Budget(vulnerabilities={"high": 5}, secrets=1)
    assert results(budget, result) == {"vulnerabilities.high": "unknown", "secrets": "pass"}


def test_an_image_without_a_known_base_cannot_be_billed(result: dict[str, Any]) -> None:
    image = result["after"]["image"]
    image |= {"waste_author_bytes": None, "own_unpacked_bytes": None, "base": {"layers": None}}
    for row in image["layers"]:
        row["base"] = None
    assert set(results(Budget(wasted_percent=5, wasted_bytes=MB, layers=9), result).values()) == {"unknown"}
    for own in (0, None):  # nothing is wasted, whoever it would be billed to
        image |= {"waste_author_bytes": 0, "own_unpacked_bytes": own}
        assert results(Budget(wasted_percent=0, wasted_bytes=0), result) == {"wasted": "pass", "wasted_bytes": "pass"}


# the author's waivers -> what comes of `vulnerabilities.high = 0`, how many are counted, what is noted
PARDONS: list[tuple[str, tuple[Pardon, ...], str, int, list[str]]] = [
    ("none", (), "fail", 2, []),
    ("one of two", (Pardon("vulnerabilities.high", "CVE-2026-1", "r", None),), "fail", 1, []),
    (
        "both",
        tuple(Pardon("vulnerabilities.high", f"CVE-2026-{number}", "r", TODAY) for number in (1, 2)),
        "pass",
        0,
        [],
    ),
    (
        "one that expired",
        (Pardon("vulnerabilities.high", "CVE-2026-1", "r", date(2026, 11, 25)),),
        "fail",
        2,
        ["the waiver of vulnerabilities.high CVE-2026-1 expired on 2026-11-25"],
    ),
    (
        "of another severity",
        (Pardon("vulnerabilities.low", "CVE-2026-1", "r", None),),
        "fail",
        2,
        ["the waiver of vulnerabilities.low CVE-2026-1 waives nothing"],
    ),
    ("the whole budget", (Pardon("vulnerabilities.high", "", "we know", date(2027, 1, 1)),), "waived", 2, []),
]


@pytest.mark.parametrize(
    ("pardons", "answer", "counted", "notes"), [row[1:] for row in PARDONS], ids=[row[0] for row in PARDONS]
)
def test_waivers(
    pardons: tuple[Pardon, ...], answer: str, counted: int, notes: list[str], result: dict[str, Any]
) -> None:
    found = check_budget(Budget(vulnerabilities={"high": 0}, pardons=pardons), result, now=TODAY)
    (check,) = found.checks
    assert (check.result, check.value, list(found.notes)) == (answer, counted, notes)
    assert found.passed == (answer != "fail")
    if answer == "waived":
        assert check.reason == "we know (until 2027-01-01)"


def test_a_secret_is_waived_by_its_rule_or_by_its_whole_line(result: dict[str, Any]) -> None:
    for name in ("npm-token", "npm-token /app/.npmrc"):
        assert results(Budget(secrets=0, pardons=(Pardon("secrets", name, "r", None),)), result) == {"secrets": "pass"}


def test_advisories_are_named_with_what_mends_them(result: dict[str, Any]) -> None:
    (check,) = check_budget(Budget(vulnerabilities={"HIGH": 0}), result).checks
    assert check.name == "vulnerabilities.high"
    assert check.items == ("CVE-2026-1 in lib1 1.0, mended in 1.2", "CVE-2026-2 in lib2 1.0, not mended yet")


def test_a_licence_is_denied_whatever_its_case(result: dict[str, Any]) -> None:
    (check,) = check_budget(Budget(denied_licenses=("agpl-3.0*",)), result).checks
    assert (check.result, check.items) == ("fail", ("AGPL-3.0-only",))


def test_the_three_biggest_causes_have_lines_and_fixes(result: dict[str, Any]) -> None:
    causes = check_budget(Budget(unpacked_bytes=MB), result).causes
    assert [(cause.rule, cause.line, cause.bytes, cause.fix) for cause in causes] == [
        ("npm-yarn-pnpm-cache-left", 4, 12 * MB, "mount a cache"),
        ("copied-up-by-chown-chmod", 3, 2 * MB, "COPY --chown"),
    ]
    result["after"]["findings"] = []
    causes = check_budget(Budget(unpacked_bytes=MB), result).causes
    assert [(cause.rule, cause.title, cause.line) for cause in causes] == [
        (None, "RUN npm install", 4),
        (None, "COPY . .", 3),
    ]


def test_a_failure_that_is_not_about_size_names_no_bytes(result: dict[str, Any]) -> None:
    assert check_budget(Budget(secrets=0), result).causes == ()
    assert check_budget(Budget(unpacked_bytes=200 * MB), result).causes == ()


GROWTH: list[tuple[str, Tolerance, dict[str, int | None], dict[str, str]]] = [
    ("as big", Tolerance(percent=0), {"download_bytes": 45 * MB, "unpacked_bytes": 120 * MB}, {"growth.download": "pass", "growth.unpacked": "pass"}),
    ("one byte more", Tolerance(percent=0), {"unpacked_bytes": 120 * MB - 1}, {"growth.unpacked": "fail"}),
    ("smaller", Tolerance(bytes=0), {"unpacked_bytes": 500 * MB}, {"growth.unpacked": "pass"}),
    ("to the byte", Tolerance(bytes=20 * MB), {"unpacked_bytes": 100 * MB}, {"growth.unpacked": "pass"}),
    ("to the percent", Tolerance(percent=20), {"unpacked_bytes": 100 * MB}, {"growth.unpacked": "pass"}),
    ("nothing in common", Tolerance(percent=20), {"unpacked_bytes": None}, {"growth": "unknown"}),
]  # fmt: skip


@pytest.mark.parametrize(("tolerance", "sizes", "answers"), [row[1:] for row in GROWTH], ids=[row[0] for row in GROWTH])
def test_growth(
    tolerance: Tolerance, sizes: dict[str, int | None], answers: dict[str, str], result: dict[str, Any]
) -> None:
    assert results(Budget(growth=tolerance), result, baseline=Baseline("main", sizes)) == answers


def test_growth_without_a_baseline_is_unknown(result: dict[str, Any]) -> None:
    (check,) = check_budget(Budget(growth=Tolerance(percent=1)), result).checks
    assert (check.result, "--update-baseline" in check.reason) == ("unknown", True)


def test_the_command_line_goes_before_the_configuration() -> None:
    config = BudgetConfig(unpacked=5, wasted=3.0, growth="1%", live=7)
    budget = budget_of(config, max_unpacked="6 B", max_wasted="2 MB", max_growth="9 kB", max_live="8 B")
    assert (budget.unpacked_bytes, budget.live_bytes) == (6, 8)
    assert (budget.wasted_percent, budget.wasted_bytes) == (None, 2 * MB)
    assert budget.growth == Tolerance(bytes=9_000)


def test_a_baseline_alone_allows_no_growth() -> None:
    assert budget_of(BudgetConfig(baseline="main.json")).growth == Tolerance(percent=0)
    assert budget_of(BudgetConfig(), baseline="main.json").growth == Tolerance(percent=0)


def test_there_must_be_a_budget() -> None:
    with pytest.raises(UsageError, match="no budget"):
        budget_of(BudgetConfig())
    assert budget_of(BudgetConfig(), may_be_empty=True).is_empty
    with pytest.raises(UsageError):
        parse_tolerance("much")


def test_a_download_alone_is_judged_by_its_size() -> None:
    budget = Budget(download_bytes=10, pardons=(Pardon("download", "", "this once", None),))
    assert budget.is_download_alone
    assert not Budget(download_bytes=10, live_bytes=1).is_download_alone
    assert check_download(budget, "app", 10).checks[0].result == "pass"
    assert check_download(budget, "app", 11).checks[0].result == "waived"
    assert not check_download(Budget(download_bytes=10), "app", 11).passed


def test_another_document_is_refused() -> None:
    with pytest.raises(InputError, match=r"imageopt\.lint"):
        check_budget(Budget(layers=1), {"schema": "imageopt.lint/1"})
