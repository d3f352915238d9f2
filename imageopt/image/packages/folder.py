"""A path -> the folder of the npm package it belongs to; loads nothing, since rules ask it of Dockerfiles alone too."""

from functools import lru_cache

MODULES = "node_modules/"


def package_folder(path: str) -> str | None:
    """The folder of the innermost npm package that holds the file at `path`; None outside `node_modules`."""
    return _package_of(path.rpartition("/")[0] + "/") if MODULES in path else None


@lru_cache(1 << 14)
def _package_of(folder: str) -> str | None:
    """The same for all files that lie in one folder, of which there are many."""
    before, found, rest = f"/{folder}".rpartition(f"/{MODULES}")
    if not found:
        return None
    parts = rest.split("/")
    count = 2 if parts[0].startswith("@") else 1
    if len(parts) <= count or parts[0].startswith("."):
        return None
    return f"{before}{found}{'/'.join(parts[:count])}"[1:]
