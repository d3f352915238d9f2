"""A document -> one HTML file that needs nothing else: no network, light and dark, fit for a keyboard and for paper.

The template escapes everything; what is drawn without a script (treemap, bars) is computed here as plain numbers. The
one script of a page draws the maps that can be opened, from the data of `explore.py`; the policy lets no other run.
"""

import base64
import hashlib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from imageopt.report.before_after import rows, vulnerabilities_in_words
from imageopt.report.candidates import candidate_rows, how_it_ended, not_offered, on_request_rows
from imageopt.report.change_rows import config_rows, lists, sentences, size_rows
from imageopt.report.explore import explorable
from imageopt.report.names import harmless
from imageopt.report.treemap import Box, treemap
from imageopt.report.words import (
    alone,
    also,
    base_image,
    category,
    cause,
    command,
    differences,
    explained,
    headline,
    in_order,
    limit_and_value,
    lost_in_words,
    offer,
    outcome,
    percent,
    place,
    places,
    prediction,
    saving,
    scanned,
    size,
    suppressed,
    unchecked_hazards,
    what,
    where,
    why,
)

Json = Mapping[str, Any]
_WIDTH, _HEIGHT = 1000, 420
_LETTER, _LINE = 8.8, 17  # about the size of a letter in the drawing's units
_HUES = {
    "base-image": 215, "overwritten": 5, "deleted": 340, "package-manager-cache": 28, "vcs": 290,
    "dev-dependencies": 45, "production-dependencies": 150, "global-tools": 60, "build-toolchain": 18,
    "system-packages": 195, "tests-and-docs": 265, "sources": 250, "build-output": 130, "generated-data": 315,
    "application": 110, "other": 0,
}  # fmt: skip


class Tile(Struct, frozen=True):
    """One rectangle of the map with the words that fit into it."""

    x: float
    y: float
    width: float
    height: float
    hue: int
    lines: tuple[str, ...]
    title: str


def html(document: Json) -> str:
    """The whole page."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(harmless=harmless, size=size, percent=percent)
    environment.globals.update(
        also=also,
        in_order=in_order,
        suppressed=suppressed,
        category=category,
        command=command,
        place=place,
        where=where,
        saving=saving,
        what=what,
        limit_and_value=limit_and_value,
        why=why,
        cause=cause,
        offer=offer,
        words=vulnerabilities_in_words,
    )
    script = (Path(__file__).parent / "templates" / "explore.js").read_text("utf-8")
    environment.globals.update(
        data=Markup(explorable(document)),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    kind = document["schema"].removeprefix("imageopt.").partition("/")[0]
    return environment.get_template(f"{kind}.html.j2").render(document=document, **_drawn(kind, document)) + "\n"


def _drawn(kind: str, document: Json) -> dict[str, Any]:
    """What the template of this kind shows beside the document itself."""
    match kind:
        case "analysis":
            return {
                "headline": [*headline(document), base_image(document)],
                **_image(document["image"], document["findings"]),
            }
        case "verification":
            shown = document["rewrite"]
            images = [(name, document[name]["image"], document[name]["findings"]) for name in ("before", "after")]
            sides = [(name, _image(image, findings), image) for name, image, findings in images]
            return {
                "rows": rows(document),
                "bars": _bars(document),
                "changes": [
                    *differences(document["comparison"]["behaviour"]),
                    *differences(document["comparison"]["config"]),
                ],
                "lost": lost_in_words(document),
                "unchecked": [*document["not_checked"], *unchecked_hazards(document)],
                "scanned": scanned(document),
                "sentences": [
                    text for text in (prediction(document), alone(document["prediction"]), explained(document)) if text
                ],
                "diff": _diff(shown["diff"]) if shown is not None else [],
                "sides": sides,
                "maps": [drawn["tiles"] for _, drawn, _ in sides],
            }
        case "comparison":
            return {
                "sentences": sentences(document),
                "sizes": size_rows(document),
                "lists": lists(document),
                "config": config_rows(document),
            }
        case "rewrite":
            return {
                "outcome": outcome(document),
                "diff": _diff(document["diff"]),
                "follow_ups": [(item, _diff(item["diff"])) for item in document.get("follow_ups", [])],
                "candidates": candidate_rows(document),
                "not_offered": not_offered(document),
                "ended": how_it_ended(document),
                "on_request": on_request_rows(document),
            }
        case _:
            return {}


def _image(image: Json | None, findings: list[Any]) -> dict[str, Any]:
    """The map of an image and its rows; empty without an image."""
    if image is None:
        return {"tiles": [], "composition": []}
    composition = image["composition"]
    whole = image["sizes"]["unpacked_bytes"]
    tiles = []
    for box in treemap([row["bytes"] for row in composition], _WIDTH, _HEIGHT):
        row = composition[box.index]
        where = ", ".join(places(row, findings, image["layers"])[:3])
        words = category(row["category"])
        title = f"{words}: {size(row['bytes'])} {row['cause'] or ''} {where}".strip()
        tiles.append(
            Tile(
                round(box.x, 1), round(box.y, 1), round(box.width, 1), round(box.height, 1),
                _HUES.get(row["category"], 0), _fitting(words, size(row["bytes"]), box), title,
            )
        )  # fmt: skip
    table = [
        (row, percent(100 * row["bytes"] / whole if whole else None), places(row, findings, image["layers"])[:3])
        for row in composition
    ]
    return {"tiles": tiles, "composition": table}


def _fitting(words: str, detail: str, box: Box) -> tuple[str, ...]:
    """The words in as many lines as it takes, the size last; none where the box is too small for them."""
    lines = (*textwrap.wrap(words, max(1, int((box.width - 14) / _LETTER)), break_long_words=False), detail)
    widest = max(len(line) for line in lines) * _LETTER
    return lines if widest < box.width - 12 and _LINE * len(lines) < box.height - 8 else ()


def _bars(document: Json) -> list[tuple[str, str, str, float, float]]:
    """Label, both sizes in words, and both lengths in percent of the longer one."""
    found = []
    for name, label in (("download_bytes", "download"), ("unpacked_bytes", "unpacked"), ("live_bytes", "live files")):
        change = document["comparison"][name]
        before, after = change["before"], change["after"]
        if before is not None and after is not None and max(before, after):
            longest = max(before, after)
            found.append((label, size(before), size(after), 100 * before / longest, 100 * after / longest))
    return found


def _diff(text: str) -> list[tuple[str, str]]:
    """Each line of a unified diff with its class."""
    kinds = {"+": "added", "-": "removed", "@": "hunk"}
    return [
        ("file" if line.startswith(("+++ ", "--- ")) else kinds.get(line[:1], ""), line.replace("\t", "    "))
        for line in text.split("\n")[:-1]
    ]
