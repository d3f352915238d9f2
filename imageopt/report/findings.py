"""Findings -> their entries in a document; apart from the rest of an analysis, for lint has nothing else to write."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import to_builtins

import imageopt
from imageopt.masking import masked
from imageopt.report.names import path_fields, readable
from imageopt.rules.model import EvidencePath, Finding, Fix, Location, Saving, Suppressed, TextEdit

Json = dict[str, Any]


def tool() -> Json:
    """The program that wrote the document."""
    return {"name": "imageopt", "version": imageopt.__version__}


def dated(day: date | None) -> Json:
    """The day that a result was judged by, for its `timing`."""
    return {} if day is None else {"now": day.isoformat()}


def findings_section(findings: Sequence[Finding]) -> list[Json]:
    """`findings` of the document; what one of them explains is no entry of its own, its rule stands in `also`."""
    fixes: dict[Fix, Json] = {}  # of a rule's findings all are alike, and a document may hold thousands
    savings: dict[Saving, Json] = {}
    return [
        {
            "rule": finding.rule,
            "code": finding.code,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "title": finding.title,
            "message": readable(finding.message),
            "saving": savings.get(finding.saving) or savings.setdefault(finding.saving, to_builtins(finding.saving)),
            "location": _location(finding.location),
            "layers": list(finding.layers),
            "evidence": [_evidence(path) for path in finding.evidence],
            "fix": fixes.get(finding.fix) or fixes.setdefault(finding.fix, _fix(finding.fix)),
            "fingerprint": finding.fingerprint,
            "also": list(finding.also),
        }
        for finding in findings
        if finding.explained_by is None
    ]


def suppressed_section(suppressed: Sequence[Suppressed]) -> list[Json]:
    """`suppressed` of the document: what was found and does not count, and by whose word."""
    return [
        {
            "rule": one.finding.rule,
            "code": one.finding.code,
            "severity": one.finding.severity,
            "message": readable(one.finding.message),
            "location": _location(one.finding.location),
            "by": one.by,
            "reason": masked(readable(one.reason)),
            "until": None if one.until is None else one.until.isoformat(),
        }
        for one in suppressed
    ]


def _fix(fix: Fix) -> Json:
    return {
        "kind": fix.kind,
        "transform": fix.transform,
        "safety": fix.safety,
        "text": readable(fix.text),
        **_edits(fix.edits),
    }


def _edits(edits: Sequence[TextEdit]) -> Json:
    """The edits; none of them where a text could not be told as it is: half of a change is none."""
    told = all(masked(readable(edit.text)) == edit.text for edit in edits)
    return {"edits": [to_builtins(edit) for edit in edits]} if edits and told else {}


def _location(location: Location | None) -> Json | None:
    if location is None:
        return None
    return {
        "file": readable(location.file),
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
    }


def _evidence(evidence: EvidencePath) -> Json:
    return {**path_fields(evidence.path), "bytes": evidence.bytes}
