"""The result of a gate -> its JSON document `imageopt.gate/1`."""

from typing import Any

from imageopt.gate.model import GateResult
from imageopt.report.analysis import tool
from imageopt.report.names import readable


def gate_document(result: GateResult) -> dict[str, Any]:
    """The document; the checks keep the order of the budget."""
    return {
        "schema": "imageopt.gate/1",
        "tool": tool(),
        "timing": {},
        "reference": readable(result.reference),
        "passed": result.passed,
        "checks": [
            {
                "name": check.name,
                "limit": check.limit,
                "value": check.value,
                "result": check.result,
                "reason": readable(check.reason),
            }
            for check in result.checks
        ],
        "notes": [readable(note) for note in result.notes],
    }
