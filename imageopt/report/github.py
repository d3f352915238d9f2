"""A document's findings -> workflow commands, which GitHub shows as annotations beside the lines of a change.

What surprises: a command is one line, and what would end it or a property of it is written in percent; colons and
commas are harmless in the message and not in a property.
"""

from collections.abc import Mapping
from typing import Any

from imageopt.report.names import harmless
from imageopt.report.place import place_of

Json = Mapping[str, Any]
_LEVELS = {"error": "error", "warning": "warning", "info": "notice", "style": "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def annotations(document: Json) -> str:
    """One line for each finding, in the document's order."""
    return "".join(_annotation(document, finding) for finding in document["findings"])


def _annotation(document: Json, finding: Json) -> str:
    place = place_of(document, finding)
    properties: dict[str, object] = {"file": place.file, "line": place.line}
    if place.end_line == place.line and place.end_column is not None:  # columns mean something within one line only
        properties |= {"col": place.column, "endColumn": place.end_column}
    elif place.end_line != place.line:
        properties["endLine"] = place.end_line
    properties["title"] = f"{finding['code']} {finding['rule']}"
    told = ",".join(f"{name}={harmless(str(value)).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{_LEVELS[finding['severity']]} {told}::{harmless(finding['message']).translate(_DATA)}\n"
