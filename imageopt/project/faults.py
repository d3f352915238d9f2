"""What is wrong with a file that cannot be read, in one line that begins with `path:line`."""

import json
import re

from imageopt.lazy_pattern import lazy_pattern

_CONFLICT = lazy_pattern(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)


def conflict_line(text: str) -> int | None:
    """The line (from 1) of the first mark that an unsolved merge left; None where there is none."""
    if "<<<<<<<" not in text and ">>>>>>>" not in text:  # the usual case, and much faster
        return None
    match = _CONFLICT.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else None


def json_fault(path: str, text: str) -> str:
    """Why a text that should be a JSON object is none."""
    conflict = conflict_line(text)
    if conflict is not None:
        return f"{path}:{conflict}: it holds the marks of an unsolved merge"
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{path}:{error.lineno}: it is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    except (ValueError, RecursionError):
        return f"{path}:1: it is not JSON that can be read: it nests too deep or holds too long a number"
    return f"{path}:1: it is not a JSON object"


def line_of(text: str, words: str) -> int:
    """The line (from 1) where `words` first stand; 1 where they do not."""
    return text.count("\n", 0, max(text.find(words), 0)) + 1
