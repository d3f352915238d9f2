"""JSON documents in an image, read without trust: what is no object, or no text, is as if it were not there."""

import json
from typing import Any


def json_value(data: bytes | str) -> Any:
    """The value; None where the text is damaged."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def json_object(data: bytes | str) -> dict[str, Any]:
    """The object; an empty one for anything else."""
    value = json_value(data)
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """The text, fit for any output (JSON can spell half a character); an empty one for anything else."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects in a list; what is no object, or no list, is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_of(value: object) -> list[str]:
    """The texts in a list, or the keys of an object; anything else is left out."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | dict) else []
