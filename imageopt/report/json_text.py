"""A JSON document -> its text.

A document is the whole of a result: every renderer shows a document, none asks the values it was made from, so that
a result read back from a file shows the same as one that was just made.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from imageopt.lazy_pattern import lazy_pattern

_TURNS_TEXT = lazy_pattern("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks of direction: exact, but only as escapes


def dumps(document: Mapping[str, Any]) -> str:
    """The document as JSON with a newline at its end; equal documents give equal bytes."""
    try:  # the standard library lays out with an encoder written in Python, which takes ten times as long
        text = (msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n").decode()
    except (UnicodeEncodeError, OverflowError):  # a name that is not UTF-8, a number of more than 64 bits
        import json

        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text if text.isascii() else _TURNS_TEXT.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text)
