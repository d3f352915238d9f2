"""Which files of a layer are kept with their content for a later stage: package databases, manifests."""

LIMIT = 8 << 20  # bytes; a longer one is left unread
_EXACT = {
    "var/lib/dpkg/status", "var/lib/apt/extended_states", "lib/apk/db/installed", "usr/lib/apk/db/installed",
    "etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release",
}  # fmt: skip


def captured(path: str, size: int) -> bool:
    """Whether the content of the file at `path` is to be kept; `size` in bytes."""
    if size > LIMIT:
        return False
    if path in _EXACT:
        return True
    folder, _, name = path.rpartition("/")
    match name:
        case "package.json":
            above = folder.rpartition("/")[0]
            scoped = above.rpartition("/")
            return (
                "node_modules/" not in f"{folder}/"
                or above.endswith("node_modules")
                or (scoped[2].startswith("@") and scoped[0].endswith("node_modules"))
            )
        case ".package-lock.json":
            return folder.endswith("node_modules")
        case "package-lock.json":
            return "node_modules/" not in path
        case "installed.json":
            return folder.endswith("vendor/composer")
        case "RECORD" | "METADATA":
            return folder.endswith(".dist-info")
        case _:
            return folder == "var/lib/dpkg/info" and name.endswith(".list")
