"""What an image carries along, whoever owns it: caches, manuals, headers, maps of sources, tests of packages.

Told by paths alone, and across all categories: the manuals of the base image are here too. So these rows do not add up
to the image, and none of them says that something is avoidable; the composition does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imageopt.evidence.caches import cache_of
from imageopt.evidence.model import Inventory, InventoryGroup, InventoryRow
from imageopt.evidence.paths import is_vcs
from imageopt.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from imageopt.image.model import FileRecord, Image

_Kind = tuple[InventoryGroup, str]
_VCS = ("git", "hg", "svn", "bzr")
_SPECIAL = 0o6000  # setuid, setgid
_PACKAGE = lazy_pattern(r"^(?:.*/)?(?:node_modules|vendor|site-packages|dist-packages)/(?:@[^/]+/)?[^/]*")
_FOLDERS: tuple[tuple[re.Pattern[str], _Kind], ...] = (
    (lazy_pattern(r"^usr/(?:local/)?lib/debug/"), ("debug", "symbols")),
    (lazy_pattern(r"^usr/(?:local/)?(?:share/)?man/"), ("documentation", "manuals")),
    (lazy_pattern(r"^usr/(?:local/)?share/(?:doc|doc-base|gtk-doc|help)/"), ("documentation", "texts")),
    (lazy_pattern(r"^usr/(?:local/)?share/info/"), ("documentation", "info")),
    (lazy_pattern(r"^usr/(?:local/)?(?:share/locale|share/i18n|lib/locale)/"), ("documentation", "locales")),
    (lazy_pattern(r"^usr/(?:local/)?include/"), ("development", "headers")),
)
_IN_PACKAGES: tuple[tuple[re.Pattern[str], _Kind], ...] = (
    (lazy_pattern(r"/(?:tests?|__tests__|__mocks__|specs?|e2e|fixtures|benchmarks?)/"), ("packages", "tests")),
    (lazy_pattern(r"/(?:docs?|examples?|demos?|website)/"), ("packages", "documentation")),
)
_SUFFIXES: Mapping[str, _Kind] = {
    "map": ("development", "source-maps"),
    "debug": ("debug", "symbols"), "dwp": ("debug", "symbols"), "pdb": ("debug", "symbols"),
    "a": ("development", "static-libraries"), "la": ("development", "static-libraries"),
    "lib": ("development", "static-libraries"), "o": ("development", "objects"),
    "h": ("development", "headers"), "hh": ("development", "headers"), "hpp": ("development", "headers"),
    "gyp": ("development", "build-files"), "gypi": ("development", "build-files"), "pc": ("development", "build-files"),
    "mo": ("documentation", "locales"),
    "pyc": ("generated", "bytecode"), "pyo": ("generated", "bytecode"),
}  # fmt: skip
_SUFFIXES_IN_PACKAGES: Mapping[str, _Kind] = {
    "md": ("packages", "documentation"), "markdown": ("packages", "documentation"),
    "rst": ("packages", "documentation"),
    "ts": ("packages", "sources"), "tsx": ("packages", "sources"), "mts": ("packages", "sources"),
    "cts": ("packages", "sources"), "coffee": ("packages", "sources"), "flow": ("packages", "sources"),
    "c": ("packages", "sources"), "cc": ("packages", "sources"), "cpp": ("packages", "sources"),
    "pyx": ("packages", "sources"),
}  # fmt: skip
_DECLARATIONS: _Kind = ("packages", "type-declarations")


def take_inventory(image: Image) -> Inventory:
    """The rows, biggest first; and the live files that run with another user's or group's rights, by path."""
    folders: dict[str, tuple[_Kind | None, bool]] = {}
    counts: dict[_Kind, _Count] = {}
    special: list[FileRecord] = []
    for record in image.files:
        path, size, birth, _, death, _, mode, _, _ = record
        folder, _, name = path.rpartition("/")
        known = folders.get(folder)
        if known is None:
            known = folders[folder] = _of_folder(folder)
        kind = known[0] or _of_name(name, in_package=known[1])
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


def kind_of(path: str) -> tuple[InventoryGroup, str] | None:
    """The row that a file of this path counts in; None for none."""
    folder, _, name = path.rpartition("/")
    kind, in_package = _of_folder(folder)
    return kind or _of_name(name, in_package=in_package)


class _Count:
    __slots__ = ("files", "layers", "live", "unpacked")

    def __init__(self) -> None:
        self.files = self.live = self.unpacked = 0
        self.layers: set[int] = set()


def _of_folder(folder: str) -> tuple[_Kind | None, bool]:
    """What all files of the folder are, and whether it lies in an installed package."""
    cache = cache_of(folder)
    if cache is not None:
        return ("cache", cache.kind), False
    inside = f"{folder}/"
    if is_vcs(folder):
        kind: _Kind = ("vcs", next(name for name in _VCS if f"/.{name}/" in f"/{inside}"))
        return kind, False
    package = _PACKAGE.match(inside)
    if package is not None:
        return next((kind for pattern, kind in _IN_PACKAGES if pattern.search(inside, package.end())), None), True
    if not inside.startswith("usr/"):
        return None, False
    return next((kind for pattern, kind in _FOLDERS if pattern.match(inside)), None), False


def _of_name(name: str, *, in_package: bool) -> _Kind | None:
    """What a file is by the end of its name."""
    stem, _, suffix = name.rpartition(".")
    if not stem:
        return None
    kind = _SUFFIXES.get(suffix)
    if kind is None and in_package:
        kind = _SUFFIXES_IN_PACKAGES.get(suffix)
        if kind is not None and stem.endswith(".d"):
            return _DECLARATIONS
    return kind
