"""Which of an image's own binaries its loader refuses, and which of those another image could load."""

import pytest
from imagebuilder import Item, file, symlink
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.loading import Unloadable, newly_unloadable, unloadable
from imageopt.image.elf import ElfFacts
from imageopt.image.model import Image, Packages, SystemPackage

GLIBC = ElfFacts("amd64", "", ("libc.so.6",), "2.31", False)
MUSL = ElfFacts("amd64", "", ("libc.musl-x86_64.so.1",), "", False)
PROGRAM = ElfFacts("amd64", "/lib64/ld-linux-x86-64.so.2", ("libc.so.6",), "", False)
ADDON = "app/node_modules/bcrypt/lib/bcrypt.node"
DEBIAN = (
    file("usr/lib/libc.so.6"),
    file("usr/lib/ld.so"),
    symlink("lib64", "usr/lib"),
    symlink("usr/lib/ld-linux-x86-64.so.2", "ld.so"),
)
ALPINE = (file("lib/ld-musl-x86_64.so.1"), symlink("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"))


def image(*base: Item, packages: dict[str, str] | None = None, **elf: ElfFacts) -> Image:
    """An image on that base; `elf` has a short name for each binary."""
    paths = {"addon": ADDON, "musl": "app/node_modules/@img/sharp-linuxmusl-x64/s.node", "prog": "app/tool",
             "gnu": "app/node_modules/@img/sharp-linux-x64/s.node", "other": "app/node_modules/bcrypt/prebuilds/linux-x64-musl.node"}  # fmt: skip
    made = image_of([*base, *(file(paths[name], b"elf") for name in elf)])
    system = [
        SystemPackage("dpkg", name, version, name, 0, 0, False, (), ()) for name, version in (packages or {}).items()
    ]
    return replace(made, elf={paths[name]: facts for name, facts in elf.items()}, packages=Packages((), tuple(system), {}))  # fmt: skip


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (image(*DEBIAN, addon=GLIBC), ""),
        (image(*ALPINE, addon=MUSL), ""),
        (image(*ALPINE, addon=GLIBC), "it was built for glibc, and the image has musl"),
        (image(*DEBIAN, addon=MUSL), "it was built for musl, and the image has glibc"),
        (image(*ALPINE, packages={"gcompat": "1"}, addon=GLIBC), ""),  # nobody can tell
        (image(*DEBIAN, prog=PROGRAM), ""),
        (image(file("usr/lib/libc.so.6"), prog=PROGRAM), "its loader /lib64/ld-linux-x86-64.so.2 is not in the image"),
        (image(*DEBIAN, addon=replace(GLIBC, needed=("libvips.so.42",))), "libvips.so.42 is not in the image"),
        (image(*DEBIAN, addon=replace(GLIBC, needed=("a.so", "b.so"))), "a.so, b.so are not in the image"),
        (image(*DEBIAN, file("opt/v/libvips.so.42"), addon=replace(GLIBC, needed=("libvips.so.42",))), ""),
        (image(*DEBIAN, packages={"libc6": "2.28-10+deb10u2"}, addon=GLIBC), "it needs glibc 2.31, and the image has 2.28"),
        (image(*DEBIAN, packages={"libc6": "2.36-9"}, addon=GLIBC), ""),
        (image(*DEBIAN, file("lib/libc-2.28.so"), addon=GLIBC), "it needs glibc 2.31, and the image has 2.28"),
        (image(*DEBIAN, addon=replace(GLIBC, machine="arm64")), "it is for arm64, and the image for amd64"),
        (image(*DEBIAN, prog=replace(GLIBC, machine="386")), ""),
        (image(prog=ElfFacts("amd64", "", (), "", True)), ""),
    ],
)  # fmt: skip
def test_what_the_loader_refuses(made: Image, reason: str) -> None:
    assert [found.reason for found in unloadable(made)] == ([reason] if reason else [])


BOTH = image(*DEBIAN, gnu=GLIBC, musl=MUSL)
WRONG = "it was built for glibc, and the image has musl"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (image(*DEBIAN, addon=GLIBC), image(*ALPINE, addon=GLIBC), [Unloadable(ADDON, WRONG)]),
        (image(*DEBIAN, addon=GLIBC), image(*ALPINE, addon=GLIBC, other=MUSL), []),  # the package has one for each
        (BOTH, image(*ALPINE, gnu=GLIBC, musl=MUSL), []),  # and so does a family of packages
        (BOTH, image(*ALPINE, musl=MUSL), []),
        (BOTH, image(*ALPINE, gnu=GLIBC), [Unloadable("app/node_modules/@img/sharp-linux-x64/s.node", WRONG)]),
        (image(*ALPINE, addon=GLIBC), image(*ALPINE, addon=GLIBC), []),  # it never could
        (image(*ALPINE), image(*ALPINE, addon=GLIBC), []),  # it came along for another platform
        (image(*DEBIAN, prog=PROGRAM), image(*ALPINE, prog=PROGRAM), [Unloadable("app/tool", WRONG)]),
        (
            image(*DEBIAN, addon=GLIBC),
            image(*DEBIAN, file("app/node_modules/bcrypt/a.js")),
            [Unloadable(ADDON, "it is gone")],
        ),
        (image(*DEBIAN, addon=GLIBC), image(*DEBIAN), []),  # its package is gone with it
        (image(*DEBIAN, addon=GLIBC, other=GLIBC), image(*DEBIAN, other=GLIBC), []),
        (image(*DEBIAN, prog=PROGRAM), image(*DEBIAN), []),
    ],
)
def test_what_can_no_longer_be_loaded(before: Image, after: Image, told: list[Unloadable]) -> None:
    assert list(newly_unloadable(before, after)) == told
