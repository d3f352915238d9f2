"""The terminal's view of an analysis: how big, of what, and what to do, biggest first.

It is for someone tired: what is small is folded into one line. A finding of severity `error` is never folded, and
every other format shows all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.terminal.canvas import NARROW, Canvas, Span, bar
from imageopt.report.words import (
    also,
    base_image,
    category,
    headline,
    percent,
    place,
    places,
    saving,
    size,
    suppressed,
    what,
)

_BAR_WIDTH = 20
_SHARE_SHOWN = 0.005  # of the image: rows and findings below it are folded
_SUPPRESSED_SHOWN = 5
_WIDE = 120  # columns, from here on the fix stands beside the finding
_SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "info": "cyan", "style": "dim"}

Row = list[list[Span]]


def draw_analysis(canvas: Canvas, document: Mapping[str, Any]) -> None:
    """Draws the whole view."""
    target = document["target"]
    about = ", ".join(text for text in (target["source"], target["platform"]) if text)
    canvas.line((target["reference"], "bold"), (f"  ({about})" if about else "", "dim"))
    lines = headline(document)
    for index, text in enumerate(lines):
        canvas.line((text, "bold" if index == len(lines) - 1 else ""))
    if base := base_image(document):
        canvas.line((base, "dim"))
    for note in document["notes"]:
        canvas.line(("note: ", "yellow"), note)
    image = document["image"]
    if image is not None:
        for problem in image["problems"]:
            canvas.line(("problem: ", "bold red"), problem)
        _composition(canvas, document)
    _findings(canvas, document["findings"], image["sizes"]["unpacked_bytes"] if image else 0)
    _suppressed(canvas, document.get("suppressed", ()))


def _composition(canvas: Canvas, document: Mapping[str, Any]) -> None:
    image = document["image"]
    total = image["sizes"]["unpacked_bytes"]
    rows = image["composition"]
    if not rows:
        return
    canvas.heading("Where the bytes are")
    shown = [row for row in rows if row["bytes"] >= total * _SHARE_SHOWN]
    biggest = rows[0]["bytes"] or 1
    cells = [_composition_row(canvas, row, document, biggest) for row in shown]
    if folded := rows[len(shown) :]:
        rest = sum(row["bytes"] for row in folded)
        share = percent(100 * rest / total) if total else ""
        cells.append([[(size(rest), "dim")], [(share, "dim")], [], [(f"{len(folded)} smaller", "dim")], [], []])
    if canvas.width < NARROW and not canvas.plain:
        canvas.table([[row[0], row[3], row[4]] for row in cells], ("right", "left", "left"), flexible=1)
    else:
        canvas.table(cells, ("right", "right", "left", "left", "left", "left"), flexible=5)


def _composition_row(canvas: Canvas, row: dict[str, Any], document: Mapping[str, Any], biggest: int) -> Row:
    image = document["image"]
    share = percent(100 * row["bytes"] / image["sizes"]["unpacked_bytes"])
    length = "" if canvas.plain else bar(row["bytes"] / biggest, _bar_width(canvas))
    where = _short(places(row, document["findings"], image["layers"]))
    why = row["cause"] or "" if canvas.plain or canvas.width >= _WIDE else ""
    return [
        [(size(row["bytes"]), "bold")],
        [(share, "")],
        [(length, "yellow" if row["cause"] else "green")],
        [(category(row["category"]), "")],
        [(where, "cyan")],
        [(why, "dim")],
    ]


def _bar_width(canvas: Canvas) -> int:
    return _BAR_WIDTH if canvas.width >= _WIDE else _BAR_WIDTH // 2


def _short(where: Sequence[str]) -> str:
    """The first two places; the name of the file only once."""
    if len(where) < 2:
        return "".join(where)
    first, second = where[0], where[1].rpartition(":")[2]
    return f"{first},{second}" + (",…" if len(where) > 2 else "")


def _findings(canvas: Canvas, findings: Sequence[dict[str, Any]], unpacked: int) -> None:
    if not findings:
        canvas.line()
        canvas.line(("Nothing found.", "green"))
        return
    measured = [finding for finding in findings if finding["saving"]["bytes"]]
    shown = [f for f in measured if f["saving"]["bytes"] >= unpacked * _SHARE_SHOWN]
    small = [f for f in measured if f not in shown]
    if shown:
        canvas.heading("What to do, biggest first")
        canvas.table(
            [row for finding in shown for row in _rows(canvas, finding, f"saves {saving(finding)}")],
            ("right", "left", "left"),
            flexible=2,
        )
    if small:
        total = sum(finding["saving"]["bytes"] for finding in small)
        names = ", ".join(dict.fromkeys(finding["rule"] for finding in small))
        canvas.line((f"{len(small)} smaller, {size(total)} together: {names}", "dim"))
    others = [f for f in findings if not f["saving"]["bytes"] or (f in small and f["severity"] == "error")]
    if others:
        canvas.heading("Also" if measured else "What to do")
        canvas.table(
            [row for finding in _by_severity(others) for row in _rows(canvas, finding, finding["severity"])],
            ("left", "left", "left"),
            flexible=2,
        )


def _suppressed(canvas: Canvas, found: Sequence[dict[str, Any]]) -> None:
    """What was found and does not count: how much, and of the first few why."""
    if not found:
        return
    canvas.heading(f"Suppressed: {len(found)}")
    for item in found[:_SUPPRESSED_SHOWN]:
        where, told, by, reason = suppressed(item)
        canvas.item((where or "-", "cyan"), (f"  {told}  ", "dim"), f"{by}: {reason}")
    if len(found) > _SUPPRESSED_SHOWN:
        canvas.item((f"and {len(found) - _SUPPRESSED_SHOWN} more", "dim"))


def _by_severity(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    order = list(_SEVERITY_STYLE)
    return sorted(findings, key=lambda finding: order.index(finding["severity"]) if finding["severity"] in order else 9)


def _rows(canvas: Canvas, finding: dict[str, Any], first: str) -> list[Row]:
    style = "bold green" if first.startswith("saves") else _SEVERITY_STYLE.get(first, "")
    told: list[Span] = [(what(finding), ""), (also(finding), "dim")]
    start: Row = [[(first, style)], [(place(finding["location"]) or "-", "cyan")]]
    fix: list[Span] = [("-> ", "dim"), (finding["fix"]["text"], "green")]
    if canvas.plain or canvas.width >= _WIDE:
        return [[*start, [*told, ("  ", ""), *fix]]]
    return [[*start, told], [[], [], fix]]
