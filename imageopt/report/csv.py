"""A document -> one table as comma-separated values (RFC 4180): findings, checks, or what was measured.

What surprises: a spreadsheet runs a cell that begins like a formula. A text that does gets an apostrophe before it,
which spreadsheets do not show; numbers are numbers and stay as they are.
"""

import csv as writer
import io
from collections.abc import Iterator, Mapping
from typing import Any

from imageopt.report.before_after import rows
from imageopt.report.names import harmless
from imageopt.report.place import place_of
from imageopt.report.words import why

Json = Mapping[str, Any]
Cell = str | float | None
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # the wide ones are formulas to some


def csv(document: Json) -> str:
    """The table with its head; lines end as RFC 4180 asks."""
    out = io.StringIO()
    table = writer.writer(out)
    table.writerows([_safe(cell) for cell in row] for row in _rows(document))
    return out.getvalue()


def _rows(document: Json) -> Iterator[tuple[Cell, ...]]:
    match document["schema"]:
        case "imageopt.verification/1":
            yield "what", "before", "after", "change", "before_number", "after_number"
            for row in rows(document):
                yield row.label, row.before, row.after, row.change, *row.numbers
        case "imageopt.gate/1":
            yield "budget", "result", "value", "limit", "reason"
            for check in document["checks"]:
                yield check["name"], check["result"], check["value"], check["limit"], why(check)
        case "imageopt.rewrite/1":
            yield "what", "result", "saving_bytes", "reason"
            for item in document["transforms"]:
                yield item["name"], "proposed", item["predicted_bytes"], item["reason"]
            for item in document["refusals"]:
                yield item["name"], "refused", None, item["reason"]
        case _:
            yield (
                *("code", "rule", "severity", "confidence", "file", "line", "end_line"),
                *("saving_bytes", "saving_basis", "message", "fix", "safety", "fingerprint"),
            )
            yield from (_finding(document, finding) for finding in document["findings"])


def _finding(document: Json, finding: Json) -> tuple[Cell, ...]:
    place, known = place_of(document, finding), finding["location"] is not None
    return (
        *(finding["code"], finding["rule"], finding["severity"], finding["confidence"]),
        *(place.file, place.line if known else None, place.end_line if known else None),
        *(finding["saving"]["bytes"], finding["saving"]["basis"], finding["message"]),
        *(finding["fix"]["text"], finding["fix"]["safety"], finding.get("fingerprint")),
    )


def _safe(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    text = harmless(cell)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
