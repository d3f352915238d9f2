"""The only way the project package reads the folder: bounded, and never through a symlink that leaves it.

A source folder is a stranger's: a file may be huge, a link may point at `/etc`, a name may not be UTF-8. What cannot
be read is None; the caller says what that means.
"""

import os
import stat
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

SOURCE_SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_TEXT_LIMIT = 2_000_000
_SOURCE_LIMIT = 1_000_000
_SOURCES_LIMIT = 2_000
_SKIPPED_FOLDERS = {"node_modules", "bower_components", "coverage", "vendor"}
_TEST_FOLDERS = {"test", "tests", "__tests__", "__mocks__", "spec", "e2e", "cypress", "fixtures"}


def inside(root: Path, relative: str) -> Path | None:
    """The real path of `relative`, or None when it leaves the root (by `..`, an absolute path or a symlink)."""
    try:
        base = os.path.realpath(root)
        real = os.path.realpath(os.path.join(base, relative))  # noqa: PTH118 (half of what pathlib takes)
    except (OSError, ValueError):  # a name with a zero byte
        return None
    if os.path.islink(real):  # noqa: PTH114 (a loop of links, which leads nowhere)
        return None
    return Path(real) if real == base or real.startswith(base.rstrip("/") + "/") else None


def exists(root: Path, relative: str) -> bool:
    """Whether `relative` is a file or folder inside the root."""
    path = inside(root, relative) if _is_there(root, relative) else None
    return path is not None and path.exists()


def _is_there(root: Path, relative: str) -> bool:
    """Whether there is anything of the name, be it a link: most names that are asked for are not there at all."""
    try:
        return os.path.lexists(os.path.join(root, relative))  # noqa: PTH118
    except ValueError:
        return False


def is_folder(root: Path, relative: str) -> bool:
    """Whether `relative` is a folder inside the root."""
    path = inside(root, relative)
    return path is not None and path.is_dir()


def read_text(root: Path, relative: str, *, limit: int = _TEXT_LIMIT) -> str | None:
    """The text of a regular file inside the root, without a byte order mark; None if it is absent or over the limit."""
    path = inside(root, relative) if _is_there(root, relative) else None
    try:
        if path is None or not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > limit:
            return None
        return path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:
        return None


def top_names(root: Path) -> tuple[str, ...]:
    """The names in the root folder, sorted; empty if it cannot be read."""
    try:
        return tuple(sorted(os.listdir(root)))  # noqa: PTH208 (names, not paths, are wanted)
    except OSError:
        return ()


def source_files(root: Path, skipped: Collection[str] = (), start: str = "") -> tuple[str, ...]:
    """JavaScript and TypeScript files below `start`, sorted: no packages, no tests, no hidden or `skipped` folders."""
    found: list[str] = []
    for relative in _walk(root, start, {folder.rstrip("/") for folder in skipped}):
        if len(found) == _SOURCES_LIMIT:
            break
        name = PurePosixPath(relative).name
        if not name.endswith(SOURCE_SUFFIXES) or name.endswith((".d.ts", ".min.js")):
            continue
        if {"test", "spec"} & set(name.split(".")[1:-1]):
            continue
        found.append(relative)
    return tuple(found)


def files_named(root: Path, suffixes: tuple[str, ...], skipped: Collection[str] = ()) -> tuple[str, ...]:
    """The files whose names end so, sorted, in the folders that `source_files` looks into."""
    named = (path for path in _walk(root, "", {folder.rstrip("/") for folder in skipped}) if path.endswith(suffixes))
    return tuple(islice(named, _SOURCES_LIMIT))


def read_source(root: Path, relative: str) -> str:
    """The text of a source file; empty where it cannot be read or is too large to be written by hand."""
    return read_text(root, relative, limit=_SOURCE_LIMIT) or ""


def _walk(root: Path, start: str, skipped: set[str]) -> Iterator[str]:
    for folder, names, files in os.walk(root / start):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        names[:] = sorted(
            name
            for name in names
            if name not in _SKIPPED_FOLDERS | _TEST_FOLDERS
            and not name.startswith(".")
            and f"{prefix}{name}" not in skipped
        )
        for name in sorted(files):
            yield prefix + name
