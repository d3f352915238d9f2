"""A path -> the folder of the npm package it belongs to; loads nothing, since rules ask it of Dockerfiles alone too."""

MODULES = "node_modules/"


def package_folder(path: str) -> str | None:
    """The folder of the innermost npm package that holds the file at `path`; None outside `node_modules`."""
    if MODULES not in path:
        return None
    before, found, rest = f"/{path}".rpartition(f"/{MODULES}")
    if not found:
        return None
    parts = rest.split("/")
    count = 2 if parts[0].startswith("@") else 1
    if len(parts) <= count or parts[0].startswith("."):
        return None
    return f"{before}{found}{'/'.join(parts[:count])}"[1:]
