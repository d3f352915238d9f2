"""Findings and layers of an image that is too big -> the three biggest causes, with their lines and what to do.

Findings come first, for they can be mended; where there are fewer than three, the author's biggest layers say where
the rest of the bytes is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from imageopt.gate.model import Cause

Json = Mapping[str, Any]
SHOWN = 3


def biggest_causes(image: Json, findings: Iterable[Json]) -> tuple[Cause, ...]:
    """At most three, biggest first within each kind."""
    measured = sorted((one for one in findings if one["saving"]["bytes"]), key=lambda one: -one["saving"]["bytes"])
    found = [_of_finding(one) for one in measured[:SHOWN]]
    blamed = {(cause.file, cause.line) for cause in found if cause.line is not None}
    layers = (layer for layer in image["layers"] if not layer["base"] and layer["unpacked_bytes"])
    rest = [_of_layer(layer) for layer in sorted(layers, key=lambda layer: -layer["unpacked_bytes"])]
    return (*found, *(cause for cause in rest if (cause.file, cause.line) not in blamed))[:SHOWN]


def _of_finding(finding: Json) -> Cause:
    place, saving = finding["location"] or {}, finding["saving"]
    return Cause(
        finding["rule"],
        finding["title"],
        saving["bytes"],
        saving["basis"],
        place.get("file"),
        place.get("line"),
        finding["fix"]["text"],
    )


def _of_layer(layer: Json) -> Cause:
    made = layer["instruction"] or {}
    text = made.get("text") or layer["created_by"] or f"layer {layer['index']}"
    words = " ".join(text.split())
    return Cause(None, words[:120], layer["unpacked_bytes"], "exact", made.get("file"), made.get("line"), "")
