"""The terminal's view of a comparison: how much it is now, then why: causes, packages, paths, layers."""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.change_rows import LAYERS, Row, config_rows, lists, sentences, size_rows
from imageopt.report.terminal.canvas import Canvas, Span

_STYLE: Mapping[bool | None, str] = {True: "green", False: "bold red", None: "dim"}


def draw_comparison(canvas: Canvas, document: Mapping[str, Any]) -> None:
    """Draws the whole view; two equal images take one line."""
    old, new = document["before"], document["after"]
    lines = sentences(document)
    if document["identical"]:
        canvas.line((old["reference"], "bold"), " -> ", (new["reference"], "bold"), f": {lines[0]}")
        return
    canvas.line((old["reference"], "bold"), " -> ", (new["reference"], "bold"), (_about(old, new), "dim"))
    for index, text in enumerate(lines):
        canvas.line((text, "bold" if index == 0 else ""))
    for note in document["notes"]:
        canvas.line(("note: ", "yellow"), note)
    if document["layers"]["changes"]:
        _sizes(canvas, document)
        for heading, rows in lists(document):
            canvas.heading(heading)
            (_layers if heading == LAYERS else _rows)(canvas, rows)
    if document["config"]:
        canvas.heading("Configuration")
        for text in config_rows(document):
            canvas.line(f"  {text}")


def _about(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    sides = [", ".join(text for text in (side["source"], side["platform"]) if text) for side in (old, new)]
    return f"  ({sides[0]})" if sides[0] == sides[1] else f"  ({sides[0]} -> {sides[1]})"


def _sizes(canvas: Canvas, document: Mapping[str, Any]) -> None:
    canvas.line()
    cells: list[list[list[Span]]] = []
    if not canvas.plain:
        cells.append([[], [("before", "bold")], [("after", "bold")], []])
    for label, before, after, change, better in size_rows(document):
        if canvas.plain:
            cells.append([[(f"{label}: {before} -> {after}{f'  ({change})' if change else ''}", "")]])
        else:
            cells.append([[(label, "")], [(before, "")], [(after, "bold")], [(change, _STYLE[better])]])
    canvas.table(cells, ("left", "right", "right", "left"), flexible=3)


def _rows(canvas: Canvas, rows: Sequence[Row]) -> None:
    cells: list[list[list[Span]]] = [
        [[(row.delta, _STYLE[row.better])], [(row.what, "")], [(row.how, "dim")], [(row.where, "cyan")]] for row in rows
    ]
    canvas.table(cells, ("right", "left", "left", "left"), flexible=3 if any(row.where for row in rows) else 2)


def _layers(canvas: Canvas, rows: Sequence[Row]) -> None:
    """Instructions are cut to one line each."""
    taken = sum(
        max(map(len, column)) + 2 for column in zip(*((row.delta, row.how, row.where) for row in rows), strict=True)
    )
    room = max(canvas.width - taken, 1)
    cells: list[list[list[Span]]] = []
    for row in rows:
        text = row.what if canvas.plain or len(row.what) <= room else f"{row.what[: room - 1]}…"
        cells.append([[(row.delta, _STYLE[row.better])], [(row.how, "")], [(row.where, "cyan")], [(text, "dim")]])
    canvas.table(cells, ("right", "left", "left", "left"), flexible=3)
