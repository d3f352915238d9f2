"""A document -> the data of the map that can be opened, as JSON for the page's script.

What surprises: it stands in a `<script>` that is data, where HTML knows no escapes, so whatever could end it is spelled
as JSON spells it. Names are made harmless here; the script only ever shows them as text.
"""

import json
from collections.abc import Mapping
from typing import Any

from imageopt.report.names import harmless
from imageopt.report.words import by_category, category, command, place, together

Json = Mapping[str, Any]
_PACKAGES = 1_000  # of one manager: the rest is one row
_LABEL = 120  # characters of an instruction


def explorable(document: Json) -> str:
    """The JSON, empty where there is no image to open: one side of an analysis, two of a verification."""
    match document["schema"]:
        case "imageopt.analysis/1":
            sides = [("", document)]
        case "imageopt.verification/1":
            sides = [("before", document["before"]), ("after", document["after"])]
        case _:
            sides = []
    shown = [_side(name, side) for name, side in sides if side["image"] is not None]
    if not shown:
        return ""
    text = json.dumps({"sides": shown}, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _side(name: str, side: Json) -> Json:
    image, findings = side["image"], side["findings"]
    return {
        "name": name,
        "layers": [_made_by(layer) for layer in image["layers"]],
        "folders": [
            [harmless(row["path"]), row["layer"], row["bytes"], row["wasted_bytes"]] for row in image.get("folders", ())
        ],
        "packages": [row for manager in image.get("packages", ()) for row in _packages(manager)],
        "kinds": [
            [
                category(rows[0]["category"]),
                ", ".join(together(rows, findings, image["layers"])[:3]),
                sum(row["bytes"] for row in rows),
            ]
            for rows in by_category(image["composition"])
        ],
    }


def _made_by(layer: Json) -> str:
    made = layer["instruction"]
    words = made["text"] if made is not None else layer["created_by"] or ""
    return f"{place(made)} {command(words, _LABEL)}".strip()


def _packages(manager: Json) -> list[list[object]]:
    name, items = manager["manager"], manager["items"]
    rows = [
        [name, f"{harmless(item['name'])} {harmless(item['version'])}", item["bytes"]] for item in items[:_PACKAGES]
    ]
    rest = sum(item["bytes"] for item in items[_PACKAGES:])
    return [*rows, [name, f"{len(items) - _PACKAGES} smaller", rest]] if rest else rows
