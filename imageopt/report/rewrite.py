"""A rewrite -> its JSON document `imageopt.rewrite/1`.

The diff travels as text; it is made harmless for a screen where it is made, and shows no more of a file than changes.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from imageopt.report.findings import dated, tool
from imageopt.report.names import readable
from imageopt.rewrite.diff import file_diff, unified
from imageopt.rewrite.model import Rewrite

if TYPE_CHECKING:
    from imageopt.verify.best import Search


def rewrite_document(
    rewrite: Rewrite, reference: str, search: "Search | None" = None, day: date | None = None
) -> dict[str, Any]:
    """The document of a proposal for the project `reference`, as judged on this day, with what else could be made."""
    from imageopt.report.candidates import candidates_section

    return {
        "schema": "imageopt.rewrite/1",
        "tool": tool(),
        "timing": dated(day),
        "reference": readable(reference),
        **rewrite_section(rewrite),
        "on_request": [
            {
                "name": one.name,
                "summary": one.summary,
                "possible": not one.reason,
                "reason": readable(one.reason),
                "predicted_bytes": one.predicted_bytes,
            }
            for one in rewrite.on_request
        ],
        **(candidates_section(search) if search is not None else {}),
    }


def rewrite_section(rewrite: Rewrite) -> dict[str, Any]:
    """What a rewrite changes and why; a verification's document holds it too."""
    return {
        "outcome": rewrite.outcome,
        "prediction": {
            "bytes": rewrite.predicted_bytes,
            "basis": rewrite.predicted_basis,
            "expected_bytes": rewrite.expected_bytes,
            "proofs": rewrite.expected_by,
        },
        "files": [{"path": readable(change.path), "new": change.before is None} for change in rewrite.changes],
        "transforms": [
            {
                "name": done.name,
                "safety": done.safety,
                "reason": readable(done.reason),
                "rules": list(done.rules),
                "predicted_bytes": done.predicted_bytes,
            }
            for done in rewrite.transformed
        ],
        "refusals": [{"name": refused.name, "reason": readable(refused.reason)} for refused in rewrite.refusals],
        "notes": [readable(note) for note in rewrite.notes],
        "follow_ups": [
            {
                "path": readable(item.path),
                "reason": readable(item.reason),
                "diff": "" if item.change is None else file_diff(item.change),
            }
            for item in rewrite.follow_ups
        ],
        "diff": unified(rewrite),
    }
