"""A rewrite as a unified diff that is safe to print: what it shows of a file can never drive the terminal.

Where both sides end their lines with CRLF the ends are not shown; where they differ, they are, as `\\r`.
"""

import difflib
from collections.abc import Iterator

from imageopt.rewrite.model import FileChange, Rewrite

_KEPT = {"\t", "\n"}


def unified(rewrite: Rewrite) -> str:
    """The diff of all changes, in their order; empty where nothing changes. A change with a summary is one line."""
    return "".join(map(file_diff, rewrite.changes))


def file_diff(change: FileChange) -> str:
    """The diff of one file; empty where it does not change."""
    return "".join(_file(change))


def _file(change: FileChange) -> Iterator[str]:
    name = _shown(change.path)
    old = "/dev/null" if change.before is None else f"a/{name}"
    if change.summary:
        yield f"--- {old}\n+++ b/{name}\n\\ {_shown(change.summary)}\n"
        return
    before, after = _lines(change.before or b""), _lines(change.after)
    hides_ends = _ends_with_crlf(before) and _ends_with_crlf(after)
    for line in difflib.unified_diff(before, after, old, f"b/{name}"):
        shown = f"{line[:-2]}\n" if hides_ends and line.endswith("\r\n") else line
        yield _shown(shown)
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[str]:
    """The lines with their ends; only a newline ends one, whatever else Unicode takes for a line end."""
    text = data.decode("utf-8", "backslashreplace")
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _ends_with_crlf(lines: list[str]) -> bool:
    return all(line.endswith("\r\n") for line in lines if line.endswith("\n"))


def _shown(line: str) -> str:
    """The line with control characters and invisible direction marks spelled out."""
    return "".join(c if c in _KEPT or c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
