"""The verdicts in their order, on sides made by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from imagebuilder import file
from imageof import image_of
from msgspec.structs import replace
from verify.conftest import RUN as QUIET

from imageopt.build.model import BuildFailed, Built
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.model import Packages, SystemPackage
from imageopt.verify.comparison import compare_sides
from imageopt.verify.model import Check, NotDone, Response, ScanRecord, Side, Vulnerability
from imageopt.verify.request import VerifyRequest
from imageopt.verify.verdict import decide, grew_too_much
from imageopt.verify.verify import judge

FAILED = BuildFailed("[2/2] RUN false", "exit code: 1", 1.0, ())
RUN = replace(QUIET, user="1000:1000", responses=(Response("GET", "/", 200, "text/html", 3, "sha256:a", ()),))
DEAD = replace(RUN, started=False, reason="it ended with exit code 1", responses=())
SCAN = ScanRecord("Trivy", "1", None, (), (), (), (), {})


def evidence(size: int) -> Evidence:
    return Evidence(
        image=image_of([file("app/a", b"x" * size)]),
        dockerfile=None,
        dockerfile_path="Dockerfile",
        project=None,
        base=BaseImage(0, "guessed", None),
        origins=(),
        classes=(),
        composition=(),
    )


def vulnerable(*ids: str, package: str = "lodash") -> ScanRecord:
    return replace(SCAN, vulnerabilities=tuple(Vulnerability(i, package, "1", "2", "HIGH", "npm") for i in ids))


def aliased(name: str, alias: str) -> ScanRecord:
    found = Vulnerability(name, "lodash", "1", "2", "HIGH", "npm", (alias,))
    return replace(SCAN, vulnerabilities=(found,))


def system(distribution: str, package: str) -> ScanRecord:
    found = Vulnerability("CVE-1", package, "1", "2", "HIGH", "os")
    return replace(SCAN, vulnerabilities=(found,), system=distribution)


def failing(detail: str, *, varies: bool = False) -> tuple[Check, ...]:
    return (Check("HEALTHCHECK", False, detail, "", lasting=True, varies=varies),)


GOOD = Side(
    dockerfile="FROM x",
    build=Built("sha256:1", "t", 1.0, 3, 0, ()),
    rebuild=Built("sha256:2", "t", 1.0, 3, 2, ()),
    evidence=evidence(200_000),
    findings=(),
    run=RUN,
    scan=SCAN,
)
ALWAYS = ("requests other than those listed, and the code that only they reach", "platforms other than linux/amd64")
Values = Mapping[str, Any]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "reason"),
    [
        ({}, {}, "verified", "both versions built, started and gave the same answer to 1 request"),
        ({"build": FAILED}, {}, "baseline-broken", "before does not build in [2/2] RUN false: exit code: 1"),
        ({"run": DEAD}, {"build": FAILED}, "baseline-broken", "before does not start: it ended with exit code 1"),
        ({}, {"build": FAILED, "run": NotDone("")}, "broken", "after does not build in [2/2] RUN false: exit code: 1"),
        (
            {"build": replace(FAILED, explanation="a file is missing")},
            {},
            "baseline-broken",
            "before does not build in [2/2] RUN false: exit code: 1 (a file is missing)",
        ),
        ({}, {"run": DEAD}, "broken", "after does not start: it ended with exit code 1"),
        (
            {},
            {"rebuild": FAILED},
            "broken",
            "after does not build any more once a source file is changed, as before does: exit code: 1",
        ),
        (
            {"rebuild": FAILED},
            {"rebuild": FAILED},
            "verified",
            "both versions built, started and gave the same answer to 1 request",
        ),
        (
            {},
            {"run": replace(RUN, responses=()), "scan": vulnerable("CVE-1")},
            "behaviour-changed",
            "GET /: it answered before (200 text/html, 3 bytes, a -> no answer)",
        ),
        ({}, {"scan": vulnerable("CVE-1")}, "less-secure", "CVE-1 (HIGH) comes in with lodash 1"),
        (
            {"scan": vulnerable("CVE-1")},
            {"scan": vulnerable("CVE-1", package="other")},
            "less-secure",
            "CVE-1 (HIGH) comes in with other 1",
        ),
        (
            {"scan": system("debian 12.8", "libssl3")},
            {"scan": system("debian 12.8", "openssl")},
            "less-secure",
            "CVE-1 (HIGH) comes in with openssl 1",
        ),
        ({}, {"scan": replace(SCAN, secrets=("key /x",))}, "less-secure", "a secret comes in: key /x"),
        ({}, {"run": replace(RUN, user="0:0")}, "less-secure", "it runs as root, and ran as 1000:1000 before"),
        ({}, {"evidence": evidence(300_000)}, "not-smaller", "unpacked size grew by 100 kB, from 200 kB"),
        ({}, {"run": NotDone("no engine")}, "built-not-run", "after was not run: no engine"),
        ({}, {"evidence": None}, "built-not-run", "the image of after could not be read"),
        (
            {"run": replace(RUN, responses=())},
            {"run": replace(RUN, responses=())},
            "built-not-run",
            "nothing that the program answers could be compared",
        ),
        (
            {"run": replace(RUN, checks=failing("exit code 1", varies=True))},
            {"run": replace(RUN, checks=failing("exit code 1"))},
            "built-not-run",
            "HEALTHCHECK fails in before too, but not alike (exit code 1, now and then -> exit code 1)",
        ),
        (
            {"run": replace(RUN, reason="while it was asked it ended")},
            {"run": replace(RUN, reason="while it was asked it ended")},
            "built-not-run",
            "before did not stay: while it was asked it ended",
        ),
    ],
)
def test_the_first_verdict_that_matches_wins(before: Values, after: Values, verdict: str, reason: str) -> None:
    sides = replace(GOOD, **before), replace(GOOD, **after)
    comparison, _ = compare_sides(*sides)
    found, reasons = decide(*sides, comparison)
    assert (found, reasons[0]) == (verdict, reason)


@pytest.mark.parametrize(
    ("after", "alone"),
    [
        ({}, "after, judged alone, builds and starts"),
        ({"run": DEAD}, "after, judged alone, does not start: it ended with exit code 1"),
        ({"run": NotDone("x")}, "after, judged alone, builds, and was not run"),
    ],
)
def test_after_is_judged_alone_where_the_baseline_is_broken(after: Values, alone: str) -> None:
    sides = replace(GOOD, build=FAILED), replace(GOOD, **after)
    assert decide(*sides, compare_sides(*sides)[0])[1][1] == alone


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"scan": aliased("GHSA-1", "CVE-1")}, {"scan": vulnerable("CVE-1")}),  # another name for the same
        (
            {"scan": system("debian 12.8", "libssl3")},
            {"scan": system("alpine 3.20", "openssl")},
        ),  # another distribution's
        ({"scan": system("debian 12.8", "libssl3")}, {"scan": system("debian 12.9", "libssl3")}),
        ({"scan": vulnerable("CVE-1")}, {"scan": SCAN}),
        ({}, {"evidence": evidence(201_000)}),
        ({"run": replace(RUN, user="0:0")}, {"run": replace(RUN, user="0:0")}),
        ({"run": replace(RUN, user="0:0")}, {}),
        ({"scan": NotDone("x")}, {"scan": vulnerable("CVE-1")}),
    ],
)
def test_these_are_verified(before: Values, after: Values) -> None:
    sides = replace(GOOD, **before), replace(GOOD, **after)
    assert decide(*sides, compare_sides(*sides)[0])[0] == "verified"


@pytest.mark.parametrize(
    ("before", "after", "too_much"),
    [
        (0, 65_536, False),
        (0, 65_537, True),
        (100_000_000, 100_100_000, False),
        (100_000_000, 100_100_001, True),
        (10, 5, False),
    ],
)
def test_a_little_growth_is_tolerated(before: int, after: int, too_much: bool) -> None:
    assert grew_too_much(before, after) is too_much


def test_a_missing_scan_is_among_the_reasons_and_what_was_not_checked() -> None:
    sides = GOOD, replace(GOOD, scan=NotDone("Trivy is not installed"))
    comparison, unchecked = compare_sides(*sides)
    verdict, reasons = decide(*sides, comparison)
    assert verdict == "verified"
    assert "not scanned: Trivy is not installed" in reasons
    assert unchecked == ("the scan of after: Trivy is not installed", *ALWAYS)
    assert comparison.fixed == comparison.introduced == ()


def test_advisories_are_fixed_introduced_or_unchanged() -> None:
    sides = replace(GOOD, scan=vulnerable("CVE-1", "CVE-2")), replace(GOOD, scan=vulnerable("CVE-2", "CVE-3"))
    comparison, _ = compare_sides(*sides)
    assert [found.id for found in comparison.fixed] == ["CVE-1"]
    assert [found.id for found in comparison.introduced] == ["CVE-3"]
    assert [found.id for found in comparison.unchanged] == ["CVE-2"]


def test_findings_of_the_scanner_come_and_go() -> None:
    old = replace(SCAN, secrets=("a", "b"), licenses=("GPL",), misconfigurations=("DS-1",))
    new = replace(SCAN, secrets=("b",), licenses=("MIT",), misconfigurations=("DS-2",))
    comparison, _ = compare_sides(replace(GOOD, scan=old), replace(GOOD, scan=new))
    assert (comparison.secrets_fixed, comparison.secrets_introduced) == (("a",), ())
    assert (comparison.licenses_removed, comparison.licenses_added) == (("GPL",), ("MIT",))
    assert (comparison.misconfigurations_fixed, comparison.misconfigurations_introduced) == (("DS-1",), ("DS-2",))


def test_a_rebuild_that_failed_is_named_and_counts_nothing() -> None:
    comparison, unchecked = compare_sides(replace(GOOD, rebuild=FAILED), replace(GOOD, rebuild=NotDone("switched off")))
    assert comparison.cached_steps == (None, None)
    assert unchecked == ("the rebuild of before: exit code: 1", "the rebuild of after: switched off", *ALWAYS)


def test_what_no_run_can_tell_is_said() -> None:
    assert compare_sides(GOOD, GOOD)[1] == ALWAYS
    job = replace(GOOD, run=replace(RUN, port=None), evidence=None)
    assert compare_sides(job, job)[1] == ()


def test_bases_of_two_distributions_are_not_scanned_alike() -> None:
    def of(manager: Literal["dpkg", "apk"]) -> Side:
        assert GOOD.evidence is not None
        assert GOOD.evidence.image is not None
        package = SystemPackage(manager, "tzdata", "1", "tzdata", 1, 0, False, (), ())
        image = replace(GOOD.evidence.image, packages=Packages((), (package,), {}))
        return replace(GOOD, evidence=replace(GOOD.evidence, image=image))

    words = "the two bases are of different distributions, whose advisories do not cover the same things"
    assert words in compare_sides(of("dpkg"), of("apk"))[1]
    assert words not in compare_sides(of("dpkg"), of("dpkg"))[1]


def test_the_verification_measures_what_was_saved() -> None:
    request = VerifyRequest(Path(), "Dockerfile", b"", reference="shop")
    result = judge(request, GOOD, replace(GOOD, evidence=evidence(50_000)))
    assert (result.reference, result.verdict, result.measured_bytes) == ("shop", "verified", 150_000)
    assert result.predicted_bytes is None
    assert "the image is 150 kB smaller" in result.reasons


def test_a_first_dockerfile_is_judged_alone_and_never_verified() -> None:
    gone = NotDone("there was no Dockerfile before")
    before = Side("", gone, gone, None, (), gone, gone)
    for after, told in ((GOOD, "builds and starts"), (replace(GOOD, run=NotDone("x")), "builds, and was not run")):
        result = judge(VerifyRequest(Path(), "Dockerfile", None), before, after)
        assert result.verdict == "built-not-run"
        assert result.reasons == (
            "there was no Dockerfile before: nothing could be compared",
            f"after, judged alone, {told}",
        )
    assert judge(VerifyRequest(Path(), "Dockerfile", None), before, replace(GOOD, run=DEAD)).verdict == "broken"


@pytest.mark.parametrize(
    ("severity", "verdict"), [("critical", "verified"), ("high", "less-secure"), ("medium", "less-secure")]
)
def test_what_is_less_grave_than_the_severity_that_counts_is_let_in(severity: str, verdict: str) -> None:
    after = replace(GOOD, scan=vulnerable("CVE-1"))
    comparison, _ = compare_sides(GOOD, after, severity)
    found, reasons = decide(GOOD, after, comparison)
    assert found == verdict
    if verdict == "verified":
        assert "1 vulnerabilities below critical and no secret came in; 0 vulnerabilities are gone" in reasons


def test_a_change_of_the_distribution_is_noted() -> None:
    sides = replace(GOOD, scan=system("debian 12.8", "a")), replace(GOOD, scan=system("alpine 3.20", "a"))
    words = "debian 12.8 became alpine 3.20, whose advisories do not cover the same things"
    assert words in compare_sides(*sides)[1]


def test_a_check_that_fails_in_both_alike_is_among_the_reasons() -> None:
    side = replace(GOOD, run=replace(RUN, checks=failing("exit code 1")))
    verdict, reasons = decide(side, side, compare_sides(side, side)[0])
    assert verdict == "verified"
    assert "in both versions alike these fail: HEALTHCHECK" in reasons


def test_a_request_without_an_answer_is_among_the_reasons() -> None:
    side = replace(GOOD, run=replace(RUN, unanswered=("/events",)))
    verdict, reasons = decide(side, side, compare_sides(side, side)[0])
    assert verdict == "verified"
    assert "1 request had no answer, or not always, before" in reasons
