"""The programs and libraries of an image -> those that cannot be loaded in it, and why.

Only what somebody brought along is asked: what a distribution installs in its own folders runs there (see
`may_be_elf`). A package often carries one binary for each platform, and all but one are never loaded. So nothing is
wrong as long as one of a family can be loaded, and a family of which none ever could is not told of.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from imageopt.compare.filesystem import Filesystem
from imageopt.image.elf import ElfFacts
from imageopt.image.model import Image
from imageopt.image.packages.folder import package_folder

_SHIMS = ("gcompat", "libc6-compat")  # with one of them musl runs some of what was built for glibc
_OLD_GLIBC = re.compile(r"libc-(\d+\.\d+)\.so")
_VERSION = re.compile(r"(?:\d+:)?(\d+\.\d+)")
_PLATFORM = re.compile(
    r"[-_.](?:linux(?:musl|glibc)?|darwin|win32|freebsd|android|x64|x86|ia32|arm64|arm(?:hf|v[67]l?)?|ppc64(?:le)?|s390x|"
    r"riscv64|loong64|musl|gnu|glibc|gnueabihf|musleabihf|msvc)(?=[-_./]|$)"
)
_SAME_MACHINE = {"amd64": ("amd64", "386"), "arm64": ("arm64", "arm")}  # these kernels run the narrower one as well


class Unloadable(NamedTuple):
    """A file that the image's own loader would refuse."""

    path: str
    reason: str


def newly_unloadable(before: Image, after: Image) -> tuple[Unloadable, ...]:
    """Those whose family could be loaded in `before` and cannot any more: one for each family, sorted.

    Of an addon of which nothing is left, while its package is, the path in `before` is given.
    """
    could = {family(path): path for path, reason in reversed(tuple(_all(before))) if not reason}
    families: dict[str, list[Unloadable]] = {}
    can = set()
    for path, reason in _all(after):
        if reason:
            families.setdefault(family(path), []).append(Unloadable(path, reason))
        else:
            can.add(family(path))
    refused = [found[0] for name, found in families.items() if name in could.keys() - can]
    left = Filesystem(after).folders
    gone = [path for name, path in could.items() if name not in can and name not in families and _is_missed(path, left)]
    return tuple(sorted((*refused, *(Unloadable(path, "it is gone") for path in gone))))


def unloadable(image: Image) -> tuple[Unloadable, ...]:
    """All files that cannot be loaded in the image, those for other platforms included, sorted."""
    return tuple(Unloadable(path, reason) for path, reason in _all(image) if reason)


def _all(image: Image) -> Iterator[tuple[str, str]]:
    loader = _Loader(image)
    for path, facts in sorted(image.elf.items()):
        yield path, loader.refuses(facts)


def _is_missed(path: str, folders: AbstractSet[str]) -> bool:
    """Whether it is an addon whose package is still there; one of the project's own is always missed."""
    package = package_folder(path)
    return path.endswith(".node") and (package is None or package in folders)


def is_for_one_platform(path: str) -> bool:
    """Whether the path says for which platform the file is: then there may be another one for another."""
    return _PLATFORM.search(path) is not None


def family(path: str) -> str:
    """What a package's name, or a file's, is on every platform: `@img/sharp-linuxmusl-x64` is `@img/sharp`."""
    folder = package_folder(path)
    name = path.rpartition("/")[2] if folder is None else folder.rpartition("node_modules/")[2]
    return _PLATFORM.sub("", name)


class _Loader:
    def __init__(self, image: Image) -> None:
        self._files = Filesystem(image)
        self._names = set(self._files.names())
        self._machine = image.config.architecture
        self._has_musl = any(name.startswith("ld-musl-") for name in self._names)
        self._has_glibc = "libc.so.6" in self._names or any(_OLD_GLIBC.fullmatch(name) for name in self._names)
        self._shimmed = any(package.name in _SHIMS for package in image.packages.system)
        self._glibc = _glibc_version(image, self._names)

    def refuses(self, facts: ElfFacts) -> str:
        """Why the file cannot be loaded; empty where it can, or where nothing here tells."""
        if facts.machine not in _SAME_MACHINE.get(self._machine, (self._machine, facts.machine)):
            return f"it is for {facts.machine}, and the image for {self._machine}"
        if facts.static or (facts.libc == "glibc" and self._shimmed):
            return ""
        if facts.libc == "glibc" and self._has_musl and not self._has_glibc:
            return "it was built for glibc, and the image has musl"
        if facts.libc == "musl" and self._has_glibc and not self._has_musl:
            return "it was built for musl, and the image has glibc"
        if facts.interpreter and not self._files.is_file(facts.interpreter):
            return f"its loader {facts.interpreter} is not in the image"
        missing = [name for name in facts.needed if name.rpartition("/")[2] not in self._names]
        if facts.libc == "musl":  # musl answers for the names of all its parts itself
            missing = [name for name in missing if not name.startswith("libc.")]
        if missing:
            return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in the image"
        if self._glibc and facts.highest_glibc and _numbers(facts.highest_glibc) > _numbers(self._glibc):
            return f"it needs glibc {facts.highest_glibc}, and the image has {self._glibc}"
        return ""


def _glibc_version(image: Image, names: set[str]) -> str:
    """`2.36`, by the package, or by the file's name as it was up to 2.33; empty where neither tells."""
    versions: Mapping[str, str] = {package.name: package.version for package in image.packages.system}
    found = _VERSION.match(versions.get("libc6", ""))
    if found is not None:
        return found[1]
    return next((match[1] for name in sorted(names) if (match := _OLD_GLIBC.fullmatch(name))), "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
