"""Rules -> a list of them: a line each for people, and a document for programs."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from imageopt.report.findings import tool
from imageopt.report.names import harmless
from imageopt.rules.model import Rule

Json = dict[str, Any]


_LEAST = 40  # columns for the titles, below which they stand on lines of their own


def rule_lines(rules: Sequence[Rule], width: int | None = None) -> str:
    """Code, name, severity, the fix and a line on each, in columns; `*` marks a fix that `imageopt rewrite` makes.

    On a terminal of this `width` what does not fit is wrapped; without one each rule is one line.
    """
    rows = [
        (rule.code, rule.name, rule.severity, f"{rule.fix.safety}{'*' if rule.fix.kind == 'automatic' else ''}")
        for rule in rules
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    taken = sum(length + 2 for length in widths)
    lines = []
    for row, rule in zip(rows, rules, strict=True):
        cells = "".join(f"{harmless(cell.ljust(length))}  " for cell, length in zip(row, widths, strict=True))
        title = harmless(rule.title)
        if width is None:
            lines.append(f"{cells}{title}")
        elif width - taken >= _LEAST:
            lines += wrap(title, width, initial_indent=cells, subsequent_indent=" " * taken)
        else:
            lines += [cells.rstrip(), *wrap(title, width, initial_indent=" " * 7, subsequent_indent=" " * 7)]
    return "".join(f"{line}\n" for line in lines)


def rules_document(rules: Sequence[Rule]) -> Json:
    """The document `imageopt.rules/1`, in the order given."""
    return {
        "schema": "imageopt.rules/1",
        "tool": tool(),
        "rules": [rule_section(rule) for rule in rules],
    }


def rule_section(rule: Rule) -> Json:
    """A rule in a document."""
    return {
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
