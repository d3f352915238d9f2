"""tsconfig.json, as far as it says where the compiled files lie: `outDir`, `rootDir`, `include`, path aliases.

`extends` is followed inside the project only; a base that comes from a package is not read, its values stay unknown.
"""

import posixpath
from pathlib import Path

from msgspec import Struct

from imageopt.project.files import exists, is_folder
from imageopt.project.jsonc import Json, list_of, object_of, read_object, text_of

_EXTENDS_LIMIT = 8


class TsConfig(Struct, frozen=True):
    """Paths are relative to the project. `paths` are the alias prefixes (`@/`), `files` the configuration files."""

    out_dir: str | None
    root_dir: str | None
    include: tuple[str, ...]
    paths: tuple[str, ...]
    files: tuple[str, ...]

    def compiled(self, source: str) -> str | None:
        """Where the compiler puts `src/a.ts`: `dist/a.js`; None without an `outDir` or outside of `rootDir`."""
        if self.out_dir is None:
            return None
        base = self.root_dir if self.root_dir is not None else common_folder(self.include)
        inner = source if base in ("", ".") else source.removeprefix(f"{base}/")
        if base not in ("", ".") and inner == source:
            return None
        stem, _, suffix = inner.rpartition(".")
        return posixpath.normpath(f"{self.out_dir}/{stem}.{suffix.replace('ts', 'js').replace('jsx', 'js')}")


def normal(path: str) -> str | None:
    """The path relative to the project, normalised; None if it leaves the project."""
    path = posixpath.normpath(path.replace("\\", "/"))
    return None if path.startswith(("/", "..")) else path


def common_folder(include: tuple[str, ...]) -> str:
    """The folder that all of `include` lie in: what the compiler takes for `rootDir` where none is given."""
    folders = {part.partition("*")[0].rstrip("/") for part in include} or {""}
    return posixpath.commonpath(sorted(folders)) if "" not in folders else ""


def read_tsconfig(root: Path, path: str, depth: int = 0) -> TsConfig | None:
    """The configuration at `path` (a file or a folder with a tsconfig.json) and what it extends; None without one."""
    location = normal(path)
    if location is None:
        return None
    if is_folder(root, location):
        location = posixpath.normpath(f"{location}/tsconfig.json")
    data = read_object(root, location, comments=True)
    if data is None:
        return None
    folder = posixpath.dirname(location)
    base = _base(root, data, folder, depth)
    options = object_of(data.get("compilerOptions"))
    own_include = [part for part in (_below(folder, item) for item in _include(data)) if part]
    return TsConfig(
        out_dir=_below(folder, text_of(options.get("outDir"))) or (base.out_dir if base else None),
        root_dir=_below(folder, text_of(options.get("rootDir"))) or (base.root_dir if base else None),
        include=tuple(own_include) or (base.include if base else ()) or _everything_below(folder, depth),
        paths=tuple(key.rstrip("*") for key in object_of(options.get("paths"))) or (base.paths if base else ()),
        files=(location, *(base.files if base else ())),
    )


def _base(root: Path, data: Json, folder: str, depth: int) -> TsConfig | None:
    extends = data.get("extends")
    for name in list_of(extends) or (text_of(extends),):
        if not name.startswith(".") or depth == _EXTENDS_LIMIT:
            continue
        path = _below(folder, name)
        if path and not exists(root, path):
            path += ".json"
        if path:
            return read_tsconfig(root, path, depth + 1)
    return None


def _everything_below(folder: str, depth: int) -> tuple[str, ...]:
    """What is compiled where nothing says it: all that lies beside the configuration that is asked for."""
    return (folder,) if folder and depth == 0 else ()


def _include(data: Json) -> tuple[str, ...]:
    """`include` and `files`, globs cut before their first star."""
    patterns = (*list_of(data.get("include")), *list_of(data.get("files")))
    return tuple(pattern.partition("*")[0].rstrip("/") for pattern in patterns)


def _below(folder: str, path: str) -> str | None:
    return normal(f"{folder}/{path}" if folder else path) if path else None
