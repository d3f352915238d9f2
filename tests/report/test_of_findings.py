"""Findings for other programs: SARIF, Code Quality, GitHub's annotations, and lines as compilers write them.

SARIF is held against its published schema where a package registry is in reach; that GitHub and GitLab have what they say
they ask for is tested everywhere.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace
from published import from_npm

from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.report.analysis import analysis_document
from imageopt.report.findings import findings_section
from imageopt.report.json_text import dumps
from imageopt.report.lint import lint_document
from imageopt.report.render import ALL, FORMATS, LINT, OF_CASES, OF_FINDINGS, OF_NUMBERS, formats_of, render
from imageopt.rewrite.offers import with_edits
from imageopt.rules.lint import Policies, Source, lint
from imageopt.rules.model import Analysis, Finding, TextEdit
from imageopt.rules.policy import Policy

BAD = b"""\
FROM node
ENV NPM_TOKEN=npm_0a1b2c3d4e5f
RUN set -e && \\
    apt-get update && apt-get install -y git
RUN set -e && \\
    apt-get update && apt-get install -y git
# imageopt ignore=shell-form-cmd; reason=wanted
CMD node server.js
"""


@pytest.fixture
def linted(tmp_path: Path) -> dict[str, Any]:
    sources = [Source("a b/Dockerfile,x:1", tmp_path, BAD), Source("web/Dockerfile", tmp_path, BAD)]
    return json.loads(dumps(lint_document(lint(sources, Policies(), now=date(2026, 3, 1)))))  # type: ignore[no-any-return]


def shown(document: dict[str, Any], name: str, **more: bool) -> str:
    return render(document, name, **{"color": False, "width": None, "plain": True, **more})  # type: ignore[arg-type]


def test_lines_are_as_compilers_write_them(linted: dict[str, Any]) -> None:
    lines = shown(linted, "terminal").splitlines()
    assert len(lines) == len(linted["findings"])
    assert "web/Dockerfile:4:5: warning IO101 apt's package lists are part of the image [apt-lists-left]" in lines
    assert "\x1b[33mwarning\x1b[0m" in shown(linted, "terminal", color=True)
    assert [line for line in lines if line.startswith("a b/")] == lines[: len(lines) // 2]


def test_no_finding_is_no_line(linted: dict[str, Any]) -> None:
    assert shown({**linted, "findings": []}, "terminal") == ""
    assert shown({**linted, "findings": []}, "github") == ""
    assert json.loads(shown({**linted, "findings": []}, "codequality")) == []
    assert json.loads(shown({**linted, "findings": []}, "sarif"))["runs"][0]["results"] == []


def test_sarif_has_what_code_scanning_asks_for(linted: dict[str, Any]) -> None:
    log = json.loads(shown(linted, "sarif"))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["automationDetails"]["id"] == "imageopt/lint/"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({finding["code"] for finding in linted["findings"]})
    for rule in rules:
        for key in ("shortDescription", "fullDescription", "help"):
            assert 6 < len(rule[key]["text"]) <= 1024
    assert len(run["results"]) == len(linted["findings"])
    for result, finding in zip(run["results"], linted["findings"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding["code"]
        assert result["level"] in ("error", "warning", "note")
        (place,) = result["locations"]
        region = place["physicalLocation"]["region"]
        assert region["startLine"] == finding["location"]["line"]
        assert all(region[key] >= 1 for key in ("startLine", "startColumn", "endLine", "endColumn"))
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert uri in ("a%20b/Dockerfile%2Cx%3A1", "web/Dockerfile")
        assert not uri.startswith("/")
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.slow
def test_sarif_is_as_its_published_schema_says(tmp_path: Path) -> None:
    schema = json.loads(from_npm("@microsoft/jest-sarif@1.0.0-beta.0", "lib/schemas/sarif-2.1.0-rtm.5.json", tmp_path))
    (schema["$schema"],) = ["http://json-schema.org/draft-07/schema#"]
    log = json.loads(shown(mended(tmp_path), "sarif"))
    assert any("fixes" in result for result in log["runs"][0]["results"])
    Draft7Validator(schema).validate(log)


def mended(folder: Path) -> dict[str, Any]:
    """The findings with the edits that mend them."""

    def mender(evidence: Evidence, found: tuple[Finding, ...], policy: Policy, now: date | None) -> tuple[Finding, ...]:
        return with_edits(evidence, found, policy.rules, now=now)

    return lint_document(lint([Source("web/Dockerfile", folder, BAD)], Policies(), now=date(2026, 3, 1), mended=mender))


def test_the_edits_of_a_result_mend_it(tmp_path: Path) -> None:
    (run,) = json.loads(shown(mended(tmp_path), "sarif"))["runs"]
    lines = BAD.decode().splitlines(keepends=True)
    for result in (one for one in run["results"] if "fixes" in one):
        ((change,),) = (fix["artifactChanges"] for fix in result["fixes"])
        assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
        text = "".join(lines)
        for replacement in reversed(change["replacements"]):
            region = replacement["deletedRegion"]
            start, end = (
                sum(map(len, lines[: region[f"{which}Line"] - 1])) + region[f"{which}Column"] - 1
                for which in ("start", "end")
            )
            text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
        after = lint([Source("web/Dockerfile", tmp_path, text.encode())], Policies(), now=date(2026, 3, 1))
        before = [one["code"] for one in mended(tmp_path)["findings"]].count(result["ruleId"])
        assert [finding.code for finding in after.findings].count(result["ruleId"]) < before


def test_an_edit_that_shows_a_secret_is_not_offered(tmp_path: Path) -> None:
    finding = lint([Source("Dockerfile", tmp_path, BAD)], Policies(), now=date(2026, 3, 1)).findings[0]
    for text in ("ENV NPM_TOKEN=npm_0a1b2c3d4e5f", "COPY caf\udce9 ."):
        edit = TextEdit(1, 1, 1, 2, text)
        (section,) = findings_section([replace(finding, fix=replace(finding.fix, edits=(edit,)))])
        assert "edits" not in section["fix"]


def test_sarif_s_texts_are_never_too_long(linted: dict[str, Any]) -> None:
    first = {**linted["findings"][0], "message": "x" * 5_000, "title": "y" * 5_000, "code": "TEAM1", "rule": "own"}
    (run,) = json.loads(shown({**linted, "findings": [first]}, "sarif"))["runs"]
    assert len(run["results"][0]["message"]["text"]) == 1024
    (rule,) = run["tool"]["driver"]["rules"]  # of a rule that is not ours, the finding tells what there is to tell
    assert (rule["id"], rule["name"], len(rule["shortDescription"]["text"])) == ("TEAM1", "own", 1024)
    assert rule["help"]["text"] == first["fix"]["text"]


def test_code_quality_has_every_field_and_no_fingerprint_twice(linted: dict[str, Any]) -> None:
    text = shown(linted, "codequality")
    assert not text.startswith("\ufeff")
    entries = json.loads(text)
    assert len(entries) == len(linted["findings"])
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert type(entry["location"]["lines"]["begin"]) is int
        assert not entry["location"]["path"].startswith(("/", "./"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_a_fingerprint_holds_no_line(linted: dict[str, Any], tmp_path: Path) -> None:
    moved = lint([Source("web/Dockerfile", tmp_path, b"# a comment\n\n" + BAD)], Policies(), now=date(2026, 3, 1))
    before = {entry["fingerprint"] for entry in json.loads(shown(linted, "codequality"))}
    after = {entry["fingerprint"] for entry in json.loads(shown(lint_document(moved), "codequality"))}
    assert after < before


def test_an_older_document_without_fingerprints_gets_some(linted: dict[str, Any]) -> None:
    old = [{key: value for key, value in finding.items() if key != "fingerprint"} for finding in linted["findings"]]
    entries = json.loads(shown({**linted, "findings": old}, "codequality"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == len(old)


def test_two_findings_never_share_a_fingerprint(linted: dict[str, Any]) -> None:
    twice = [linted["findings"][0]] * 3
    assert len({entry["fingerprint"] for entry in json.loads(shown({**linted, "findings": twice}, "codequality"))}) == 3


def test_annotations_are_escaped_as_github_demands(linted: dict[str, Any]) -> None:
    lines = shown(linted, "github").splitlines()
    assert len(lines) == len(linted["findings"])
    (line,) = (text for text in lines if "IO101" in text and "web/" in text and "line=4," in text)
    assert line == (
        "::warning file=web/Dockerfile,line=4,col=5,endColumn=19,title=IO101 apt-lists-left"
        "::apt's package lists are part of the image."
    )
    assert lines[0].partition("file=")[2].startswith("a b/Dockerfile%2Cx%3A1,line=")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("100 % of it", "100 %25 of it"),
        ("a: b, c", "a: b, c"),
        ("one\r\n::error::two", "one\\x0d\\x0a::error::two"),
    ],
)
def test_a_message_cannot_end_its_annotation(linted: dict[str, Any], message: str, told: str) -> None:
    finding = {**linted["findings"][0], "message": message, "severity": "style"}
    text = shown({**linted, "findings": [finding]}, "github")
    assert text.count("\n") == 1
    assert text.startswith("::notice file=")
    assert text.endswith(f"::{told}\n")


def test_an_annotation_of_several_lines_has_no_columns(linted: dict[str, Any]) -> None:
    place = {"file": "Dockerfile", "line": 2, "column": 5, "end_line": 3, "end_column": 4}
    text = shown({**linted, "findings": [{**linted["findings"][0], "location": place}]}, "github")
    assert "file=Dockerfile,line=2,endLine=3,title=" in text
    place |= {"end_line": 2, "end_column": None}
    text = shown({**linted, "findings": [{**linted["findings"][0], "location": place}]}, "github")
    assert "file=Dockerfile,line=2,title=" in text


def test_an_analysis_can_be_shown_so_too(analysis: Analysis) -> None:
    document = analysis_document(replace(analysis, target=replace(analysis.target, folder="web")))
    for name in OF_FINDINGS:
        assert "web/Dockerfile" in shown(document, name)
    lost = [{**finding, "location": None} for finding in document["findings"]]
    for entry in json.loads(shown({**document, "findings": lost}, "codequality")):
        assert entry["location"] == {"path": "web/Dockerfile", "lines": {"begin": 1, "end": 1}}


def test_which_formats_there_are_depends_on_the_document(linted: dict[str, Any]) -> None:
    assert formats_of("imageopt.analysis/1") == ALL
    assert formats_of(LINT) == ("terminal", "json", *OF_FINDINGS, *OF_CASES)
    assert formats_of("imageopt.gate/1") == (*FORMATS, *OF_CASES, *OF_NUMBERS)
    assert formats_of("imageopt.comparison/1") == FORMATS
    with pytest.raises(UsageError, match="there is no format 'html'"):
        shown(linted, "html")


def test_a_secret_is_in_none_of_them(linted: dict[str, Any]) -> None:
    for name in formats_of(LINT):
        assert "0a1b2c3d4e5f" not in shown(linted, name)
