"""Linted Dockerfiles -> their JSON document `imageopt.lint/1`; findings are as in an analysis, without an image."""

from collections import Counter
from datetime import date
from typing import Any

from imageopt.report.findings import dated, findings_section, suppressed_section, tool
from imageopt.report.names import readable
from imageopt.rules.lint import Lint
from imageopt.rules.model import SEVERITIES

Json = dict[str, Any]


def lint_document(result: Lint, day: date | None = None) -> Json:
    """The document, as judged on this day; findings keep the order of the files, and in each that of its lines."""
    counts = Counter(finding.severity for finding in result.findings if finding.explained_by is None)
    return {
        "schema": "imageopt.lint/1",
        "tool": tool(),
        "timing": dated(day),
        "files": [readable(name) for name in result.files],
        "findings": findings_section(result.findings),
        "suppressed": suppressed_section(result.suppressed),
        "summary": {
            "findings": {severity: counts[severity] for severity in SEVERITIES if counts[severity]},
            "suppressed": len(result.suppressed),
        },
        "notes": [readable(note) for note in result.notes],
    }
