"""A comparison's document -> Markdown for a merge request: the answer and the causes first, the lists folded away."""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.change_rows import CAUSES, Row, config_rows, lists, sentences, size_rows
from imageopt.report.markdown import escaped, folded, table


def comparison_lines(document: Mapping[str, Any]) -> list[str]:
    """The lines of the text; for two equal images the heading alone."""
    names = f"{escaped(document['before']['reference'])} → {escaped(document['after']['reference'])}"
    first, *rest = sentences(document)
    head = f"### imageopt: {names}: {escaped(first)}"
    if document["identical"]:
        return [head]
    lines = [head, "", *(f"- {escaped(text)}" for text in (*rest, *document["notes"]))]
    if document["layers"]["changes"]:
        sizes = [[escaped(cell) for cell in row[:4]] for row in size_rows(document)]
        lines += ["", *table(("", "before", "after", ""), sizes, "lrrr"), ""]
        for heading, rows in lists(document):
            cells = table(("bytes", "what", "", ""), _cells(rows), "rlll")
            lines += [*cells, ""] if heading == CAUSES else folded(heading, cells)
    if document["config"]:
        lines += folded("Configuration", [f"- {escaped(text)}" for text in config_rows(document)])
    return lines


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.delta, escaped(row.what), escaped(row.how), escaped(row.where)] for row in rows]
