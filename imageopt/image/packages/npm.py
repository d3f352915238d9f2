"""Installed npm packages, from the package.json of each `node_modules/NAME` folder, and what links to the workspace's.

npm, yarn and pnpm all end in such folders, but for yarn's Plug'n'Play (pnp.py). Where pnpm's store is in the image too,
package.json may be a hardlink to a name that nobody captured; then the folder's name tells name and version.
"""

import posixpath
from collections.abc import Iterator, Mapping

from imageopt.image.model import NpmPackage
from imageopt.image.packages.documents import json_object, text_of
from imageopt.image.packages.folder import MODULES, package_folder
from imageopt.image.packages.installed import Installed, folder_bytes
from imageopt.image.packages.pnp import pnp_packages
from imageopt.image.packages.pnpm import pnpm_dev_flags
from imageopt.lazy_pattern import lazy_pattern

_HIDDEN_LOCK = "node_modules/.package-lock.json"
_PNPM = lazy_pattern(r"node_modules/\.pnpm/(?:@[^/+]+\+)?[^/@]+@([^/_(]+)[^/]*/node_modules/(?:@[^/]+/)?[^/]+$")


def npm_packages(found: Installed) -> tuple[NpmPackage, ...]:
    """The packages, sorted by path. A file belongs to the innermost package that holds it."""
    sizes: dict[str, int] = {}
    for folder, size in found.folders.items():
        if MODULES in folder:
            package = package_folder(f"{folder}/")
            if package is not None:
                sizes[package] = sizes.get(package, 0) + size
    dev = {**pnpm_dev_flags(found), **_dev_flags(found.contents)}
    workspace = _workspace(found)
    outside = {folder: size for folder, size in found.folders.items() if workspace and MODULES not in f"{folder}/"}
    sizes |= dict.fromkeys(workspace, 0) | folder_bytes(outside, {folder: folder for folder in workspace})
    packages = [*pnp_packages(found)]
    for path, data in found.contents.items():
        folder, _, name = path.rpartition("/")
        if name != "package.json" or (package_folder(path) != folder and folder not in workspace):
            continue
        manifest = json_object(data)
        packages.append(
            NpmPackage(
                name=text_of(manifest.get("name")) or folder.rpartition(MODULES)[2],
                version=text_of(manifest.get("version")),
                path=folder,
                bytes=sizes.pop(folder, 0),
                dev=dev.get(folder),
                birth=found.birth(path),
            )
        )
    for folder, size in sizes.items():  # what is left has no manifest that could be read
        if version := _PNPM.search(folder):
            name = folder.rpartition(f"/{MODULES}")[2]
            birth = found.birth(f"{folder}/package.json")
            packages.append(NpmPackage(name, version[1], folder, size, dev.get(folder), birth))
    return tuple(sorted(packages, key=lambda package: package.path))


def _workspace(found: Installed) -> frozenset[str]:
    """The folders outside of `node_modules` that a link in one makes a package: workspaces, `npm link`."""
    return frozenset(
        target
        for link, written in found.links.items()
        if MODULES in link and package_folder(f"{link}/") == link
        for target in (posixpath.normpath(posixpath.join("/", posixpath.dirname(link), written))[1:],)
        if MODULES not in target and f"{target}/package.json" in found.contents
    )


def _dev_flags(contents: Mapping[str, bytes]) -> dict[str, bool]:
    """Package folder -> only development needs it, as npm wrote it down when it installed (hidden lock file)."""
    return dict(_flags(contents))


def _flags(contents: Mapping[str, bytes]) -> Iterator[tuple[str, bool]]:
    for path, data in contents.items():
        if path.endswith(_HIDDEN_LOCK):
            packages = json_object(data).get("packages")
            for place, package in packages.items() if isinstance(packages, dict) else ():
                if isinstance(package, dict):
                    yield path.removesuffix(_HIDDEN_LOCK) + place, package.get("dev") is True
