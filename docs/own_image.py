"""Puts the figures of imageopt's own image into README.md: `python docs/own_image.py analysis.json`.

The analysis is that of this folder: `imageopt analyze . --build --format json=analysis.json`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imageopt.units import format_bytes

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- image:begin -->", "<!-- image:end -->"
WORTH_A_ROW = 1_000_000


def table(image: dict[str, Any]) -> Iterator[str]:
    """The image's size, and of what: a row for the base image and for each layer above it of a megabyte or more."""
    layers, sizes = image["layers"], image["sizes"]
    base = sum(layer["unpacked_bytes"] for layer in layers if layer["base"])
    added = [layer for layer in layers if not layer["base"] and layer["unpacked_bytes"] >= WORTH_A_ROW]
    rows = [(base, image["base"]["reference"])]
    rows += [(layer["unpacked_bytes"], layer["instruction"]["text"]) for layer in added]
    wasted = format_bytes(sizes["wasted_bytes"])
    yield f"| {format_bytes(sizes['unpacked_bytes'])} | imageopt's image, {wasted} of it wasted |"
    yield "|--:|---|"
    yield from (f"| {format_bytes(size)} | `{text}` |" for size, text in rows)


def main(result: Path) -> None:
    text = README.read_text("utf-8")
    lines = table(json.loads(result.read_text("utf-8"))["image"])
    before, rest = text.split(BEGIN)
    README.write_text("\n".join([f"{before}{BEGIN}", *lines, f"{END}{rest.split(END)[1]}"]), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
