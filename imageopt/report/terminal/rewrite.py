"""The terminal's view of a rewrite: the diff first, for it is what the user decides about, then the reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.candidates import candidate_rows, how_it_ended, not_offered, on_request_rows
from imageopt.report.terminal.canvas import Align, Canvas, Span
from imageopt.report.words import UNKNOWN, outcome, size

_RIGHT: Align = "right"


def draw_rewrite(canvas: Canvas, document: Mapping[str, Any]) -> None:
    """Draws the whole view."""
    _diff(canvas, document["diff"])
    if document["diff"]:
        canvas.line()
    canvas.line((document["reference"], "bold"), f": {outcome(document)}")
    _done(canvas, document["transforms"])
    _named(canvas, "Not done, and why", document["refusals"], "yellow")
    _follow_ups(canvas, document.get("follow_ups", []))
    _candidates(canvas, document)
    _on_request(canvas, document)
    if document["notes"]:
        canvas.heading("Good to know")
        for note in document["notes"]:
            canvas.item(note)


def _diff(canvas: Canvas, diff: str) -> None:
    for line in diff.split("\n")[:-1]:
        canvas.verbatim((line.replace("\t", "    "), _style(line)))


def _follow_ups(canvas: Canvas, items: Sequence[dict[str, Any]]) -> None:
    _named(canvas, "Must follow, and is left to you", [{**item, "name": item["path"]} for item in items], "yellow")
    for item in items:
        _diff(canvas, item["diff"])


def _candidates(canvas: Canvas, document: Mapping[str, Any]) -> None:
    found = candidate_rows(document)
    if not found:
        return
    canvas.heading(
        "What could be made of it" if "search" in document else "What could be made of it (--best tries each)"
    )
    head, *below = found
    rows: list[list[list[Span]]] = [] if canvas.plain else [[[(text, "dim")] for text in head]]
    rows += [[[(row[0], "bold")], *([(text, "")] for text in row[1:])] for row in below]
    aligns: list[Align] = ["left", *[_RIGHT] * (len(head) - 2), "left"]
    canvas.table(rows, aligns, flexible=len(head) - 1)
    left: list[list[list[Span]]] = [
        [[("not offered", "dim")], [(names, "bold"), (f": {why}", "")]] for names, why in not_offered(document)
    ]
    canvas.table(left, ("left", "left"), flexible=1)
    if ended := how_it_ended(document):
        canvas.line()
        canvas.line((ended, "bold"))


def _on_request(canvas: Canvas, document: Mapping[str, Any]) -> None:
    found = on_request_rows(document)
    if found:
        canvas.heading("Only when asked for")
        rows: list[list[list[Span]]] = [
            [[(saved, "")], [(option, "bold")], [(text, "")]] for saved, option, text in found
        ]
        canvas.table(rows, ("right", "left", "left"), flexible=2)


def _style(line: str) -> str:
    if line.startswith(("+++ ", "--- ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan", "\\": "dim"}.get(line[:1], "")


def _done(canvas: Canvas, transforms: Sequence[dict[str, Any]]) -> None:
    if not transforms:
        return
    canvas.heading("What it does, and why")
    rows: list[list[list[Span]]] = []
    for done in transforms:
        saved = "" if done["predicted_bytes"] in (None, 0) else f"saves {size(done['predicted_bytes'])}"
        rows.append([[(saved, "bold green")], [(done["name"], "bold")], [(done["reason"], "")]])
    canvas.table(rows, ("right", "left", "left"), flexible=2)


def _named(canvas: Canvas, heading: str, items: Sequence[dict[str, Any]], style: str) -> None:
    if not items:
        return
    canvas.heading(heading)
    rows: list[list[list[Span]]] = [[[(item["name"], style)], [(item["reason"] or UNKNOWN, "")]] for item in items]
    canvas.table(rows, ("left", "left"), flexible=1)
