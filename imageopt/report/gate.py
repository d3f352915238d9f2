"""The result of a gate -> its JSON document `imageopt.gate/1`."""

from datetime import date
from typing import Any

from imageopt.gate.model import Cause, GateResult
from imageopt.masking import masked
from imageopt.report.findings import dated, tool
from imageopt.report.names import readable


def gate_document(result: GateResult, day: date | None = None) -> dict[str, Any]:
    """The document, as judged on this day; the checks keep the order of the budget."""
    return {
        "schema": "imageopt.gate/1",
        "tool": tool(),
        "timing": dated(day),
        "reference": readable(result.reference),
        "passed": result.passed,
        "checks": [
            {
                "name": check.name,
                "limit": check.limit,
                "value": check.value,
                "result": check.result,
                "reason": readable(check.reason),
                "items": [readable(item) for item in check.items],
            }
            for check in result.checks
        ],
        "causes": [
            {
                "rule": cause.rule,
                "title": masked(readable(cause.title)),
                "bytes": cause.bytes,
                "basis": cause.basis,
                "location": _place(cause),
                "fix": readable(cause.fix),
            }
            for cause in result.causes
        ],
        "rewrite": None if result.offer is None else {"bytes": result.offer.bytes, "basis": result.offer.basis},
        "sizes": dict(result.sizes),
        "baseline": None
        if result.baseline is None
        else {"source": readable(result.baseline.source), "sizes": dict(result.baseline.sizes)},
        "notes": [readable(note) for note in result.notes],
    }


def _place(cause: Cause) -> dict[str, Any] | None:
    return None if cause.line is None else {"file": readable(cause.file or ""), "line": cause.line}
