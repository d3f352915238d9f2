"""What an image carries along, whoever owns it: caches, manuals, headers, maps of sources, tests of packages.

Told by paths alone, and across all categories: the manuals of the base image are here too. So these rows do not add up
to the image, and none of them says that something is avoidable; the composition does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imageopt.evidence.caches import cache_of
from imageopt.evidence.model import Inventory, InventoryRow, Kind
from imageopt.evidence.paths import is_vcs
from imageopt.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from imageopt.image.model import FileRecord, Image

_VCS = ("git", "hg", "svn", "bzr")
_SPECIAL = 0o6000  # setuid, setgid
_PACKAGE = lazy_pattern(r"^(?:.*/)?(?:node_modules|vendor|site-packages|dist-packages)/(?:@[^/]+/)?[^/]*")
_FOLDERS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (lazy_pattern(r"^usr/(?:local/)?lib/debug/"), ("debug", "symbols")),
    (lazy_pattern(r"^usr/(?:local/)?(?:share/)?man/"), ("documentation", "manuals")),
    (lazy_pattern(r"^usr/(?:local/)?share/(?:doc|doc-base|gtk-doc|help)/"), ("documentation", "texts")),
    (lazy_pattern(r"^usr/(?:local/)?share/info/"), ("documentation", "info")),
    (lazy_pattern(r"^usr/(?:local/)?(?:share/locale|share/i18n|lib/locale)/"), ("documentation", "locales")),
    (lazy_pattern(r"^usr/(?:local/)?include/"), ("development", "headers")),
)
_IN_PACKAGES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (lazy_pattern(r"/(?:tests?|__tests__|__mocks__|specs?|e2e|fixtures|benchmarks?)/"), ("packages", "tests")),
    (lazy_pattern(r"/(?:docs?|examples?|demos?|website)/"), ("packages", "documentation")),
)
_SUFFIXES: Mapping[str, Kind] = {
    "map": ("development", "source-maps"),
    "debug": ("debug", "symbols"), "dwp": ("debug", "symbols"), "pdb": ("debug", "symbols"),
    "a": ("development", "static-libraries"), "la": ("development", "static-libraries"),
    "lib": ("development", "static-libraries"), "o": ("development", "objects"),
    "h": ("development", "headers"), "hh": ("development", "headers"), "hpp": ("development", "headers"),
    "gyp": ("development", "build-files"), "gypi": ("development", "build-files"), "pc": ("development", "build-files"),
    "mo": ("documentation", "locales"),
    "pyc": ("generated", "bytecode"), "pyo": ("generated", "bytecode"),
}  # fmt: skip
_SUFFIXES_IN_PACKAGES: Mapping[str, Kind] = {
    **_SUFFIXES,
    "md": ("packages", "documentation"), "markdown": ("packages", "documentation"),
    "rst": ("packages", "documentation"),
    "ts": ("packages", "sources"), "tsx": ("packages", "sources"), "mts": ("packages", "sources"),
    "cts": ("packages", "sources"), "coffee": ("packages", "sources"), "flow": ("packages", "sources"),
    "c": ("packages", "sources"), "cc": ("packages", "sources"), "cpp": ("packages", "sources"),
    "pyx": ("packages", "sources"),
}  # fmt: skip
_DECLARATIONS: Kind = ("packages", "type-declarations")


def kinds_of(image: Image) -> list[Kind | None]:
    """For each of the image's files the row that it counts in; None for none."""
    folders: dict[str, tuple[Kind | None, Mapping[str, Kind]]] = {}
    kinds: list[Kind | None] = []
    for record in image.files:
        path = record[0]
        folder = path.rpartition("/")[0]
        if folder not in folders:
            folders[folder] = _of_folder(folder)
        kind, by_suffix = folders[folder]
        if kind is None:
            stem, _, suffix = path.rpartition(".")
            kind = by_suffix.get(suffix)
            if kind is not None:
                kind = _of_stem(stem, kind)
        kinds.append(kind)
    return kinds


def take_inventory(image: Image, kinds: Sequence[Kind | None]) -> Inventory:
    """The rows, biggest first; and the live files that run with another user's or group's rights, by path.

    `kinds` is what `kinds_of` the image gives.
    """
    counts: dict[Kind, _Count] = {}
    special: list[FileRecord] = []
    for record, kind in zip(image.files, kinds, strict=True):
        _, size, birth, _, death, _, mode, _, _ = record
        if kind is not None:
            count = counts.get(kind)
            if count is None:
                count = counts[kind] = _Count()
            count.unpacked += size
            count.layers.add(birth)
            if death is None:
                count.live += size
                count.files += 1
        if mode & _SPECIAL and death is None:
            special.append(record)
    rows = [
        InventoryRow(group, kind, count.live, count.unpacked, count.files, tuple(sorted(count.layers)))
        for (group, kind), count in counts.items()
    ]
    return Inventory(
        rows=tuple(sorted(rows, key=lambda row: (-row.unpacked_bytes, row.group, row.kind))),
        setuid=tuple(sorted(special, key=lambda record: record.path)),
    )


class _Count:
    __slots__ = ("files", "layers", "live", "unpacked")

    def __init__(self) -> None:
        self.files = self.live = self.unpacked = 0
        self.layers: set[int] = set()


def _of_folder(folder: str) -> tuple[Kind | None, Mapping[str, Kind]]:
    """What all files of the folder are, or else what the ends of their names tell."""
    cache = cache_of(folder)
    if cache is not None:
        return ("cache", cache.kind), _SUFFIXES
    inside = f"{folder}/"
    if is_vcs(folder):
        return ("vcs", next(name for name in _VCS if f"/.{name}/" in f"/{inside}")), _SUFFIXES
    package = _PACKAGE.match(inside)
    if package is not None:
        kind = next((kind for pattern, kind in _IN_PACKAGES if pattern.search(inside, package.end())), None)
        return kind, _SUFFIXES_IN_PACKAGES
    if not inside.startswith("usr/"):
        return None, _SUFFIXES
    return next((kind for pattern, kind in _FOLDERS if pattern.match(inside)), None), _SUFFIXES


def _of_stem(stem: str, kind: Kind) -> Kind | None:
    """What a file is whose name ends as that kind's do, by what is before the dot."""
    if not stem or stem.endswith("/"):
        return None
    return _DECLARATIONS if kind[0] == "packages" and stem.endswith(".d") else kind
