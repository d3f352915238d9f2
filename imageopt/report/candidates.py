"""A search among rewrites -> its part of the rewrite's document, and that part -> the rows every format shows.

Beside them stand the rows of what is made only when asked for.

A search that was never begun has candidates with a prediction each, and no verdict: they are what could be tried.
"""

from collections.abc import Mapping
from typing import Any

from imageopt.report.names import readable
from imageopt.report.verification import isolated_section
from imageopt.report.words import UNKNOWN, alone, size
from imageopt.verify.best import Search, Tried

Json = dict[str, Any]
_HEAD = ("candidate", "predicted", "measured", "left", "what came of it")


def candidates_section(search: Search) -> Json:
    """The candidates in their order, and where one was built, how the search ended."""
    section: Json = {"candidates": [_candidate(one, best=one is search.best) for one in search.tried]}
    if search.stopped:
        best = search.best.candidate.name if search.best is not None else None
        section["search"] = {
            "best": best,
            "stopped": readable(search.stopped),
            "isolated": isolated_section(search.isolated),
        }
    return section


def candidate_rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A head and a line for each candidate that is offered; none where none is.

    A column in which nobody has anything to say is left out.
    """
    rows = [
        (
            f"{one['name']}{' (the best)' if one['best'] else ''}",
            size(one["predicted_bytes"]),
            size(one["measured_bytes"]) if one["verdict"] else "",
            size(one["unpacked_bytes"]) if one["verdict"] else "",
            _outcome(one),
        )
        for one in document.get("candidates", ())
        if one["offered"]
    ]
    said = [column for column in range(len(_HEAD)) if any(row[column] not in ("", UNKNOWN) for row in rows)]
    return [tuple(row[column] for column in said) for row in (_HEAD, *rows)] if rows else []


def not_offered(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names of the candidates that are not offered, and why: those with one reason together. None without one."""
    candidates = document.get("candidates", ())
    if not any(one["offered"] for one in candidates):
        return []
    names: dict[str, list[str]] = {}
    for one in candidates:
        if not one["offered"]:
            names.setdefault(_outcome(one), []).append(one["name"])
    return [(", ".join(those), why) for why, those in names.items()]


def how_it_ended(document: Mapping[str, Any]) -> str:
    """Why the search stopped, with what, and what single transformations saved; empty where nothing was searched."""
    search = document.get("search")
    if search is None:
        return ""
    kept = f"{search['best']} is kept" if search["best"] else "nothing is kept"
    return "; ".join(filter(None, (f"{kept}: {search['stopped']}", alone(search))))


def on_request_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What each transformation saves that could be asked for, the option that asks for it, and what it is.

    The first is empty where no byte is what it is for.
    """
    return [
        (_saves(one["predicted_bytes"]), f"--with {one['name']}", one["summary"])
        for one in document.get("on_request", ())
        if one["possible"]
    ]


def _saves(predicted: int | None) -> str:
    if predicted is None:
        return "saving unknown"
    return f"saves {size(predicted)}" if predicted else ""


def _candidate(one: Tried, *, best: bool) -> Json:
    rewrite, found = one.candidate.rewrite, one.verification
    predicted = rewrite.predicted_bytes if rewrite is not None else None
    image = found.after.evidence.image if found is not None and found.after.evidence is not None else None
    return {
        "name": one.candidate.name,
        "summary": one.candidate.summary,
        "offered": rewrite is not None,
        "reason": readable(one.reason),
        "predicted_bytes": predicted,
        "basis": rewrite.predicted_basis if rewrite is not None else "unknown",
        "measured_bytes": found.measured_bytes if found is not None else None,
        "unpacked_bytes": image.sizes.unpacked_bytes if image is not None else None,
        "verdict": found.verdict if found is not None else None,
        "reasons": [readable(text) for text in found.reasons] if found is not None else [],
        "best": best,
    }


def _outcome(one: Mapping[str, Any]) -> str:
    """The verdict, with the reason where it is not what was hoped for; else why it was not built, or what it is."""
    if one["verdict"] is None:
        return str(one["reason"] or one["summary"])
    if one["verdict"] == "verified" or not one["reasons"]:
        return str(one["verdict"])
    return f"{one['verdict']}: {one['reasons'][0] or UNKNOWN}"
