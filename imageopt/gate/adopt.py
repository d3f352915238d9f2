"""Today's sizes as tomorrow's budget: `[budget]` in a configuration's text, everything else left as it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imageopt.errors import InputError
from imageopt.units import format_bytes

_MARGIN = 105  # percent: an image breathes with its base image's updates
_ROUND = 1_000_000


def budget_text(text: str, document: Mapping[str, Any]) -> str:
    """The configuration with the sizes of an analysis, or of a verification's after, plus 5 %, in whole megabytes.

    Comments, order and other keys keep their bytes. Raises InputError for a document without an image.
    """
    import tomlkit

    image = document["after"]["image"] if "after" in document else document["image"]
    if image is None:
        raise InputError("there is no image to take a budget from", "add --build, or name the image with --image")
    config = tomlkit.parse(text)
    if "budget" not in config:
        config["budget"] = tomlkit.table()
    for key in ("download", "unpacked"):
        size = image["sizes"][f"{key}_bytes"]
        if size is not None:
            config["budget"][key] = f"{-(-size * _MARGIN // 100 // _ROUND)} MB"
    return tomlkit.dumps(config)


def adopt(path: Path, document: Mapping[str, Any]) -> str:
    """The new text of the configuration at `path`, whether it exists or not; what it takes is told in words."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read", "see that it is a text file that you may read") from None
    return budget_text(text, document)


def in_words(document: Mapping[str, Any]) -> str:
    """What the budget was taken from."""
    image = document["after"]["image"] if "after" in document else document["image"]
    return f"{format_bytes(image['sizes']['unpacked_bytes'])} unpacked, and 5 % more"
