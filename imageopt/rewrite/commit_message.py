"""A rewrite -> the message to commit it with: what it saves, measured or predicted, and the reason for each change.

Reasons carry names and scripts out of the project, which are a stranger's. They stand in indented items, so that none
begins a line: a line of its own could be a sign-off, a comment that git drops, or the end of the message. What a forge
acts on wherever it stands is spelled so that it does not.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence

from msgspec import Struct

from imageopt.errors import one_line
from imageopt.masking import masked
from imageopt.rewrite.model import Rewrite
from imageopt.units import format_bytes

_COLUMNS = 72
_WIDEST = (24, 11, 11, 14)  # with the gaps between them and the indent they fill the columns
_ACTED_ON = (
    # [skip ci], [ci skip], [no ci]: the pipeline would not run
    (re.compile(r"\[([^\[\]]*\b(?:skip|no)\b[^\[\]]*)\]|\[([^\[\]]*\bskip\b[^\[\]]*)\]", re.IGNORECASE), r"(\1\2)"),
    (re.compile(r"\*\*\*(\s*NO_CI\s*)\*\*\*", re.IGNORECASE), r"\1"),
    # Closes #12, Closes https://…/issues/12: an issue would be closed
    (re.compile(r"#(?=\w)"), "# "),
    (re.compile(r"https?://(?=\S*/(?:issues|work_items|merge_requests|pull|epics)/\d)", re.IGNORECASE), ""),
)


class Measured(Struct, frozen=True):
    """What a verification measured. `rows` are its table in words: what, before, after, and the difference.

    The sizes are unpacked bytes, None where they are not known; `predicted` says how far the prediction was off.
    """

    verdict: str
    reasons: tuple[str, ...]
    rows: tuple[tuple[str, str, str, str], ...]
    before_bytes: int | None
    after_bytes: int | None
    predicted: str


def commit_message(rewrite: Rewrite, measured: Measured | None = None) -> str:
    """The message: a subject under 72 columns, paragraphs and a table within 72; empty where nothing changes."""
    if not rewrite.changes:
        return ""
    paragraphs = [
        _subject(rewrite, measured),
        *(_measurement(measured) if measured is not None else _prediction(rewrite)),
        "What changes, and why:",
        _items(f"{done.name}: {done.reason}" for done in rewrite.transformed),
        "Not done, and why:" if rewrite.refusals else "",
        _items(f"{refused.name}: {refused.reason}" for refused in rewrite.refusals),
        "Good to know:" if rewrite.notes else "",
        _items(rewrite.notes),
        "Files:",
        _items(f"{change.path}{' (new)' if change.before is None else ''}" for change in rewrite.changes),
        "Proposed by imageopt.",  # nobody else's text is the last paragraph, where sign-offs stand
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _subject(rewrite: Rewrite, measured: Measured | None) -> str:
    if measured is None:
        saved = rewrite.predicted_bytes
        if saved is None or saved <= 0:
            return "Rewrite the Dockerfile for a smaller image"
        return f"Shrink the image by about {format_bytes(saved)} (predicted)"
    before, after = measured.before_bytes, measured.after_bytes
    if before is None or after is None or after >= before:
        return "Rewrite the Dockerfile"
    return f"Shrink the image from {format_bytes(before)} to {format_bytes(after)}"


def _prediction(rewrite: Rewrite) -> Iterator[str]:
    if rewrite.predicted_bytes is None:
        yield _wrapped("What it saves was neither measured nor could it be predicted.")
        return
    basis = {"exact": "counted in the image as it is", "estimate": "an estimate", "unknown": "its basis is not known"}
    yield _wrapped(
        f"A prediction, not measured: {format_bytes(rewrite.predicted_bytes)} less to unpack"
        f" ({basis[rewrite.predicted_basis]})."
    )


def _measurement(measured: Measured) -> Iterator[str]:
    yield _wrapped("Measured: both versions were built, and run and scanned where that could be done.")
    yield _table(measured.rows)
    predicted = f"; {_harmless(measured.predicted)}" if measured.predicted else ""
    yield _wrapped(f"Verdict: {_harmless(measured.verdict)}{predicted}.", others="  ")
    yield _items(measured.reasons)


def _table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    cells = [("", "before", "after", ""), *rows]
    cut = [tuple(_harmless(cell)[:widest] for cell, widest in zip(row, _WIDEST, strict=True)) for row in cells]
    wide = [max(len(row[column]) for row in cut) for column in range(4)]
    lines = (
        f"  {label:<{wide[0]}}  {before:>{wide[1]}}  {after:>{wide[2]}}  {change}"
        for label, before, after, change in cut
    )
    return "\n".join(line.rstrip() for line in lines)


def _items(texts: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(_wrapped(_harmless(text), "- ", "  ") for text in texts)


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    return textwrap.fill(text.strip(), _COLUMNS, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _harmless(text: str) -> str:
    """The text on one line, without secrets and without what a forge would act on."""
    text = " ".join(masked(one_line(text)).split())
    for pattern, into in _ACTED_ON:
        text = pattern.sub(into, text)
    return text
