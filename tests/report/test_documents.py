"""Every document is as its JSON Schema says, and says exactly what its result holds."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from imageopt.compare.model import Compared
from imageopt.gate.model import GateResult
from imageopt.report.analysis import analysis_document
from imageopt.report.candidates import candidate_rows, how_it_ended, not_offered
from imageopt.report.comparison import comparison_document
from imageopt.report.gate import gate_document
from imageopt.report.json_text import dumps
from imageopt.report.lint import lint_document
from imageopt.report.render import render
from imageopt.report.rewrite import rewrite_document
from imageopt.report.verification import verification_document
from imageopt.report.words import outcome
from imageopt.resources import schema_file
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Rewrite
from imageopt.rules.lint import Policies, Source, lint
from imageopt.rules.model import Analysis
from imageopt.verify.best import Search, Tried, not_begun
from imageopt.verify.isolated import AS_IT_STANDS, Isolated
from imageopt.verify.model import NotDone, Verification

MB = 10**6
NAMES = ("analysis-1", "verification-1", "comparison-1", "gate-1", "rewrite-1", "lint-1")
SCHEMAS = {name: json.loads(schema_file(name).read_text()) for name in NAMES}


def check(document: Mapping[str, Any]) -> None:
    name = document["schema"].removeprefix("imageopt.").replace("/", "-")
    Draft202012Validator(SCHEMAS[name]).validate(json.loads(dumps(document)))


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas_and_leave_nothing_open(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    open_objects = [
        found for found in _objects(SCHEMAS[name]) if "additionalProperties" not in found and "properties" in found
    ]
    assert open_objects == []


def test_an_image_and_a_finding_are_the_same_wherever_they_stand() -> None:
    """Each schema stands alone, so that any validator can use it; what they share is repeated, and held equal here."""
    shared = SCHEMAS["verification-1"]["$defs"]
    assert {name: shared[name] for name in SCHEMAS["analysis-1"]["$defs"]} == SCHEMAS["analysis-1"]["$defs"]
    linted = SCHEMAS["lint-1"]["$defs"]
    assert linted == {name: shared[name] for name in linted}
    compared = SCHEMAS["comparison-1"]["$defs"]
    names = ("bytes", "bytes_or_unknown", "texts", "tool", "layer", "line")
    assert {name: shared[name] for name in names} == {name: compared[name] for name in names}


def _objects(value: Any) -> list[dict[str, Any]]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(found for child in children for found in _objects(child))]


def test_an_analysis_is_as_its_schema_says(analysis: Analysis, analysis_without_image: Analysis) -> None:
    check(analysis_document(analysis))
    check(analysis_document(analysis_without_image))


def test_a_verification_is_as_its_schema_says(verification: Verification, broken: Verification) -> None:
    check(verification_document(verification, 12.0))
    check(verification_document(broken, 12.0))


def test_a_comparison_is_as_its_schema_says(compared: Compared) -> None:
    document = comparison_document(compared)
    check(document)
    unpacked = document["sizes"]["unpacked_bytes"]
    assert (
        unpacked["delta"] == unpacked["after"] - unpacked["before"] == sum(row["delta"] for row in document["causes"])
    )


def test_a_rewrite_is_as_its_schema_says(rewrite: Rewrite) -> None:
    check(rewrite_document(rewrite, "shop"))
    check(rewrite_document(replace(rewrite, outcome="nothing", changes=(), predicted_bytes=None), "shop"))


def test_candidates_are_as_the_schema_says_before_and_after_a_search(
    rewrite: Rewrite, verification: Verification
) -> None:
    rungs = (Candidate("surgical", "mended", rewrite), Candidate("alpine", "musl", None, "sharp needs glibc"))
    document = rewrite_document(rewrite, "shop", not_begun(rungs, ""))
    check(document)
    assert candidate_rows(document) == [
        ("candidate", "predicted", "what came of it"),
        ("surgical", "300 MB", "mended"),
    ]
    assert not_offered(document) == [("alpine", "sharp needs glibc")]
    assert how_it_ended(document) == ""
    best = Tried(rungs[0], replace(verification, verdict="verified"))
    worse = Tried(replace(rungs[0], name="slim"), verification)
    document = rewrite_document(
        rewrite, "shop", Search((best, worse, Tried(rungs[1], None, "no")), best, "that is all")
    )
    check(document)
    _, *rows = candidate_rows(document)
    assert rows[0] == ("surgical (the best)", "300 MB", "310 MB", "90.0 MB", "verified")
    assert rows[1][4] == "behaviour-changed: GET /<b> answered 500 instead of 200"
    assert how_it_ended(document) == "surgical is kept: that is all"
    for format_ in ("terminal", "markdown", "html"):
        assert "surgical is kept: that is all" in render(document, format_, color=False, width=100, plain=False)
    none = rewrite_document(rewrite, "shop", not_begun(rungs[1:], ""))
    assert candidate_rows(none) == not_offered(none) == []
    single = Candidate("surgical", "mended", replace(rewrite, transformed=rewrite.transformed[:1]))
    document = rewrite_document(
        rewrite, "shop", Search((this := replace(best, candidate=single),), this, "that is all")
    )
    check(document)
    alone = f"{rewrite.transformed[0].name} alone saves 310 MB, 300 MB predicted (surgical beside {AS_IT_STANDS})"
    assert how_it_ended(document) == f"surgical is kept: that is all; {alone}"


def test_candidates_say_what_is_known_and_a_reason_once(rewrite: Rewrite) -> None:
    unknown = Candidate("surgical", "mended", replace(rewrite, predicted_bytes=None))
    refused = tuple(Candidate(name, name, None, "there is no lock file") for name in ("slim", "alpine"))
    document = rewrite_document(rewrite, "shop", not_begun((unknown, *refused), ""))
    assert candidate_rows(document) == [("candidate", "what came of it"), ("surgical", "mended")]
    assert not_offered(document) == [("slim, alpine", "there is no lock file")]
    for format_ in ("terminal", "markdown", "html"):
        text = render(document, format_, color=False, width=100, plain=False)
        assert text.count("there is no lock file") == 1
        assert "slim, alpine: there is no lock file" in text


def test_what_earlier_proofs_say_stands_beside_the_prediction(rewrite: Rewrite, verification: Verification) -> None:
    assert "MB by" not in outcome(rewrite_document(rewrite, "shop"))
    document = rewrite_document(replace(rewrite, expected_bytes=280_000_000, expected_by=3), "shop")
    check(document)
    assert outcome(document).endswith("; 280 MB by 3 earlier proofs of such changes)")
    alone = Isolated(rewrite.transformed[0].name, ("slim", "alpine"), None, 5_000_000)
    document = verification_document(replace(verification, rewrite=rewrite, isolated=(alone,)), 1.0)
    check(document)
    assert document["prediction"]["transforms"][0]["measured_bytes"] == 5_000_000
    for format_ in ("terminal", "markdown", "html"):
        shown = render(document, format_, color=False, width=100, plain=False)
        assert ("alone saves 5.00 MB" in shown, "alpine beside slim" in shown) == (True, True)


def test_a_gate_is_as_its_schema_says(gate: GateResult) -> None:
    check(gate_document(gate))


def test_the_composition_and_the_layers_add_up(analysis: Analysis) -> None:
    image = analysis_document(analysis)["image"]
    unpacked = image["sizes"]["unpacked_bytes"]
    assert sum(row["bytes"] for row in image["composition"]) == unpacked
    assert sum(layer["unpacked_bytes"] for layer in image["layers"]) == unpacked
    assert sum(layer["wasted_bytes"] for layer in image["layers"]) == image["sizes"]["wasted_bytes"]
    assert [row["bytes"] for row in image["composition"]] == [200 * MB, 100 * MB, 40 * MB, 40 * MB, 20 * MB]


def test_waste_is_billed_to_the_layer_of_death(analysis: Analysis) -> None:
    image = analysis_document(analysis)["image"]
    assert image["waste_author_bytes"] == 60 * MB, "the 10 MB that died within the base image are the base's"
    assert image["own_unpacked_bytes"] == 300 * MB
    assert [layer["base"] for layer in image["layers"]] == [True, False, False, False, False]


def test_without_a_known_base_nothing_is_said_of_the_author(analysis: Analysis) -> None:
    evidence = replace(
        analysis.evidence, base=replace(analysis.evidence.base, layers=None, decided_by="unknown"), origins=()
    )
    document = analysis_document(replace(analysis, evidence=evidence))
    check(document)
    image = document["image"]
    assert image["waste_author_bytes"] is None
    assert image["own_unpacked_bytes"] is None
    assert {layer["base"] for layer in image["layers"]} == {None}
    assert {layer["instruction"] for layer in image["layers"]} == {None}


def test_where_nothing_is_wasted_the_author_wasted_nothing(analysis: Analysis) -> None:
    assert analysis.evidence.image is not None
    clean = replace(
        analysis.evidence.image, layers=tuple(replace(layer, hid_bytes=0) for layer in analysis.evidence.image.layers)
    )
    base = replace(analysis.evidence.base, layers=None, decided_by="unknown")
    evidence = replace(analysis.evidence, image=clean, base=base, origins=())
    assert analysis_document(replace(analysis, evidence=evidence))["image"]["waste_author_bytes"] == 0


def test_a_layer_names_its_instruction_or_none(analysis: Analysis) -> None:
    layers = analysis_document(analysis)["image"]["layers"]
    assert layers[2]["instruction"] == {"file": "Dockerfile", "line": 3, "end_line": 3, "text": "COPY . ."}
    assert layers[3]["instruction"] is None


def test_values_named_like_secrets_are_not_repeated(analysis: Analysis) -> None:
    text = dumps(analysis_document(analysis))
    assert "hunter22" not in text
    assert "|1 NPM_TOKEN=*** /bin/sh -c npm install" in text


def test_a_name_that_is_not_utf_8_is_escaped_and_its_bytes_stand_beside_it(analysis: Analysis) -> None:
    evidence = analysis_document(analysis)["findings"][0]["evidence"][0]
    assert evidence["path"].endswith("(http://evil)\\xff")
    assert (
        evidence["path_raw"]
        == "L2FwcC9hG1szMW1bYm9sZF08aW1nIHNyYz14IG9uZXJyb3I9YWxlcnQoMSk+fGB4YF0oaHR0cDovL2V2aWwp/w=="
    )


def test_the_same_result_gives_the_same_bytes_but_for_the_time(analysis: Analysis, verification: Verification) -> None:
    first = analysis_document(analysis)
    second = analysis_document(replace(analysis, seconds=99.0))
    assert first.pop("timing") != second.pop("timing")
    assert dumps(first) == dumps(second)
    document = verification_document(verification, 1.0)
    assert document["timing"] == {
        "seconds": 1.0,
        "build_seconds": {"before": 93.0, "after": 42.0},
        "rebuild_seconds": {"before": 61.0, "after": 3.5},
        "ready_seconds": {"before": 0.8, "after": 0.8},
        "stop_seconds": {"before": 0.2, "after": 0.2},
        "dependency_rebuild_seconds": {"before": None, "after": None},
        "scan_database_days": {"before": None, "after": None},
        "step_seconds": {"before": [], "after": []},
        "memory_bytes": {"before": None, "after": None},
        "scan_database": {"before": "2026-11-01", "after": "2026-11-01"},
    }
    assert dumps(document).endswith("}\n")


def test_what_was_not_done_says_so_and_why(broken: Verification) -> None:
    document = verification_document(broken, 1.0)
    assert document["before"]["scan"] == {"result": "not-done", "reason": "trivy is not installed"}
    assert document["before"]["rebuild"] == {"result": "not-done", "reason": "there was no image"}
    assert document["before"]["run"]["result"] == "not-started"
    assert document["after"]["build"]["result"] == "failed"
    assert document["after"]["build"]["step"] == "RUN npm ci"
    assert document["after"]["image"] is None
    assert document["comparison"]["unpacked_bytes"] == {"before": None, "after": None, "saved": None, "percent": None}
    assert document["timing"]["rebuild_seconds"] == {"before": None, "after": None}


def test_vulnerabilities_are_counted_by_severity_and_listed_gravest_first(verification: Verification) -> None:
    found = verification_document(verification, 1.0)["before"]["scan"]["vulnerabilities"]
    assert found["by_severity"] == {"critical": 1, "high": 1, "medium": 0, "low": 0, "unknown": 1}
    assert [item["id"] for item in found["advisories"]] == ["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"]


def test_a_scan_without_a_database_is_not_a_scan_without_vulnerabilities(verification: Verification) -> None:
    scan = verification.after.scan
    assert not isinstance(scan, NotDone)
    after = replace(verification.after, scan=replace(scan, database=None))
    document = verification_document(replace(verification, after=after), 1.0)
    assert document["after"]["scan"]["has_database"] is False


@pytest.mark.parametrize(
    ("predicted", "measured", "error"),
    [(300, 310, -3.23), (310, 300, 3.33), (10, -20, 150.0), (None, 310, None), (300, None, None), (300, 0, None)],
)
def test_the_error_of_a_prediction_is_told_in_percent_of_what_was_measured(
    verification: Verification, predicted: int | None, measured: int | None, error: float | None
) -> None:
    changed = replace(verification, predicted_bytes=predicted, measured_bytes=measured)
    prediction = verification_document(changed, 1.0)["prediction"]
    assert prediction["error_percent"] == error
    assert [item["name"] for item in prediction["transforms"]] == ["multi-stage", "run-as-node"]


def test_a_lint_is_as_its_schema_says(tmp_path: Path) -> None:
    text = b"FROM node\n# imageopt ignore=shell-form-cmd; reason=wanted; until=2030-01-01\nCMD x\n# imageopt ignore=a\n"
    document = lint_document(lint([Source("Dockerfile", tmp_path, text)], Policies(), now=date(2026, 3, 1)))
    check(document)
    assert document["files"] == ["Dockerfile"]
    assert document["summary"]["suppressed"] == len(document["suppressed"]) == 1
    assert sum(document["summary"]["findings"].values()) == len(document["findings"])


@pytest.mark.parametrize(
    "document",
    [
        {"a": [], "b": {}, "c": [[], {}], "d": [1, {"e": None}], "f": 'é\u2028\n\x1b\x7f"\\/', "g": True},
        {"big": 12345678901234567890, "zero": -0.0, "tenth": 0.1},
        {"name": "a\udcff"},
    ],
)
def test_json_is_laid_out_as_the_standard_library_does(document: dict[str, object]) -> None:
    for padded in (document, document | {"long": "x" * 100_000}):
        assert dumps(padded) == json.dumps(padded, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("number", [1e22, 1e-7, 5e-324, 1.7976931348623157e308, 2.5])
def test_a_number_is_read_back_as_it_was(number: float) -> None:
    assert json.loads(dumps({"number": number})) == {"number": number}
