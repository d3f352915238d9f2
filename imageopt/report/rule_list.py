"""Rules -> a list of them: a line each for people, and a document for programs."""

from collections.abc import Sequence
from typing import Any

from imageopt.report.findings import tool
from imageopt.report.names import harmless
from imageopt.rules.model import Rule

Json = dict[str, Any]


def rule_lines(rules: Sequence[Rule]) -> str:
    """Code, name, severity, the fix and a line on each, in columns; `*` marks a fix that `imageopt rewrite` makes."""
    rows = [
        (rule.code, rule.name, rule.severity, f"{rule.fix.safety}{'*' if rule.fix.kind == 'automatic' else ''}")
        for rule in rules
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            (*(harmless(cell.ljust(width)) for cell, width in zip(row, widths, strict=True)), harmless(rule.title))
        )
        + "\n"
        for row, rule in zip(rows, rules, strict=True)
    )


def rules_document(rules: Sequence[Rule]) -> Json:
    """The document `imageopt.rules/1`, in the order given."""
    return {
        "schema": "imageopt.rules/1",
        "tool": tool(),
        "rules": [
            {
                "code": rule.code,
                "name": rule.name,
                "category": rule.category,
                "severity": rule.severity,
                "title": rule.title,
                "fix": {
                    "kind": rule.fix.kind,
                    "transform": rule.fix.transform,
                    "safety": rule.fix.safety,
                    "text": rule.fix.text,
                },
                "equivalents": list(rule.equivalents),
                "parameters": dict(rule.parameters),
            }
            for rule in rules
        ],
    }
