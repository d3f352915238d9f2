"""Alpine's packages, from apk's `installed` database.

`P` name, `V` version, `o` origin, `D` depends, `F` folder, `R` file in it.
"""

from collections.abc import Mapping, Sequence

from imageopt.image.model import LayerIndex, SystemPackage

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


def apk_packages(
    layers: Sequence[LayerIndex], live: Mapping[str, int], contents: Mapping[str, bytes]
) -> tuple[tuple[SystemPackage, ...], dict[str, str]]:
    """The installed packages by name, and the package that owns each live path."""
    births: dict[tuple[str, str], int] = {}
    for index, layer in enumerate(layers):
        for name in _DATABASES:
            for fields, _ in _entries(layer.contents.get(name, b"")):
                births.setdefault((fields.get("P", ""), fields.get("V", "")), index)
    owners: dict[str, str] = {}
    packages = []
    for database in _DATABASES:
        for fields, files in _entries(contents.get(database, b"")):
            name, version = fields.get("P", ""), fields.get("V", "")
            for path in files:
                if path in live:
                    owners.setdefault(path, name)
            depends = [word.split("=")[0].split("<")[0].split(">")[0] for word in fields.get("D", "").split()]
            packages.append(
                SystemPackage(
                    manager="apk",
                    name=name,
                    version=version,
                    source=fields.get("o", name),
                    bytes=sum(live.get(path, 0) for path in files if owners.get(path) == name),
                    birth=births.get((name, version), len(layers) - 1),
                    automatic=False,  # apk keeps what was asked for in /etc/apk/world, not here
                    depends=tuple(word for word in depends if word and not word.startswith("!")),
                    recommends=(),
                )
            )
    return tuple(sorted(packages, key=lambda package: package.name)), owners


def _entries(data: bytes) -> list[tuple[dict[str, str], list[str]]]:
    entries = []
    for block in data.decode("utf-8", "surrogateescape").split("\n\n"):
        fields: dict[str, str] = {}
        files: list[str] = []
        folder = ""
        for line in block.splitlines():
            key, _, value = line.partition(":")
            if key == "F":
                folder = value
            elif key == "R":
                files.append(f"{folder}/{value}" if folder else value)
            else:
                fields.setdefault(key, value)
        if "P" in fields:
            entries.append((fields, files))
    return entries
