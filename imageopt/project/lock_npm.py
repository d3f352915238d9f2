"""package-lock.json and npm-shrinkwrap.json -> Lock, in all their versions.

Version 1 nests `dependencies`; 2 and 3 have flat `packages`, the folder of each as the key. Whether it fits is
lock_sync's question.
"""

from collections.abc import Iterator

from imageopt.project.faults import json_fault
from imageopt.project.jsonc import Json, list_of, object_of, parse_object, text_of
from imageopt.project.lock_entries import Sources, judged
from imageopt.project.lock_sync import drift
from imageopt.project.model import Lock, LockedPackage

_DEPTH_LIMIT = 64
_NPM_VERSIONS = (1, 2, 3)
_FLAT_ALONE = 3  # the version that has `packages` and nothing else


def read_npm_lock(path: str, text: str, sources: Sources) -> Lock:
    """The lock; unknown, with file and line, where it cannot be read."""
    data = parse_object(text)
    if data is None:
        return Lock("npm", path, "", "unknown", json_fault(path, text), ())
    version = data.get("lockfileVersion", 1)
    why = ""
    if isinstance(version, bool) or version not in _NPM_VERSIONS:
        why = f"its lockfileVersion is {version!r:.40}"
    elif version == _FLAT_ALONE and not isinstance(data.get("packages"), dict):
        why = "it has no packages"
    if why:
        return Lock("npm", path, "", "unknown", f"{path}:1: {why}", ())
    is_flat = isinstance(data.get("packages"), dict)
    entries = _flat(data) if is_flat else dict(_nested(data, "", 0))
    packages = sorted((_package(where, entry) for where, entry in entries.items() if where), key=lambda p: p.path)
    return judged("npm", path, str(version), drift(sources, entries), tuple(packages), tells_scripts=is_flat)


def _flat(data: Json) -> dict[str, Json]:
    return {where: object_of(entry) for where, entry in object_of(data.get("packages")).items()}


def _nested(data: Json, prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    """Version 1, as `packages` of later versions would have it."""
    if depth > _DEPTH_LIMIT:
        return
    for name, value in object_of(data.get("dependencies")).items():
        entry = object_of(value)
        where = f"{prefix}node_modules/{name}"
        yield where, entry
        yield from _nested(entry, f"{where}/", depth + 1)


def _package(where: str, entry: Json) -> LockedPackage:
    name = text_of(entry.get("name")) or where.rpartition("node_modules/")[2]
    return LockedPackage(
        name=name,
        version=text_of(entry.get("version")),
        path=where,
        dev=entry.get("dev") is True,
        optional=entry.get("optional") is True or entry.get("devOptional") is True,
        has_install_script=entry.get("hasInstallScript") is True,
        os=list_of(entry.get("os")),
        cpu=list_of(entry.get("cpu")),
        libc=list_of(entry.get("libc")),
        dependencies=(*object_of(entry.get("dependencies")), *object_of(entry.get("optionalDependencies"))),
    )
