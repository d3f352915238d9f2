"""A JSON document -> its text.

A document is the whole of a result: every renderer shows a document, none asks the values it was made from, so that
a result read back from a file shows the same as one that was just made.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_TURNS_TEXT = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks of direction: exact, but only as escapes
_SHORT = 100_000  # characters; loading the other encoder takes longer than laying these out


def dumps(document: Mapping[str, Any]) -> str:
    """The document as JSON with a newline at its end; equal documents give equal bytes."""
    compact = json.dumps(document, ensure_ascii=False, allow_nan=False)
    if len(compact) > _SHORT:
        import msgspec

        try:  # the standard library lays out with an encoder written in Python, which takes ten times as long as this
            return _escaped(msgspec.json.format(compact, indent=2)) + "\n"
        except UnicodeEncodeError:  # a name that is not UTF-8
            pass
    return _escaped(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _escaped(text: str) -> str:
    return _TURNS_TEXT.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text)
