"""A verification's document -> what a commit message tells of it; a document of another change is refused."""

from collections.abc import Mapping
from typing import Any

from imageopt.errors import InputError
from imageopt.masking import masked
from imageopt.report.before_after import FAILED, NOT_DONE, rows
from imageopt.report.rewrite import rewrite_section
from imageopt.report.words import UNKNOWN, prediction
from imageopt.rewrite.commit_message import Measured
from imageopt.rewrite.model import Rewrite


def measured(document: Any, rewrite: Rewrite) -> Measured:
    """What was measured of this rewrite; rows without a figure on either side are left out.

    Raises InputError where the document is no verification, or that of another change.
    """
    if not isinstance(document, Mapping) or document.get("schema") != "imageopt.verification/1":
        raise InputError("the result is no verification", "make one with imageopt verify --format json=FILE")
    try:
        if _change(document["rewrite"]) != _change(rewrite_section(rewrite)):
            raise InputError(
                "the result measures another change than the one proposed now", "run imageopt verify again"
            )
        sizes = document["comparison"]["unpacked_bytes"]
        return Measured(
            verdict=str(document["verdict"]),
            reasons=tuple(str(reason) for reason in document["reasons"]),
            rows=tuple(
                (row.label, row.before, row.after, row.change)
                for row in rows(document)
                if not {row.before, row.after} <= {UNKNOWN, NOT_DONE, FAILED}
            ),
            before_bytes=_count(sizes["before"]),
            after_bytes=_count(sizes["after"]),
            predicted=prediction(document),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError("the result is damaged", "make it again with imageopt verify --format json=FILE") from None


def _change(section: Any) -> tuple[Any, str] | None:
    """What tells one rewrite from another, as a document shows it: the files and the diff, secrets masked."""
    if section is None:
        return None  # a Dockerfile of the user's own was measured
    return section["files"], masked(section["diff"])


def _count(value: Any) -> int | None:
    return None if value is None else int(value)
