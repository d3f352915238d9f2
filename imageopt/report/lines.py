"""A document's findings -> a line each, as compilers write them: `file:line:column: severity CODE what is wrong`."""

from collections.abc import Mapping
from typing import Any

from imageopt.report.names import harmless
from imageopt.report.place import place_of

Json = Mapping[str, Any]
_COLORS = {"error": "31", "warning": "33", "info": "36", "style": "36"}


def lines(document: Json, *, color: bool) -> str:
    """The findings in the document's order; nothing at all where there are none."""
    return "".join(_line(document, finding, color=color) for finding in document["findings"])


def _line(document: Json, finding: Json, *, color: bool) -> str:
    place = place_of(document, finding)
    severity = finding["severity"]
    if color:
        severity = f"\x1b[{_COLORS[severity]}m{severity}\x1b[0m"
    where = f"{harmless(place.file)}:{place.line}:{place.column}"
    rules = ", ".join((finding["rule"], *finding.get("also", ())))
    return f"{where}: {severity} {finding['code']} {harmless(finding['message']).rstrip('.')} [{rules}]\n"
