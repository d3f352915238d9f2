"""Files that the second image has lost, told by the classes of what is missed late: abroad, or on the first error.

A file counts as lost only if neither its path nor its content is live in the second image, and its package, where it
has one, still is. Whether the program wants it is another question: `named` says that the code that is left has its
name in it.
"""

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from msgspec import Struct

from imageopt.compare.filesystem import Filesystem
from imageopt.evidence.model import Category, Evidence
from imageopt.image.packages.folder import package_folder

_DATA = r".*\.(?:json|json5|ya?ml|po|mo|php|ftl|properties|xliff?|toml)$"
_VIEW = r".*\.(?:ejs|pug|hbs|mustache|njk|twig|liquid|eta|j2|jinja2?)$"
_CLASSES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("views", rf"(?:^|.*/)(?:views|templates|layouts|partials)/.+|{_VIEW}"),
        ("locales", rf"(?:^|.*/)(?:locales?|i18n|langs?|languages|translations)/{_DATA}|usr/share/locale/.+"),
        ("migrations", r"(?:^|.*/)(?:migrations?|seeds|seeders)/.+"),
        ("certificates", r".*\.(?:pem|crt|cer|p12|pfx)$|etc/ssl/certs/.+"),
        ("fonts", r".*\.(?:ttf|otf|ttc|woff2?)$"),
        ("time zones", r"usr/share/zoneinfo/.+"),
        ("protocol definitions", r".*\.proto$"),
        ("WebAssembly", r".*\.wasm$"),
        ("public files", r"(?:^|.*/)(?:public|static|assets)/.+"),
    )
)
_OWN: frozenset[Category] = frozenset(("application", "other", "sources", "build-output", "generated-data"))
SYSTEM = ("usr/share/", "etc/ssl/", "usr/lib/ssl/", "usr/local/share/")
_SHARED = frozenset(("locales", "certificates", "fonts", "time zones"))  # what any program may read of a distribution
_SHOWN = 3


class Lost(Struct, frozen=True):
    """Lost files of one class: how many, how big, the first few paths, and those that the code left still names."""

    kind: str
    files: int
    bytes: int
    examples: tuple[str, ...]
    named: tuple[str, ...]


def lost_files(before: Evidence, after: Evidence, is_named: Callable[[str], bool]) -> tuple[Lost, ...]:
    """What is lost, by class, in a fixed order. `is_named` tells of a path whether the code that is left names it."""
    found: dict[str, list[tuple[str, int]]] = {}
    for path, size, is_own in _gone(before, after):
        kinds = (name for name, pattern in _CLASSES if (is_own or name in _SHARED) and pattern.match(path.lower()))
        kind = next(kinds, None)
        if kind is not None:
            found.setdefault(kind, []).append((path, size))
    return tuple(
        Lost(
            kind,
            len(files),
            sum(size for _, size in files),
            tuple(path for path, _ in sorted(files)[:_SHOWN]),
            tuple(sorted(path for path, _ in files if is_named(path))[:_SHOWN]),
        )
        for kind, _ in _CLASSES
        if (files := found.get(kind))
    )


def _gone(before: Evidence, after: Evidence) -> Iterator[tuple[str, int, bool]]:
    """Path and size of what is missed, and whether it is more than a distribution's."""
    assert before.image is not None
    assert after.image is not None
    there = Filesystem(after.image)
    alike = before.image.checksums == after.image.checksums
    contents = (
        {(record.checksum, record.size) for record in there.files.values() if record.checksum} if alike else set()
    )
    names = {(path.rpartition("/")[2], record.size) for path, record in there.files.items()}
    for index, record in enumerate(before.image.files):
        if record.death is not None or there.real(record.path) is not None:
            continue
        moved = (record.checksum, record.size) in contents or (
            not (alike and record.checksum) and (record.path.rpartition("/")[2], record.size) in names
        )
        if not moved and _is_missed(before, index, there.folders):
            is_own = not before.classes or before.classes[index].category in _OWN
            yield record.path, record.size, is_own or package_folder(record.path) is not None


def _is_missed(before: Evidence, index: int, folders: AbstractSet[str]) -> bool:
    """Whether the loss is worth a word: not what a package or a distribution took along when it went."""
    assert before.image is not None
    path = before.image.files[index].path
    package = package_folder(path)
    if package is not None:
        return package in folders
    if path.startswith(SYSTEM):
        return True
    return not before.classes or before.classes[index].category in _OWN
