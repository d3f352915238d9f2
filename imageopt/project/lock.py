"""The lock file -> Lock: who manages the packages, what is pinned, and whether it still fits the manifests.

Each manager asks its own question before it installs what is locked, and each format is a module of its own; here is
which file counts. bun.lockb is binary: it is recognised, and its state is `unknown`.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from imageopt.errors import InputError
from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import parse_object, text_of
from imageopt.project.lock_bun import read_bun_lock
from imageopt.project.lock_npm import read_npm_lock
from imageopt.project.lock_pnpm import read_pnpm_lock
from imageopt.project.lock_yarn import read_yarn_lock
from imageopt.project.members import Members, read_members
from imageopt.project.model import Lock, Manifest, PackageManager
from imageopt.project.yaml_tree import Node, parse_yaml

LOCK_FILES: Mapping[str, PackageManager] = {  # the first that exists wins, unless something names the manager
    "npm-shrinkwrap.json": "npm",  # npm itself prefers it to package-lock.json
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "yarn.lock": "yarn",
}
_LOCK_LIMIT = 64_000_000
_MANAGERS = tuple(dict.fromkeys(LOCK_FILES.values()))


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


def read_lock(
    root: Path, manifest: Manifest | None, manager: PackageManager | None, members: Members | None = None
) -> Lock | None:
    """The lock file of that package manager. None without a package manager; `missing` where the file is not there.

    `members` are the workspace's, where they were read already.
    """
    if manifest is None or manager is None:
        return None
    path = next((path for path, owner in LOCK_FILES.items() if owner == manager and exists(root, path)), None)
    if path is None:
        expected = [name for name, owner in LOCK_FILES.items() if owner == manager and name != "bun.lockb"][-1]
        return Lock(manager, expected, "", "missing", f"there is no {expected}", ())
    text = read_text(root, path, limit=_LOCK_LIMIT)
    if text is None:
        return Lock(manager, path, "", "unknown", f"{path} cannot be read", (), (), False)
    if path == "bun.lockb":
        return Lock(manager, path, "", "unknown", f"only bun can check {path}", (), (), False)
    known = members or read_members(root)
    try:
        return _read(root, manager, path, text, known)
    except InputError as error:
        return Lock(manager, path, "", "unknown", error.cause, (), (), False)


def _read(root: Path, manager: PackageManager, path: str, text: str, members: Members) -> Lock:
    match manager:
        case "npm":
            return read_npm_lock(path, text, members.manifests)
        case "pnpm":
            return read_pnpm_lock(path, text, members.manifests, members.settings)
        case "yarn":
            return read_yarn_lock(path, text, members.manifests, yarn_settings(root))
        case "bun":
            return read_bun_lock(path, text, members.manifests)


def yarn_settings(root: Path) -> Node:
    """.yarnrc.yml; an empty value where there is none, or none that can be read."""
    try:
        documents = parse_yaml(read_text(root, ".yarnrc.yml") or "", ".yarnrc.yml")
    except InputError:
        return Node("", 1)
    return documents[0] if documents else Node("", 1)


def _named_manager(root: Path) -> PackageManager | None:
    data = parse_object(read_text(root, "package.json") or "") or {}
    name = text_of(data.get("packageManager")).partition("@")[0]
    return next((manager for manager in LOCK_FILES.values() if manager == name), None)


def _only(used: Collection[str]) -> PackageManager | None:
    known = [manager for manager in _MANAGERS if manager in used]
    return known[0] if len(known) == 1 else None
