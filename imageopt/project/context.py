"""The build context: what a `COPY . .` would send, .dockerignore applied, counted by top-level name.

BuildKit takes `<Dockerfile>.dockerignore` before `.dockerignore`. Symlinks are sent as links, so they weigh nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from imageopt.dockerfile.ignore import IgnoreRules
from imageopt.project.files import read_text

_ENTRIES_LIMIT = 300_000


def ignore_file(root: Path, dockerfile_path: str) -> str:
    """The path of the ignore file that counts for this Dockerfile, whether or not it is there."""
    own = f"{dockerfile_path}.dockerignore"
    return own if read_text(root, own) is not None else ".dockerignore"


def context_bytes(root: Path, ignored: IgnoreRules) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Bytes of regular files per top-level name, biggest first, names of 0 bytes included; and what went wrong."""
    totals: dict[str, int] = {}
    seen = 0
    for folder, names, files in os.walk(root):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        links = [name for name in names if Path(folder, name).is_symlink()]
        names[:] = sorted(name for name in names if ignored.may_hold_included(prefix + name))
        for name in sorted(files) + sorted(links):
            seen += 1
            path = prefix + name
            if not ignored.excludes(path):
                top = path.partition("/")[0]
                totals[top] = totals.get(top, 0) + _size(Path(folder) / name)
        if seen > _ENTRIES_LIMIT:
            return _sorted(totals), (f"the folder holds more than {_ENTRIES_LIMIT} files; the rest was not counted",)
    return _sorted(totals), ()


def _sorted(totals: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else path.stat().st_size
    except OSError:
        return 0
