"""A document's findings -> SARIF 2.1.0, as code scanning of GitHub and GitLab, and editors, take it.

What surprises: what is longer than 1,024 characters makes some readers drop the whole result, so texts are cut there;
and a column is counted in characters only because the run says so.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from imageopt.report.codequality import fingerprint
from imageopt.report.names import harmless
from imageopt.report.place import place_of
from imageopt.rules.load import load_rules
from imageopt.rules.model import Rule

Json = Mapping[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "style": "note"}
_LONGEST = 1_024


def sarif(document: Json) -> str:
    """The log with one run; a rule that nothing was found by is not described in it."""
    findings: Sequence[Json] = document["findings"]
    named = {finding["code"]: finding for finding in reversed(findings)}
    codes = sorted(named)
    known = {rule.code: rule for rule in load_rules(examples=False)} if codes else {}
    seen: dict[str, int] = {}
    run = {
        "tool": {
            "driver": {
                "name": document["tool"]["name"],
                "version": document["tool"]["version"],
                "rules": [_rule(named[code], known.get(code)) for code in codes],
            }
        },
        "automationDetails": {"id": f"{document['tool']['name']}/{document['schema'].split('.')[1].split('/')[0]}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The folder that paths are relative to."}}},
        "results": [_result(document, finding, codes.index(finding["code"]), seen) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(finding: Json, rule: Rule | None) -> Json:
    """The rule as its file describes it; a team's, or one of another version, as its finding does."""
    what = rule.what if rule is not None else finding["title"]
    help_ = f"{rule.why} {rule.better}" if rule is not None else finding["fix"]["text"]
    return {
        "id": finding["code"],
        "name": finding["rule"],
        "shortDescription": {"text": _cut(finding["title"])},
        "fullDescription": {"text": _cut(what)},
        "help": {"text": _cut(help_)},
        "defaultConfiguration": {"level": _LEVELS.get(rule.severity if rule else finding["severity"], "none")},
        "properties": {"tags": [rule.category if rule is not None else "team"]},
    }


def _result(document: Json, finding: Json, number: int, seen: dict[str, int]) -> Json:
    place = place_of(document, finding)
    where = {"uri": quote(place.file, errors="replace"), "uriBaseId": "%SRCROOT%"}
    region = {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column or place.column + 1,  # readers ask for it, known or not
    }
    return {
        "ruleId": finding["code"],
        "ruleIndex": number,
        "level": _LEVELS[finding["severity"]],
        "message": {"text": _cut(finding["message"])},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": where,
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint(document, finding, seen)},
        **_fixes(finding, where),
    }


def _fixes(finding: Json, where: Json) -> Json:
    """The edits that mend it, where they were worked out: editors offer them, code scanning looks past them."""
    edits = finding["fix"].get("edits")
    if not edits:
        return {}
    replacements = [
        {
            "deletedRegion": {
                "startLine": edit["line"],
                "startColumn": edit["column"],
                "endLine": edit["end_line"],
                "endColumn": edit["end_column"],
            },
            "insertedContent": {"text": edit["text"]},
        }
        for edit in edits
    ]
    change = {"artifactLocation": where, "replacements": replacements}
    return {"fixes": [{"description": {"text": _cut(finding["fix"]["text"])}, "artifactChanges": [change]}]}


def _cut(text: str) -> str:
    shown = harmless(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
