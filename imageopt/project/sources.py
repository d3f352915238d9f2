"""The source files that the started service is made of, found from its entry along its imports.

A script for developers may write anywhere and listen on anything; only files the entry reaches count. Where the way
cannot be followed (no known entry, a computed import, an alias), every source file counts instead.
"""

import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.builds import Build
from imageopt.project.files import SOURCE_SUFFIXES, read_source, source_files
from imageopt.project.javascript import constants, without_comments
from imageopt.project.model import StartCommand
from imageopt.project.places import Scope
from imageopt.project.start import entry_of

IMPORT = lazy_pattern(
    r"(?:\bfrom\s*|\bimport\s*|\brequire\s*\(\s*|\bimport\s*\(\s*|\brequire\.resolve\s*\(\s*)"
    r"(['\"])([^'\"\n]+)\1"
)
_COMPUTED = lazy_pattern(
    r"(?<![\w$.])(?:require|import)\s*\(\s*(?!['\"])[\w$`.(\[]|(?<![\w$])fork\s*\(|new\s+Worker\s*\("
)
_PLACE_WORDS = (("import.meta.url", "/module"), ("import.meta.dirname", ""), ("__dirname", ""))


class Source(Struct, frozen=True):
    """One file: its path in the project, its text without comments, and the scope its expressions live in."""

    path: str
    text: str
    scope: Scope


def read_sources(
    root: Path,
    build: Build,
    start: StartCommand | None,
    environment: Mapping[str, str],
    packages: tuple[str, ...] = (),
) -> tuple[Source, ...]:
    """The service's source files, sorted by path. `environment` is what the image sets for it.

    `packages` are the folders of a workspace's members that run, the app's last; the others are imported by name, so
    all of their files count.
    """
    paths = [path for folder in packages or ("",) for path in source_files(root, build.outputs, folder)]
    texts = {path: without_comments(read_source(root, path)) for path in paths}
    entry = entry_source(texts, build, start)
    reached = _reachable(entry, texts, build) if entry else None
    imported = tuple(f"{folder}/" for folder in packages[:-1])
    chosen = sorted(reached | {path for path in texts if path.startswith(imported)} if reached else texts)
    own = {path: constants(texts[path]) for path in chosen}
    where = start.folder if start else ""
    folders = {path: _folder(_running(path, build), where) for path in chosen}
    shared = _shared(own, folders)
    return tuple(
        Source(path, texts[path], Scope({**shared, **own[path]}, folders[path], environment, where)) for path in chosen
    )


def _folder(path: str, where: str) -> str:
    """The folder of a file as the service sees it, which runs in `where`."""
    folder = posixpath.dirname(path) or "."
    return posixpath.relpath(folder, where) if where else folder


def entry_source(texts: Mapping[str, str], build: Build, start: StartCommand | None) -> str | None:
    """The source file behind the started file: itself, or what is compiled to it."""
    entry = entry_of(start.argv) if start and start.argv else None
    if entry is None:
        return None
    entry = posixpath.normpath(posixpath.join(start.folder if start else "", entry))
    for candidate in (entry, f"{entry}.js", f"{entry}/index.js", f"{entry}.mjs", f"{entry}.cjs"):
        if candidate in texts:
            return candidate
        compiled = next((path for path in sorted(texts) if _running(path, build) == candidate), None)
        if compiled:
            return compiled
    return None


def _running(path: str, build: Build) -> str:
    """Where a source file lies when the service runs."""
    return next((compiled for config in build.typescript if (compiled := config.compiled(path))), path)


def _reachable(entry: str, texts: Mapping[str, str], build: Build) -> set[str] | None:
    aliases = tuple(alias for config in build.typescript for alias in config.paths if alias)
    seen: set[str] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        text = texts[path]
        if _COMPUTED.search(text):
            return None
        for _, name in IMPORT.findall(text):
            if name.startswith("."):
                target = resolve_import(path, name, texts)
                if target:
                    waiting.append(target)
            elif name.startswith("#") or (aliases and name.startswith(aliases)):
                return None
    return seen


def resolve_import(importer: str, name: str, files: Collection[str]) -> str | None:
    """The source file that a relative import means, or None; TypeScript is imported by the name it will have."""
    path = posixpath.normpath(f"{posixpath.dirname(importer) or '.'}/{name}")
    stem = re.sub(r"\.([cm]?)js$", "", path)
    candidates = [path, *(f"{stem}{suffix}" for suffix in SOURCE_SUFFIXES)]
    candidates += [f"{path}{suffix}" for suffix in SOURCE_SUFFIXES]
    candidates += [f"{path}/index{suffix}" for suffix in SOURCE_SUFFIXES]
    return next((candidate for candidate in candidates if candidate in files), None)


def _shared(own: Mapping[str, Mapping[str, str]], folders: Mapping[str, str]) -> dict[str, str]:
    """Constants that only one file defines, for the files that import them; their folder is put into the expression."""
    owners: dict[str, list[str]] = {}
    for path, names in own.items():
        for name in names:
            owners.setdefault(name, []).append(path)
    shared = {}
    for name, paths in owners.items():
        if len(paths) == 1:
            expression = own[paths[0]][name]
            for word, suffix in _PLACE_WORDS:
                expression = expression.replace(word, f"'{folders[paths[0]]}{suffix}'")
            shared[name] = expression
    return shared
