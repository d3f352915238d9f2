"""Where in a repository a document's finding is, for the formats that can only speak of lines of files."""

import posixpath
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Json = Mapping[str, Any]


class Place(Struct, frozen=True):
    """A span of a file; lines and columns start at 1, and `end_column` is None where only lines are known."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int | None


def place_of(document: Json, finding: Json) -> Place:
    """The finding's own place, else line 1 of the Dockerfile: a format that asks for a line cannot be told of none."""
    place = finding["location"]
    folder = (document.get("target") or {}).get("folder") or ""
    if place is None:
        return Place(_joined(folder, _dockerfile(document)), 1, 1, 1, None)
    file = _joined(folder, place["file"])
    return Place(file, place["line"], place["column"], place["end_line"], place.get("end_column"))


def _joined(folder: str, file: str) -> str:
    """The file as seen from where the analysis was made: a result names it from its project's folder."""
    return posixpath.normpath(posixpath.join(folder, file)) if folder else file


def _dockerfile(document: Json) -> str:
    """The Dockerfile that the document is about, as far as it names one."""
    places = (finding["location"] for finding in document["findings"] if finding["location"] is not None)
    layers = ((document.get("image") or {}).get("layers")) or ()
    made = (layer["instruction"] for layer in layers if layer["instruction"] is not None)
    names = [*(layer["file"] for layer in made), *(place["file"] for place in places), *document.get("files", ())]
    return next(iter(names), "Dockerfile")
