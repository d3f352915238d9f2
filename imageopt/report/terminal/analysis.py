"""The terminal's view of an analysis: how big, of what, and what to do, biggest first.

It is for someone tired: what is small is folded into one line. A finding of severity `error` is never folded, and
every other format shows all of them. An error that saves nothing, such as a secret, comes before any saving.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from imageopt.report.terminal.canvas import ARROW, NARROW, Canvas, Span, bar
from imageopt.report.words import (
    also,
    base_image,
    by_category,
    category,
    headline,
    percent,
    saving,
    size,
    suppressed,
    together,
    what,
    where,
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
    groups = [(row,) for row in rows] if _names_causes(canvas) else by_category(rows)
    shown = [group for group in groups if _bytes(group) >= total * _SHARE_SHOWN]
    biggest = _bytes(groups[0]) or 1
    cells = [_composition_row(canvas, group, document, biggest) for group in shown]
    if folded := groups[len(shown) :]:
        rest = sum(map(_bytes, folded))
        share = percent(100 * rest / total) if total else ""
        cells.append([[(size(rest), "dim")], [(share, "dim")], [], [(f"{len(folded)} smaller", "dim")], [], []])
    if canvas.width < NARROW and not canvas.plain:
        canvas.table([[row[0], row[3], row[4]] for row in cells], ("right", "left", "left"), flexible=1)
    else:
        canvas.table(cells, ("right", "right", "left", "left", "left", "left"), flexible=5)


def _names_causes(canvas: Canvas) -> bool:
    """Whether there is room for the causes; two rows that differ in nothing else would look like a mistake."""
    return canvas.plain or canvas.width >= _WIDE


def _bytes(group: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["bytes"] for row in group)


def _composition_row(
    canvas: Canvas, group: Sequence[Mapping[str, Any]], document: Mapping[str, Any], biggest: int
) -> Row:
    image, total = document["image"], _bytes(group)
    cause = next((row["cause"] for row in group if row["cause"]), "")
    return [
        [(size(total), "bold")],
        [(percent(100 * total / image["sizes"]["unpacked_bytes"]), "")],
        [("" if canvas.plain else bar(total / biggest, _bar_width(canvas)), "yellow" if cause else "green")],
        [(category(group[0]["category"]), "")],
        [(_short(together(group, document["findings"], image["layers"])), "cyan")],
        [(cause if _names_causes(canvas) else "", "dim")],
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
    errors = [f for f in findings if f["severity"] == "error" and f not in shown]
    others = [f for f in findings if not f["saving"]["bytes"] and f not in errors]
    if measured:  # else all stand together, the gravest first
        _by_severity(canvas, "Errors", errors)
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
    _by_severity(canvas, *(("Also", others) if measured else ("What to do", [*errors, *others])))


def _by_severity(canvas: Canvas, heading: str, findings: Sequence[dict[str, Any]]) -> None:
    """A list of what is told by its severity, gravest first; nothing without a finding."""
    if not findings:
        return
    canvas.heading(heading)
    order = list(_SEVERITY_STYLE)
    ordered = sorted(findings, key=lambda one: order.index(one["severity"]) if one["severity"] in order else len(order))
    rows = [row for finding in ordered for row in _rows(canvas, finding, finding["severity"])]
    canvas.table(rows, ("left", "left", "left"), flexible=2)


def _suppressed(canvas: Canvas, found: Sequence[dict[str, Any]]) -> None:
    """What was found and does not count: how much, and of the first few why."""
    if not found:
        return
    canvas.heading(f"Suppressed: {len(found)}")
    for item in found[:_SUPPRESSED_SHOWN]:
        line, told, by, reason = suppressed(item)
        canvas.item((line or "-", "cyan"), (f"  {told}  ", "dim"), f"{by}: {reason}")
    if len(found) > _SUPPRESSED_SHOWN:
        canvas.item((f"and {len(found) - _SUPPRESSED_SHOWN} more", "dim"))


def _rows(canvas: Canvas, finding: dict[str, Any], first: str) -> list[Row]:
    style = "bold green" if first.startswith("saves") else _SEVERITY_STYLE.get(first, "")
    told: list[Span] = [(what(finding), ""), (f"  {finding['code']}{also(finding)}", "dim")]
    start: Row = [[(first, style)], [(where(finding), "cyan")]]
    fix: list[Span] = [ARROW, (finding["fix"]["text"], "green")]
    if canvas.plain or canvas.width >= _WIDE:
        return [[*start, [*told, ("  ", ""), *fix]]]
    return [[*start, told], [[], [], fix]]
