"""The file that a Node program starts with -> every file of its own that it loads, and what it asks for in vain.

Resolution follows Node's own algorithm (nodejs.org/api/modules.html, "All together") over the names of the image.
Inside `node_modules` no code is read: there the manifests say what a package needs. The text is searched, not parsed,
so what is asked for in vain says little alone; it counts where the other image has it.
"""

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from imageopt.compare.filesystem import Filesystem
from imageopt.image.model import Image
from imageopt.project.lock_sync import satisfies

Read = Callable[[str], bytes | None]  # a path of the image to its content; None where it cannot be had
_MODULES = "node_modules/"
_MOST_FILES = 2000
_MOST_BYTES = 4 << 20  # of one file: a bigger one is a bundle, which asks for little and takes long to search
_SUFFIXES = ("", ".js", ".json", ".node", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx")
_CODE = re.compile(r"\.(?:[cm]?js|jsx|[cm]?ts|tsx)$")
_COMMENT = re.compile(r"/\*.*?\*/|(?:^|[\s;{}])//[^\n]*", re.DOTALL)
_OPTIONAL = re.compile(r"\btry\s*\{[^{}]{0,400}\}")
_ASKS = re.compile(
    r"""(?:\brequire(?:\.resolve)?\s*\(\s*|\bimport\s*\(\s*|\b(?:from|import)\s*)(?P<quote>["'])(?P<name>[^"'\n]{1,200})(?P=quote)"""
)
_TEXT = re.compile(r"""["'`]([^"'`\n]{1,200})["'`]""")
_ALIAS = ("#", "@/", "~", "data:", "http:", "https:", "bun:")  # what a bundler or an import map resolves
_BUILT_IN = frozenset((
    "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
    "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net",
    "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream", "string_decoder",
    "sys", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
))  # fmt: skip


class Missing(NamedTuple):
    """`importer` (a file, or a package) asks for `name`, and the image has it not."""

    importer: str
    name: str


class ModuleGraph(Struct, frozen=True):
    """`files` that are loaded, in the order they are found. `words` are the parts of all paths that they spell."""

    entry: str
    files: tuple[str, ...]
    missing: frozenset[Missing]
    words: frozenset[str]
    cut: bool  # there were more files than are looked at


def module_graph(image: Image, entry: str, read: Read) -> ModuleGraph:
    """The graph from `entry`, a live file of the image."""
    tree = Filesystem(image)
    pending, seen = [entry], {entry}
    files: list[str] = []
    missing: set[Missing] = set()
    words: set[str] = set()
    while pending and len(files) < _MOST_FILES:
        path = pending.pop(0)
        files.append(path)
        data = read(path) if _CODE.search(path) or path == entry else None
        if data is None or len(data) > _MOST_BYTES:
            continue
        text = data.decode("utf-8", "replace")
        words.update(part for found in _TEXT.findall(text) for part in found.split("/") if part not in ("", ".", ".."))
        for name in sorted(_asked_for(text)):
            found = _resolve(tree, posixpath.dirname(path), name)
            if found is None:
                missing.add(Missing(path, name))
            elif found in tree.files and _MODULES not in found and found not in seen:
                seen.add(found)
                pending.append(found)
    return ModuleGraph(entry, tuple(files), frozenset(missing), frozenset(words), bool(pending))


def unmet_dependencies(image: Image, versions_of: Collection[str] = ()) -> frozenset[Missing]:
    """What the manifests of the installed packages ask for and is not installed where they would find it.

    Of the packages `versions_of`, one in another version than is asked for is not what is asked for.
    """
    tree = Filesystem(image)
    unmet = set()
    for package in image.packages.npm:
        manifest = _json(image.contents.get(f"{package.path}/package.json"))
        wanted, optional = manifest.get("dependencies"), manifest.get("optionalDependencies")
        for name, spec in wanted.items() if isinstance(wanted, dict) else ():
            if (isinstance(optional, dict) and name in optional) or name in _bundled(manifest):
                continue
            found = _package(tree, package.path, name)
            if found is None:
                unmet.add(Missing(package.name, name))
            elif name in versions_of and not _fits(tree, found, str(spec)):
                unmet.add(Missing(package.name, f"{name} {spec}"))
    return frozenset(unmet)


def _fits(tree: Filesystem, folder: str, spec: str) -> bool:
    version = _json(tree.image.contents.get(f"{folder}/package.json")).get("version")
    return not isinstance(version, str) or satisfies(version, spec)


def _bundled(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Names that the package carries inside of itself, in a form that is not for us to know."""
    for key in ("bundleDependencies", "bundledDependencies"):
        if isinstance(manifest.get(key), list):
            return tuple(name for name in manifest[key] if isinstance(name, str))
    return ()


def _asked_for(text: str) -> set[str]:
    bare = _OPTIONAL.sub(" ", _COMMENT.sub(" ", text))
    return {found["name"] for found in _ASKS.finditer(bare)}


def _resolve(tree: Filesystem, folder: str, name: str) -> str | None:
    """The file's path; "" where only somebody else could tell; None where there is none."""
    if name.startswith(_ALIAS) or name.startswith("node:") or name.split("/")[0] in _BUILT_IN:
        return ""
    if name.startswith(("./", "../", "/")) or name in (".", ".."):
        return _file(tree, name if name.startswith("/") else f"{folder}/{name}")
    parts = name.split("/")
    count = 2 if name.startswith("@") else 1
    package = _package(tree, folder, "/".join(parts[:count]))
    if package is None or (len(parts) <= count and _MODULES in package):
        return package
    manifest = _json(tree.image.contents.get(f"{package}/package.json"))
    if not manifest or "exports" in manifest:
        return package
    return _file(tree, "/".join((package, *parts[count:])))


def _package(tree: Filesystem, folder: str, name: str) -> str | None:
    """The folder of the package as code in `folder` finds it, links followed; a name for itself is found, too."""
    for above in _upwards(tree.real(folder) or folder):
        if above.rpartition("/")[2] == "node_modules":
            continue
        found = tree.real(f"{above}/node_modules/{name}")
        if found is not None:
            return found
        if _json(tree.image.contents.get(f"{above}/package.json")).get("name") == name:
            return above
    return None


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _file(tree: Filesystem, path: str) -> str | None:
    for suffix in _SUFFIXES:
        found = tree.real(path + suffix)
        if found in tree.files:
            return found
    written = re.sub(r"\.([cm]?)js$", r".\1ts", path)  # TypeScript's own spelling of a file that is still .ts
    if written != path and tree.is_file(written):
        return tree.real(written)
    real = tree.real(path)
    if real is None:
        return None
    main = _json(tree.image.contents.get(f"{real}/package.json")).get("main")
    if isinstance(main, str) and main.strip("./"):
        return _file(tree, f"{real}/{main}")
    return next((found for suffix in _SUFFIXES[1:] if (found := tree.real(f"{real}/index{suffix}")) is not None), None)


def _json(data: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(data) if data is not None else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
