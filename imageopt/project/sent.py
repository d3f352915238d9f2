"""What a build is sent of a part of the folder: its files, the ignore file applied.

What surprises: a folder that is ignored itself may still hold files that a `!` brings back, so only a walk tells. The
walk is bounded, and what it did not come to is not known.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from imageopt.dockerfile.ignore import IgnoreRules
from imageopt.dockerfile.paths import PathPattern
from imageopt.project.files import inside

_MOST_ENTRIES = 20_000
_MOST_FOLDERS = 500


class TooMany(Exception):
    """The folder holds more entries than are looked at."""


def sent_files(root: Path, rules: IgnoreRules, below: str) -> Iterator[str]:
    """The files at or below a path that reach the build, relative to the root, sorted within each folder.

    Raises TooMany after some ten thousand entries.
    """
    start = inside(root, below)
    if start is None or not start.is_dir():
        if start is not None and start.exists() and not rules.excludes(below):
            yield below
        return
    seen = 0
    for folder, names, files in os.walk(root / below):
        relative = Path(folder).relative_to(root).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        names[:] = sorted(name for name in names if rules.may_hold_included(prefix + name))
        seen += len(names) + len(files)
        if seen > _MOST_ENTRIES:
            raise TooMany
        yield from (prefix + name for name in sorted(files) if not rules.excludes(prefix + name))


def survives(root: Path, rules: IgnoreRules, path: str) -> bool | None:
    """Whether anything at or below the path reaches the build; None where the path is not there or is too big."""
    found = inside(root, path)
    if found is None or not found.exists():
        return None
    if not rules.patterns or (found.is_dir() and not any(found.iterdir())):
        return not rules.excludes(path) or rules.may_hold_included(path)
    try:
        return next(sent_files(root, rules, path), None) is not None
    except (TooMany, OSError):
        return None


def matching_paths(root: Path, pattern: str) -> list[str]:
    """The paths in the folder that a COPY's pattern takes, sorted: `*`, `?` and brackets within a name, no `**`."""
    found = [""]
    for part in pattern.split("/"):
        parsed = PathPattern.parse(part)
        below: list[str] = []
        for folder in found[:_MOST_FOLDERS]:
            here = inside(root, folder)
            if parsed is None or here is None or not here.is_dir():
                continue
            prefix = f"{folder}/" if folder else ""
            below += (prefix + name for name in sorted(os.listdir(here)) if parsed.matches(name))  # noqa: PTH208
        found = below
    return found
