"""Which files of a layer are kept with their content for a later stage: package databases, manifests.

What is kept is part of a layer's index, so a change here makes kept indexes old (`_VERSION` in cache.py).
"""

LIMIT = 8 << 20  # bytes; a longer one is left unread
_EXACT = {
    "var/lib/dpkg/status", "var/lib/apt/extended_states", "lib/apk/db/installed", "usr/lib/apk/db/installed",
    "etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release",
}  # fmt: skip
_DISTRIBUTION = (".dist-info", ".egg-info", "/EGG-INFO")
_IN_FOLDER = {
    ".package-lock.json": ("node_modules",),
    "installed.json": ("vendor/composer",),
    "RECORD": _DISTRIBUTION, "METADATA": _DISTRIBUTION, "PKG-INFO": _DISTRIBUTION,
    "top_level.txt": _DISTRIBUTION, "installed-files.txt": _DISTRIBUTION,
}  # fmt: skip
_PLUG_AND_PLAY = {".pnp.cjs", ".pnp.js", ".pnp.data.json"}
_NAMES = {path.rpartition("/")[2] for path in _EXACT} | {*_IN_FOLDER, *_PLUG_AND_PLAY} | {
    "package.json", "package-lock.json"
}  # fmt: skip
_SUFFIXES = (".list", ".egg-info")
_ENDS = frozenset(name[-4:] for name in (*_NAMES, *_SUFFIXES))  # nearly every other file has another end
_LOOKED_INTO = _ENDS | {"node"}

_SYSTEM = ("usr/bin/", "usr/sbin/", "usr/lib", "usr/share/", "bin/", "sbin/", "lib", "etc/", "var/lib/")
_ELF_LEAST, _ELF_MOST = 64, 32 << 20  # bytes; a stream's file is held while it is looked at
ELF_MAGIC = b"\x7fELF"


def may_be_looked_into(path: str, mode: int) -> bool:
    """Whether one of the two below may be so: one quick question for the many files that neither concerns."""
    return mode & 0o111 != 0 or path[-4:] in _LOOKED_INTO or ".so" in path


def may_be_elf(path: str, mode: int, size: int) -> bool:
    """Whether the file is to be asked for its needs: a Node addon, a library or program outside the system's folders.

    What a distribution installs in its own folders runs there; what somebody brought along may not.
    """
    if not _ELF_LEAST <= size <= _ELF_MOST:
        return False
    if path.endswith(".node"):
        return True
    return (mode & 0o111 != 0 or ".so" in path) and not path.startswith(_SYSTEM)


def captured(path: str, size: int) -> bool:
    """Whether the content of the file at `path` is to be kept; `size` in bytes."""
    if path[-4:] not in _ENDS:
        return False
    folder, _, name = path.rpartition("/")
    if (name not in _NAMES and not name.endswith(_SUFFIXES)) or size > LIMIT:
        return False
    if name == "package.json":
        return _is_manifest(folder)
    if name in _IN_FOLDER:
        return folder.endswith(_IN_FOLDER[name])
    if name == "package-lock.json":
        return "node_modules/" not in path
    if name.endswith(".list"):
        return folder == "var/lib/dpkg/info"
    return path in _EXACT or name in _PLUG_AND_PLAY or (name.endswith(".egg-info") and "-packages" in folder)


def _is_manifest(folder: str) -> bool:
    """Whether the folder is an installed package, or none of `node_modules` at all."""
    above, _, _ = folder.rpartition("/")
    before, _, scope = above.rpartition("/")
    return (
        "node_modules/" not in f"{folder}/"
        or above.endswith("node_modules")
        or (scope.startswith("@") and before.endswith("node_modules"))
    )
