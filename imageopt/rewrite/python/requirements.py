"""Requirement files -> the names of packages, the other files they include, and what needs the sources themselves."""

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from imageopt.project.files import exists, read_text

_INCLUDES = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_LOCAL = re.compile(r"(?:-e|--editable)\b|\.{0,2}/|file:")
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)")
_LOCKED = re.compile(r'^name = "([^"]+)"', re.MULTILINE)
_MOST = 40


class Requirements(Struct, frozen=True):
    """`files` with all that they include, in order; `names` are normalised; `local`: why sources are needed."""

    files: tuple[str, ...]
    names: frozenset[str]
    local: str


def read_requirements(root: Path, paths: Iterable[str]) -> Requirements:
    """What the files of the project ask for; a file that is not there is left out."""
    files: list[str] = []
    names: set[str] = set()
    local = ""
    waiting = list(paths)
    while waiting and len(files) < _MOST:
        path = waiting.pop(0)
        if path in files or not exists(root, path):
            continue
        files.append(path)
        if path.endswith(".lock"):
            names |= {_normal(name) for name in _LOCKED.findall(read_text(root, path) or "")}
        for number, line in enumerate(() if path.endswith((".lock", ".toml")) else _lines(root, path), 1):
            included = _INCLUDES.match(line)
            if included:
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), included[1])))
            elif _LOCAL.match(line):
                local = local or f"{path}:{number} installs from the project itself"
            elif name := _NAME.match(line):
                names.add(_normal(name[1]))
    return Requirements(tuple(files), frozenset(names), local)


def _lines(root: Path, path: str) -> list[str]:
    return [line.partition(" #")[0].strip() for line in (read_text(root, path) or "").splitlines()]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
