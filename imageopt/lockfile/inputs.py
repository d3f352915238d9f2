"""A project -> the files that a package manager needs to make its lock file, and no others: no source, no secret.

What decides the versions is in the manifests, the lock file that may be there already, and the managers' settings. A
patch counts too: its checksum is in the lock file.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from imageopt.errors import InputError
from imageopt.lockfile.settings import without_secrets
from imageopt.lockfile.tool import Tool
from imageopt.project.files import inside, is_folder, read_text, top_names
from imageopt.project.jsonc import object_of, texts_of
from imageopt.project.lock_entries import asked
from imageopt.project.members import PNPM_FILE, read_members
from imageopt.project.model import Project

LOCK_LIMIT = 64_000_000
"""Bytes; a longer lock file is not read."""

_SETTINGS = (".npmrc", ".yarnrc", ".yarnrc.yml")
_PATCH_FOLDERS = ("patches", ".yarn/patches")
_ARCHIVE_LIMIT = 20_000_000
_TOTAL_LIMIT = 100_000_000
_LOCAL = ("file:", "link:", "portal:")


def inputs(project: Project, tool: Tool) -> Mapping[str, bytes]:
    """The files by path, relative to the project. Raises InputError where they are more than a container is given."""
    found = dict(_files(project, tool))
    if sum(map(len, found.values())) > _TOTAL_LIMIT:
        raise InputError("the manifests of the project are longer than 100 MB", "make the lock file by hand")
    return found


def _files(project: Project, tool: Tool) -> Iterator[tuple[str, bytes]]:
    root = project.root
    members = read_members(root)
    for folder, manifest in members.manifests.items():
        yield from _text(project, _join(folder, "package.json"))
        if folder and tool.manager == "pnpm":  # npm and Yarn read the root's alone
            yield from _cleaned(project, _join(folder, ".npmrc"))
        for spec in {**asked(manifest), **texts_of(object_of(manifest.get("overrides")))}.values():
            if spec.startswith(_LOCAL):
                yield from _local(project, folder, spec.partition(":")[2])
    for name in _SETTINGS:
        yield from _cleaned(project, name)
    yield from _text(project, PNPM_FILE)
    yield from _text(project, tool.lock, LOCK_LIMIT)
    for folder in _PATCH_FOLDERS:
        if is_folder(root, folder):
            for name in top_names(root / folder):
                if name.endswith(".patch"):
                    yield from _text(project, f"{folder}/{name}")


def _local(project: Project, folder: str, target: str) -> Iterator[tuple[str, bytes]]:
    """A package that lies in the project: its manifest, or its archive."""
    real = inside(project.root, _join(folder, target.split("::")[0]))
    if real is None:
        return
    path = real.relative_to(project.root.resolve()).as_posix()
    if real.is_dir():
        yield from _text(project, _join("" if path == "." else path, "package.json"))
    elif real.is_file() and path.endswith((".tgz", ".tar.gz")) and real.stat().st_size <= _ARCHIVE_LIMIT:
        yield path, real.read_bytes()


def _text(project: Project, path: str, limit: int = 2_000_000) -> Iterator[tuple[str, bytes]]:
    if read_text(project.root, path, limit=limit) is not None:
        real = inside(project.root, path)
        assert real is not None
        yield path, real.read_bytes()


def _cleaned(project: Project, path: str) -> Iterator[tuple[str, bytes]]:
    text = read_text(project.root, path)
    if text is not None:
        yield path, without_secrets(text).encode()


def _join(folder: str, name: str) -> str:
    return PurePosixPath(folder, name).as_posix() if folder else name
