"""Files, folders and `-` -> the Dockerfiles to lint, in the order they were named and by name within a folder.

What surprises: a file that is named is read whatever it is called; only in folders does the name decide.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern

_SKIPPED = frozenset(("node_modules", ".git", "vendor", ".venv", "venv", "site-packages"))
_NAMED_LIKE_ONE = lazy_pattern(r"(?:.+\.)?(?:docker|container)file(?:[.-].+)?", re.IGNORECASE)
_OTHERWISE = (  # what these ends belong to is about a Dockerfile, or a template of one
    ".dockerignore", ".md", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".erb", ".ejs", ".hbs", ".mustache",
    ".py", ".pyc", ".pyi", ".so", ".js", ".ts", ".json", ".yml", ".yaml", ".toml", ".lock", ".html", ".sh",
    ".orig", ".rej",
)  # fmt: skip


class Named(Struct, frozen=True):
    """A Dockerfile: where it is, and the name it is reported under, which is relative to the current folder."""

    path: Path
    name: str


def find_dockerfiles(names: Iterable[str], stdin_name: str) -> Iterator[Named]:
    """The Dockerfiles that are meant, each once. Raises InputError where a folder holds none, or a name is nothing."""
    seen: set[str] = set()
    for name in names:
        path = Path(name)
        if name == "-":
            found = [Named(Path("/dev/stdin"), _from_here(stdin_name))]
        elif path.is_dir():
            found = [Named(file, _from_here(str(file))) for file in _inside(path)]
            if not found:
                raise InputError(f"there is no Dockerfile in {name}", "name the Dockerfiles to check")
        else:
            found = [Named(path, _from_here(name))]
        for one in found:
            if one.name not in seen:
                seen.add(one.name)
                yield one


def _inside(folder: Path) -> Iterator[Path]:
    """The Dockerfiles below a folder; links to folders are not followed, for they may lead anywhere."""
    for place, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(files):
            file = Path(place, name)
            if _NAMED_LIKE_ONE.fullmatch(name) and not name.lower().endswith(_OTHERWISE) and file.is_file():
                yield file


def _unreadable(error: OSError) -> None:
    sys.stderr.write(f"imageopt: {error.filename} is passed over: {error.strerror}\n")


def _from_here(name: str) -> str:
    """The name relative to the current folder if it is below it, else as it was given."""
    if name == "-" or (Path(name).is_absolute() and not Path(name).is_relative_to(Path.cwd())):
        return name
    return os.path.relpath(name)
