"""The lock file -> Lock: who manages the packages, what is pinned, and whether it still fits package.json.

package-lock.json is read in all its versions (1: nested `dependencies`; 2 and 3: flat `packages`). The other
managers' files are recognised and their state is `unknown`: only their own program can tell.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, list_of, object_of, parse_object, text_of
from imageopt.project.lock_sync import drift
from imageopt.project.model import Lock, LockedPackage, Manifest, PackageManager

LOCK_FILES: Mapping[str, PackageManager] = {  # the first that exists wins, unless something names the manager
    "npm-shrinkwrap.json": "npm",  # npm itself prefers it to package-lock.json
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "yarn.lock": "yarn",
}
_LOCK_LIMIT = 64_000_000
_DEPTH_LIMIT = 64
_NPM_VERSIONS = (1, 2, 3)
_FLAT_ALONE = 3  # the version that has `packages` and nothing else
_VERSION = {"pnpm": r"lockfileVersion:\s*'?([\d.]+)", "yarn": r"(?:# yarn lockfile v|version:\s*)(\d+)"}


def package_manager(root: Path, manifest: Manifest | None, used: Collection[str]) -> PackageManager | None:
    """The package manager: what package.json names, else what the Dockerfile `used`, else what the lock file says.

    None without a package.json.
    """
    if manifest is None:
        return None
    named = _named_manager(root)
    present = [manager for path, manager in LOCK_FILES.items() if exists(root, path)]
    ranked = [manager for manager in ([named] if named else []) + present if manager in used or not used] or present
    return named or (ranked[0] if ranked else _only(used) or "npm")


def read_lock(root: Path, manifest: Manifest | None, manager: PackageManager | None) -> Lock | None:
    """The lock file of that package manager. None without a package manager; `missing` where the file is not there."""
    if manifest is None or manager is None:
        return None
    path = next((path for path, owner in LOCK_FILES.items() if owner == manager and exists(root, path)), None)
    if path is None:
        expected = [name for name, owner in LOCK_FILES.items() if owner == manager][-1]
        return Lock(manager, expected, "", "missing", f"there is no {expected}", ())
    text = read_text(root, path, limit=_LOCK_LIMIT)
    if text is None:
        return Lock(manager, path, "", "unknown", f"{path} cannot be read", ())
    if manager != "npm":
        version = re.search(_VERSION.get(manager, r"\"lockfileVersion\":\s*(\d+)"), text[:4096])
        return Lock(manager, path, version[1] if version else "", "unknown", f"only {manager} can check {path}", ())
    return _npm_lock(path, text, manifest, read_text(root, "package.json") or "")


def _named_manager(root: Path) -> PackageManager | None:
    data = parse_object(read_text(root, "package.json") or "") or {}
    name = text_of(data.get("packageManager")).partition("@")[0]
    return next((manager for manager in LOCK_FILES.values() if manager == name), None)


def _only(used: Collection[str]) -> PackageManager | None:
    known = [manager for manager in dict.fromkeys(LOCK_FILES.values()) if manager in used]
    return known[0] if len(known) == 1 else None


def _npm_lock(path: str, text: str, manifest: Manifest, manifest_text: str) -> Lock:
    data = parse_object(text)
    if data is None:
        conflict = re.search(r"^<<<<<<< ", text, re.MULTILINE)
        why = "it holds the marks of an unsolved merge" if conflict else "it is not a JSON object"
        return Lock("npm", path, "", "unknown", f"{path} cannot be read: {why}", ())
    version = data.get("lockfileVersion", 1)
    why = ""
    if isinstance(version, bool) or version not in _NPM_VERSIONS:
        why = f"its lockfileVersion is {version!r:.40}"
    elif version == _FLAT_ALONE and not isinstance(data.get("packages"), dict):
        why = "it has no packages"
    if why:
        return Lock("npm", path, "", "unknown", f"{path} cannot be read: {why}", ())
    entries = _flat(data) if isinstance(data.get("packages"), dict) else dict(_nested(data, "", 0))
    packages = tuple(
        sorted((_package(where, entry) for where, entry in entries.items() if where), key=lambda p: p.path)
    )
    reason = drift(parse_object(manifest_text) or {}, manifest, entries)
    return Lock("npm", path, str(version), "drifted" if reason else "in-sync", reason or "", packages)


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
    )
