"""The terminal's view of a gate: every limit and what came of it; the answer is the last line."""

from collections.abc import Mapping
from typing import Any

from imageopt.report.terminal.canvas import ARROW, Canvas, Span
from imageopt.report.words import cause, limit_and_value, offer, why

_STYLE = {"pass": "green", "fail": "bold red", "unknown": "bold yellow", "waived": "yellow"}


def draw_gate(canvas: Canvas, document: Mapping[str, Any]) -> None:
    """Draws the whole view; its last line is `gate: pass` or `gate: fail`."""
    answer = "pass" if document["passed"] else "fail"
    canvas.line((document["reference"], "bold"), ": ", (answer, _STYLE[answer]))
    canvas.line()
    cells: list[list[list[Span]]] = []
    for check in document["checks"]:
        limit, value = limit_and_value(check)
        result = [(check["result"], _STYLE.get(check["result"], ""))]
        cells.append([result, [(check["name"], "")], [(f"{value} (limit {limit})", "")], [(why(check), "dim")]])
    canvas.table(cells, ("left", "left", "left", "left"), flexible=3)
    if causes := document.get("causes"):
        canvas.heading("Biggest causes")
        told: list[list[list[Span]]] = []
        for much, where, what, todo in map(cause, causes):
            told.append([[(much, "bold green")], [(where, "cyan")], [(what, "")]])
            if canvas.plain:
                told[-1][2] += [("  ", ""), ARROW, (todo, "green")]
            else:
                told.append([[], [], [ARROW, (todo, "green")]])
        canvas.table(told, ("right", "left", "left"), flexible=2)
    if text := offer(document):
        canvas.line()
        canvas.line((text, "bold"))
    for note in document.get("notes", ()):
        canvas.line()
        canvas.line(("note: ", "yellow"), note)
    canvas.line()
    canvas.line(("gate: ", "bold"), (answer, _STYLE[answer]))
