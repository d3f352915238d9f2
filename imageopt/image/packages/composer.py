"""PHP's packages, from the `vendor/composer/installed.json` that composer writes.

Version 1 wrote a list; version 2 an object that also says where each lies and which are for development.
"""

import posixpath
from collections.abc import Mapping

from msgspec.structs import replace

from imageopt.image.model import LibraryPackage
from imageopt.image.packages.documents import json_value, objects_of, text_of, texts_of
from imageopt.image.packages.installed import Installed, folder_bytes

_RECORD = "/composer/installed.json"


def composer_packages(found: Installed, owners: Mapping[str, str]) -> tuple[LibraryPackage, ...]:
    """The packages, sorted by path."""
    packages: dict[str, LibraryPackage] = {}
    for record, data in found.contents.items():
        if not record.endswith(_RECORD):
            continue
        vendor = record.removesuffix(_RECORD)
        document = json_value(data)
        listed = document.get("packages") if isinstance(document, dict) else document
        names = document.get("dev-package-names") if isinstance(document, dict) else None
        dev = set(texts_of(names))
        for package in objects_of(listed):
            name = text_of(package.get("name"))
            place = text_of(package.get("install-path"))
            path = posixpath.normpath(posixpath.join("/", vendor, "composer", place) if place else f"/{vendor}/{name}")
            if name:
                packages.setdefault(
                    path[1:],
                    LibraryPackage(
                        manager="composer",
                        name=name,
                        version=text_of(package.get("version")),
                        path=path[1:],
                        bytes=0,
                        birth=found.birth(record),
                        dev=name in dev if isinstance(names, list) else None,
                        provided_by=owners.get(record, ""),
                        elsewhere=(),
                    ),
                )
    sizes = folder_bytes(found.folders, {path: path for path in packages}) if packages else {}
    return tuple(replace(packages[path], bytes=sizes.get(path, 0)) for path in sorted(packages))
