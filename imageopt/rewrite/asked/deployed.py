"""A package of a pnpm workspace, and what is needed of it -> what `pnpm deploy` would leave out, in words.

It copies what would be published, not what is there: "files" of package.json decides, and without it the ignore files
for npm and git do, which are rarely written with deployment in mind (a .gitignore names the build's output).
"""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from imageopt.project.files import read_text
from imageopt.project.jsonc import list_of, read_object, text_of
from imageopt.rewrite.surveyed import within

_IGNORING = (".npmignore", ".gitignore")  # the first that is there counts
_IDLE = re.compile(  # lines that name nothing a service runs or reads
    r"!.*|/?(?:\*\*/)?(?:node_modules|coverage|logs?|te?mp|Thumbs\.db|\.DS_Store|\.env[\w.*]*"
    r"|\.(?:turbo|cache|vscode|idea|nyc_output|eslintcache|pnpm-store|git\w*)"
    r"|[\w.*-]*\.(?:log\*?|tsbuildinfo|local|pid|tgz|swp))/?"
)
_MOST = 20_000  # files that are looked at


def left_out(root: Path, folder: str, needed: Iterable[str]) -> str | None:
    """The first thing that would be missing; `needed` are files and folders of the package, relative to the root."""
    data = read_object(root, f"{folder}/package.json") or {}
    if "files" in data:
        listed = [*list_of(data["files"]), text_of(data.get("main"))]
        excluded = next((entry for entry in listed if entry.startswith("!")), None)
        if excluded:
            return f'{folder}/package.json: what {excluded} of "files" leaves out is not known'
        kept = [_kept(entry) for entry in listed if entry]
        for path in needed:
            if not any(entry == "." or within(path[len(folder) + 1 :], entry) for entry in kept):
                return f'{folder}/package.json: {path} is not among the "files" that are deployed'
    return next(_hidden(root, folder, listed="files" in data), None)


def _kept(entry: str) -> str:
    """The file or folder that an entry of "files" names as a whole; a pattern stays one, and names nothing."""
    return posixpath.normpath(re.sub(r"(?:^|/)\*\*?(?:/\*)?$", "", entry.strip()).lstrip("/") or ".")


def _hidden(root: Path, folder: str, *, listed: bool) -> Iterator[str]:
    """What the ignore files hide, and links, which some releases of pnpm leave out."""
    for path in islice(_names(root / folder), _MOST):
        name = path.name
        shown = path.relative_to(root).as_posix()
        top = path.parent == root / folder
        if path.is_symlink():
            yield f"{shown} is a link, and not every release of pnpm deploys those"
        if name not in _IGNORING or (top and listed):
            continue
        if name == ".gitignore" and (path.parent / ".npmignore").exists():
            continue
        for number, line in enumerate((read_text(root, shown) or "").splitlines(), 1):
            pattern = line.strip()
            if pattern and not pattern.startswith("#") and not _IDLE.fullmatch(pattern):
                remedy = f': name what runs as "files" in {folder}/package.json' if top else ""
                yield f"{shown}:{number} keeps {pattern} out of what is deployed{remedy}"


def _names(start: Path) -> Iterator[Path]:
    """Files and links below a folder, sorted; nothing in the folders that no package is published with."""
    for folder, names, files in os.walk(start):
        names[:] = sorted(name for name in names if name not in ("node_modules", ".git"))
        for name in sorted([*files, *(name for name in names if (Path(folder) / name).is_symlink())]):
            yield Path(folder) / name
