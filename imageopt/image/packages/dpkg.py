"""Debian's packages: `status` names them, `info/NAME.list` their files, `extended_states` who came unasked.

The lists say `/bin/sh` where a merged-usr system keeps `usr/bin/sh`, so a listed name is looked up through the
links of the root folder as well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from imageopt.image.model import LayerIndex, SystemPackage
from imageopt.lazy_pattern import lazy_pattern

_STATUS = "var/lib/dpkg/status"
_INFO = "var/lib/dpkg/info/"
_EXTENDED = "var/lib/apt/extended_states"
_FIELDS = lazy_pattern(r"^(Package|Version):(.*)$", re.MULTILINE)  # in this order in each paragraph


def dpkg_packages(
    layers: Sequence[LayerIndex],
    live: Mapping[str, int],
    links: Mapping[str, str],
    contents: Mapping[str, bytes],
) -> tuple[tuple[SystemPackage, ...], dict[str, str]]:
    """The installed packages by name, and the package that owns each live path."""
    status = contents.get(_STATUS)
    if status is None:
        return (), {}
    automatic = {
        paragraph.get("Package", "")
        for paragraph in paragraphs(contents.get(_EXTENDED, b""))
        if paragraph.get("Auto-Installed") == "1"
    }
    births = _births(layers)
    merged = {path: target.strip("/") for path, target in links.items() if "/" not in path}
    owners = {path: _name_of(path) for path in live if path.startswith(_INFO)}
    packages = []
    for paragraph in paragraphs(status):
        name, version = paragraph.get("Package", ""), paragraph.get("Version", "")
        if not name or not paragraph.get("Status", "").endswith(" installed"):
            continue
        total = 0
        for path in _listed(name, paragraph.get("Architecture", ""), contents):
            place = path
            if place not in live:
                first, _, rest = path.partition("/")
                if first not in merged or (place := f"{merged[first]}/{rest}") not in live:
                    continue
            if place not in owners:
                owners[place] = name
                total += live[place]
        packages.append(
            SystemPackage(
                manager="dpkg",
                name=name,
                version=version,
                source=paragraph.get("Source", name).partition(" ")[0],
                bytes=total,
                birth=births.get((name, version), len(layers) - 1),
                automatic=name in automatic,
                depends=_names(paragraph, "Depends", "Pre-Depends"),
                recommends=_names(paragraph, "Recommends"),
            )
        )
    return tuple(sorted(packages, key=lambda package: package.name)), owners


def _name_of(path: str) -> str:
    """The package that a file of dpkg's own records is about: `info/libc6:amd64.list`."""
    return path.removeprefix(_INFO).rpartition(".")[0].partition(":")[0]


def paragraphs(data: bytes) -> Iterator[dict[str, str]]:
    """The paragraphs of a Debian control file, continuation lines left out (deb822, first lines only)."""
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] not in " \t":
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    if fields:
        yield fields


def _listed(name: str, architecture: str, contents: Mapping[str, bytes]) -> list[str]:
    data = contents.get(f"{_INFO}{name}.list", contents.get(f"{_INFO}{name}:{architecture}.list", b""))
    return [line.strip("/") for line in data.decode("utf-8", "surrogateescape").splitlines()]


def _births(layers: Sequence[LayerIndex]) -> dict[tuple[str, str], int]:
    births: dict[tuple[str, str], int] = {}
    for index, layer in enumerate(layers):
        name = ""
        for field, value in _FIELDS.findall(layer.contents.get(_STATUS, b"").decode("utf-8", "replace")):
            if field == "Package":
                name = value.strip()
            else:
                births.setdefault((name, value.strip()), index)
    return births


def _names(paragraph: Mapping[str, str], *fields: str) -> tuple[str, ...]:
    """The names in a relation field, alternatives included, versions and architectures left out."""
    names = []
    for text in ",".join(paragraph.get(field, "") for field in fields).replace("|", ",").split(","):
        name = text.split("(")[0].split("[")[0].split(":")[0].strip()
        if name:
            names.append(name)
    return tuple(dict.fromkeys(names))
