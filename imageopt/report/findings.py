"""Findings -> their entries in a document; apart from the rest of an analysis, for lint has nothing else to write."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import imageopt
from imageopt.masking import masked
from imageopt.report.names import raw_name, readable
from imageopt.rules.model import EvidencePath, Finding, Location, Suppressed, TextEdit

Json = dict[str, Any]


def tool() -> Json:
    """The program that wrote the document."""
    return {"name": "imageopt", "version": imageopt.__version__}


def findings_section(findings: Sequence[Finding]) -> list[Json]:
    """`findings` of the document; what one of them explains is no entry of its own, its rule stands in `also`."""
    return [
        {
            "rule": finding.rule,
            "code": finding.code,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "title": finding.title,
            "message": readable(finding.message),
            "saving": {"bytes": finding.saving.bytes, "basis": finding.saving.basis},
            "location": _location(finding.location),
            "layers": list(finding.layers),
            "evidence": [_evidence(path) for path in finding.evidence],
            "fix": {
                "kind": finding.fix.kind,
                "transform": finding.fix.transform,
                "safety": finding.fix.safety,
                "text": readable(finding.fix.text),
                **_edits(finding.fix.edits),
            },
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


def _edits(edits: Sequence[TextEdit]) -> Json:
    """The edits; none of them where a text could not be told as it is: half of a change is none."""
    told = all(masked(readable(edit.text)) == edit.text for edit in edits)
    return {"edits": [asdict(edit) for edit in edits]} if edits and told else {}


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
    raw = raw_name(evidence.path)
    shown = {"path": readable(evidence.path), "bytes": evidence.bytes}
    return shown if raw is None else {**shown, "path_raw": raw}
