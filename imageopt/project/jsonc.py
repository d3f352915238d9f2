"""JSON as people write it: with comments, trailing commas and a byte order mark, as tsconfig.json allows.

The answer is always a plain dictionary: a file that holds anything else is as good as a damaged one.
"""

import json
import re
from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import read_text

Json = dict[str, object]

_STRING = r'("(?:[^"\\]|\\.)*+"?)'  # first, so that what stands in a string is left alone
_COMMENT = lazy_pattern(rf"{_STRING}|//[^\n]*|/\*(?:.*?\*/|.*)", re.DOTALL)
_COMMA = lazy_pattern(rf"{_STRING}|,(?=\s*[\]}}])", re.DOTALL)
_HALF = lazy_pattern("[\ud800-\udfff]")


def parse_object(text: str, *, comments: bool = False) -> Json | None:
    """The object in a JSON text, or None if there is none; with `comments`, JSON with comments is accepted."""
    try:
        value = json.loads(_plain(text) if comments else text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_object(root: Path, relative: str, *, comments: bool = False) -> Json | None:
    """The object in a JSON file of the project, or None."""
    text = read_text(root, relative)
    return None if text is None else parse_object(text, comments=comments)


def text_of(value: object) -> str:
    """The value if it is a string, else the empty string."""
    return _whole(value) if isinstance(value, str) else ""


def texts_of(value: object) -> dict[str, str]:
    """The pairs of an object whose values are strings, in the order written."""
    if not isinstance(value, dict):
        return {}
    return {_whole(key): _whole(item) for key, item in value.items() if isinstance(key, str) and isinstance(item, str)}


def list_of(value: object) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(_whole(item) for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def object_of(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _whole(text: str) -> str:
    """The text without halves of characters, which JSON may escape and no file can hold."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _plain(text: str) -> str:
    """The text without comments and trailing commas."""
    return _COMMA.sub(_string_or_nothing, _COMMENT.sub(_string_or_nothing, text))


def _string_or_nothing(match: re.Match[str]) -> str:
    return match[1] or ""
