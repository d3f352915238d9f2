"""The terminal's view of a verification: before and after, what changed, why the verdict; the verdict comes last."""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.before_after import rows, vulnerabilities_in_words
from imageopt.report.terminal.canvas import NARROW, Canvas, Span
from imageopt.report.words import (
    alone,
    differences,
    explained,
    lost_in_words,
    prediction,
    saved_in_words,
    scanned_by,
    unchecked_hazards,
)

_LISTED = 8  # lines of a list, before the rest is counted
_VERDICT_STYLE = {"verified": "bold green", "built-not-run": "bold yellow", "not-smaller": "bold yellow"}


def draw_verification(canvas: Canvas, document: Mapping[str, Any]) -> None:
    """Draws the whole view; its last line is `verdict: …`."""
    verdict = document["verdict"]
    style = _VERDICT_STYLE.get(verdict, "bold red")
    saved = saved_in_words(document)
    canvas.line((document["reference"], "bold"), ": ", (verdict, style), (f", {saved}" if saved else "", "bold"))
    canvas.line()
    _table(canvas, document)
    _builds(canvas, document)
    _security(canvas, document["comparison"])
    _behaviour(canvas, document)
    _list(canvas, "Configuration that changed", differences(document["comparison"]["config"]))
    for text in (prediction(document), alone(document["prediction"]), explained(document), scanned_by(document)):
        if text:
            canvas.line()
            canvas.line(text)
    _list(canvas, "Why", document["reasons"])
    _list(canvas, "Gone, and worth a look", lost_in_words(document))
    _list(canvas, "Not checked", [*document["not_checked"], *unchecked_hazards(document)], style="yellow")
    canvas.line()
    canvas.line(("verdict: ", "bold"), (verdict, style))


def _table(canvas: Canvas, document: Mapping[str, Any]) -> None:
    cells: list[list[list[Span]]] = []
    if not canvas.plain:
        cells.append([[], [("before", "bold")], [("after", "bold")], []])
    for row in rows(document):
        style = {True: "green", False: "bold red", None: "dim"}[row.better]
        if canvas.plain:
            change = f"  ({row.change})" if row.change else ""
            cells.append([[(f"{row.label}: {row.before} -> {row.after}{change}", "")]])
        else:
            cells.append([[(row.label, "")], [(row.before, "")], [(row.after, "bold")], [(row.change, style)]])
    canvas.table(cells, ("left", "right", "right", "left"), flexible=3 if canvas.width >= NARROW else 0)


def _builds(canvas: Canvas, document: Mapping[str, Any]) -> None:
    for name in ("before", "after"):
        side = document[name]
        for part in ("build", "rebuild"):
            if side[part]["result"] == "failed":
                step = f" at {side[part]['step']}" if side[part]["step"] else ""
                canvas.heading(f"{name}: the {part} failed{step}")
                canvas.line((side[part]["reason"], "red"))
                if side[part].get("explanation"):
                    canvas.line((side[part]["explanation"], "bold"))
                _tail(canvas, side[part]["log_tail"])
        if side["run"]["result"] == "not-started":
            canvas.heading(f"{name}: it did not start")
            canvas.line((side["run"]["reason"], "red"))
            _tail(canvas, side["run"]["log_tail"])


def _tail(canvas: Canvas, lines: Sequence[str]) -> None:
    for line in lines:
        canvas.line((f"  | {line}", "dim"))


def _security(canvas: Canvas, comparison: Mapping[str, Any]) -> None:
    found = comparison["vulnerabilities"]
    fixed, introduced = found["fixed"], found["introduced"]
    gone, new = [], []
    if fixed["advisories"]:
        gone.append(f"vulnerabilities: {vulnerabilities_in_words(fixed['by_severity'])}")
    new += [
        f"{item['severity']} {item['id']} in {item['package']} {item['version']}" for item in introduced["advisories"]
    ]
    for kind in ("secrets", "misconfigurations"):
        gone += comparison[kind]["fixed"]
        new += comparison[kind]["introduced"]
    _list(canvas, "Fixed", gone, style="green")
    _list(canvas, "Introduced", new, style="red")


def _behaviour(canvas: Canvas, document: Mapping[str, Any]) -> None:
    answers = [side["run"].get("responses", []) for side in (document["before"], document["after"])]
    _list(canvas, "Behaviour that differs", differences(document["comparison"]["behaviour"]))
    if answers[0] and answers[1]:
        asked = len(answers[1])
        same = sum(1 for answer in answers[1] if answer in answers[0])
        canvas.line()
        canvas.line(f"{same} of {asked} requests were answered exactly as before")


def _list(canvas: Canvas, heading: str, lines: Sequence[str], style: str = "") -> None:
    if not lines:
        return
    canvas.heading(heading)
    shown = lines if canvas.plain or len(lines) <= _LISTED else lines[:_LISTED]
    for line in shown:
        canvas.item((line, style))
    if len(lines) > len(shown):
        canvas.line((f"  and {len(lines) - len(shown)} more", "dim"))
