"""A JSON document -> what a person or a program reads, in any format.

Renderers know documents only, never the values a document was made from: whatever a result shows when it is fresh, it
shows when it is read back from its file.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from imageopt.errors import InputError, UsageError

if TYPE_CHECKING:
    from imageopt.report.terminal.canvas import Canvas

Json = Mapping[str, Any]
FORMATS: tuple[str, ...] = ("terminal", "json", "markdown", "html")
OF_FINDINGS: tuple[str, ...] = ("sarif", "codequality", "github")  # formats that speak of findings alone
OF_CASES: tuple[str, ...] = ("junit", "csv")  # a row for each finding, check or measurement
OF_NUMBERS: tuple[str, ...] = ("openmetrics", "dotenv")
ALL: tuple[str, ...] = (*FORMATS, *OF_FINDINGS, *OF_CASES, *OF_NUMBERS)
LINT = "imageopt.lint/1"
SCHEMAS: tuple[str, ...] = (
    "imageopt.analysis/1",
    "imageopt.verification/1",
    "imageopt.comparison/1",
    "imageopt.gate/1",
    "imageopt.rewrite/1",
    LINT,
)


def formats_of(schema: object) -> tuple[str, ...]:
    """The formats that a document of the schema can be shown in."""
    match schema:
        case "imageopt.lint/1":
            return ("terminal", "json", *OF_FINDINGS, *OF_CASES)
        case "imageopt.analysis/1":
            return ALL
        case "imageopt.verification/1" | "imageopt.gate/1" | "imageopt.rewrite/1":
            return (*FORMATS, *OF_CASES, *OF_NUMBERS)
        case _:
            return FORMATS


def render(document: Json, format: str, *, color: bool, width: int | None, plain: bool) -> str:  # noqa: A002
    """The document as text, with a newline at its end.

    `width` is the terminal's in columns, None for a usual one; `plain` means that there is no terminal. Raises
    InputError for a document that is not imageopt's, UsageError for a format that is not one of `formats_of`.
    """
    schema = document.get("schema")
    if schema not in SCHEMAS:
        raise InputError(
            f"{schema!r} is not the schema of a result that this version reads",
            f"give it a file that --format json wrote; it reads {', '.join(SCHEMAS)}",
        )
    if format not in (known := formats_of(schema)):
        raise UsageError(f"there is no format {format!r} of {schema}", f"take one of {', '.join(known)}")
    if format == "json":
        from imageopt.report.json_text import dumps

        return dumps(document)
    try:
        if schema == LINT and format == "terminal":  # a line has nothing that an older version did not tell
            from imageopt.report.lines import lines

            return lines(document, color=color)
        from imageopt.report.older import completed

        document = completed(document)
        if format not in FORMATS:
            return _for_programs(document, format)
        if format == "terminal":
            return _terminal(document, color=color, width=width, plain=plain)
        if format == "markdown":
            from imageopt.report.markdown import markdown

            return markdown(document)
        from imageopt.report.html import html

        return html(document)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f"the document says it is {schema}, but it is not as its schema asks ({type(error).__name__}: {error})",
            "give it a file as --format json wrote it",
        ) from error


def _for_programs(document: Json, format: str) -> str:  # noqa: A002
    match format:
        case "sarif":
            from imageopt.report.sarif import sarif

            return sarif(document)
        case "codequality":
            from imageopt.report.codequality import code_quality

            return code_quality(document)
        case "github":
            from imageopt.report.github import annotations

            return annotations(document)
        case "junit":
            from imageopt.report.junit import junit

            return junit(document)
        case "csv":
            from imageopt.report.csv import csv

            return csv(document)
        case "openmetrics":
            from imageopt.report.openmetrics import openmetrics

            return openmetrics(document)
        case _:
            from imageopt.report.dotenv import dotenv

            return dotenv(document)


def _terminal(document: Json, *, color: bool, width: int | None, plain: bool) -> str:
    from imageopt.report.terminal.canvas import DEFAULT_WIDTH, Canvas

    canvas = Canvas(color=color, width=width or DEFAULT_WIDTH, plain=plain)
    _drawer(document["schema"])(canvas, document)
    return canvas.text()


def _drawer(schema: str) -> "Callable[[Canvas, Json], None]":
    match schema:
        case "imageopt.analysis/1":
            from imageopt.report.terminal.analysis import draw_analysis

            return draw_analysis
        case "imageopt.verification/1":
            from imageopt.report.terminal.verification import draw_verification

            return draw_verification
        case "imageopt.comparison/1":
            from imageopt.report.terminal.comparison import draw_comparison

            return draw_comparison
        case "imageopt.gate/1":
            from imageopt.report.terminal.gate import draw_gate

            return draw_gate
        case _:
            from imageopt.report.terminal.rewrite import draw_rewrite

            return draw_rewrite
