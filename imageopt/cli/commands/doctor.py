"""`imageopt doctor`: what is there, what is missing, and what each missing part costs."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.options import list_options, read_alone
from imageopt.cli.output import emit_list

if TYPE_CHECKING:
    from imageopt.cli.diagnosis import Part


@click.command()
@list_options
def command(**options: Any) -> int:
    """Look for engine, builders, Trivy, its database and Textual, and say what cannot be done without them."""
    from msgspec import to_builtins

    from imageopt.cli.diagnosis import diagnose
    from imageopt.masking import sealed
    from imageopt.report.findings import tool

    read_alone(options["config"])
    parts = tuple(diagnose())
    document = {"schema": "imageopt.doctor/1", "tool": tool(), "parts": [to_builtins(part) for part in parts]}
    emit_list(sealed(document), lambda width: "".join(_lines(part, width) for part in parts), options["formats"])
    return 0


def _lines(part: "Part", width: int | None) -> str:
    start = f"{'found' if part.found else 'missing':7}  {part.name:10}  "
    found = _told(start, part.detail, width)
    return found if part.found else found + _told(" " * len(start), f"without it: {part.cost}", width)


def _told(start: str, text: str, width: int | None) -> str:
    """The text behind its start; a terminal gets lines that begin below one another."""
    if width is None:
        return f"{start}{text}\n"
    return fill(text, width, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False) + "\n"
