"""Installed npm packages, from the package.json of each `node_modules/NAME` folder."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from imageopt.image.model import NpmPackage

_MODULES = "node_modules/"


def npm_packages(live: Mapping[str, int], contents: Mapping[str, bytes]) -> tuple[NpmPackage, ...]:
    """The packages, sorted by path. A file belongs to the innermost package that holds it."""
    sizes = Counter[str]()
    for path, size in live.items():
        folder = package_folder(path)
        if folder is not None:
            sizes[folder] += size
    dev = _dev_flags(contents)
    packages = []
    for path, data in contents.items():
        folder, _, name = path.rpartition("/")
        if name != "package.json" or package_folder(path) != folder:
            continue
        manifest = _json(data)
        packages.append(
            NpmPackage(
                name=_text(manifest.get("name")) or folder.rpartition(_MODULES)[2],
                version=_text(manifest.get("version")),
                path=folder,
                bytes=sizes[folder],
                dev=dev.get(folder),
            )
        )
    return tuple(sorted(packages, key=lambda package: package.path))


def package_folder(path: str) -> str | None:
    """The folder of the innermost npm package that holds the file at `path`; None outside `node_modules`."""
    if _MODULES not in path:
        return None
    before, found, rest = f"/{path}".rpartition(f"/{_MODULES}")
    if not found:
        return None
    parts = rest.split("/")
    count = 2 if parts[0].startswith("@") else 1
    if len(parts) <= count or parts[0].startswith("."):
        return None
    return f"{before}{found}{'/'.join(parts[:count])}"[1:]


def _dev_flags(contents: Mapping[str, bytes]) -> dict[str, bool]:
    """Package folder -> only development needs it, as npm wrote it down when it installed (hidden lock file)."""
    flags = {}
    for path, data in contents.items():
        if not path.endswith(f"{_MODULES}.package-lock.json"):
            continue
        root = path.removesuffix(f"{_MODULES}.package-lock.json")
        packages = _json(data).get("packages")
        for place, package in packages.items() if isinstance(packages, dict) else ():
            if isinstance(package, dict):
                flags[root + place] = package.get("dev") is True
    return flags


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
