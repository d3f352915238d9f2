"""What the package databases in an image list, and which file belongs to whom."""

import json

from imagebuilder import file, hardlink, symlink, whiteout
from imageof import image_of

from imageopt.image.packages.folder import package_folder

STATUS = b"""\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36
Depends: libgcc-s1 (>= 3.4), libcrypt1:any | libxcrypt

Package: tool
Status: install ok installed
Architecture: all
Source: tool-src (1.0)
Version: 1.0
Recommends: extra [amd64]

Package: gone
Status: deinstall ok config-files
Version: 3
"""


def test_debian_packages_own_their_files_through_the_merged_folders() -> None:
    image = image_of(
        [
            symlink("lib", "usr/lib"),
            file("usr/lib/libc.so.6", b"1" * 100),
            file("var/lib/dpkg/status", STATUS.split(b"\n\n")[0] + b"\n"),
            file("var/lib/dpkg/info/libc6:amd64.list", b"/.\n/lib\n/lib/libc.so.6\n"),
        ],
        [
            file("var/lib/dpkg/status", STATUS),
            file("usr/bin/tool", b"2" * 50),
            file("var/lib/dpkg/info/tool.list", b"/usr/bin/tool\n/usr/share/missing\n"),
            file("var/lib/apt/extended_states", b"Package: tool\nAuto-Installed: 1\n"),
        ],
    )
    libc, tool = image.packages.system
    assert (libc.name, libc.bytes, libc.birth, libc.automatic) == ("libc6", 100, 0, False)
    assert libc.depends == ("libgcc-s1", "libcrypt1", "libxcrypt")
    assert (tool.name, tool.bytes, tool.birth, tool.automatic, tool.source) == ("tool", 50, 1, True, "tool-src")
    assert tool.recommends == ("extra",)
    assert image.packages.owners["usr/lib/libc.so.6"] == "libc6"
    assert image.packages.owners["var/lib/dpkg/info/libc6:amd64.list"] == "libc6"


INSTALLED = b"""\
P:musl
V:1.2.5-r0
o:musl
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:busybox
V:1.37.0-r0
o:busybox
D:so:libc.musl-x86_64.so.1 musl>=1.2 !old
F:bin
R:busybox
"""


def test_alpine_packages() -> None:
    image = image_of(
        [
            file("lib/apk/db/installed", INSTALLED),
            file("lib/ld-musl-x86_64.so.1", b"1" * 10),
            file("bin/busybox", b"2" * 20),
        ]
    )
    busybox, musl = image.packages.system
    assert (busybox.manager, busybox.name, busybox.version, busybox.bytes) == ("apk", "busybox", "1.37.0-r0", 20)
    assert busybox.depends == ("so:libc.musl-x86_64.so.1", "musl")
    assert (musl.bytes, image.packages.owners["bin/busybox"]) == (10, "busybox")


def manifest(name: str, version: str = "1.0.0") -> bytes:
    return json.dumps({"name": name, "version": version}).encode()


def test_npm_packages_nested_scoped_and_global() -> None:
    hidden = {"packages": {"node_modules/a": {"dev": True}, "node_modules/@s/b": {}, "node_modules/odd": "no table"}}
    image = image_of(
        [
            file("app/node_modules/.package-lock.json", json.dumps(hidden).encode()),
            file("app/node_modules/a/package.json", manifest("a", "2.0.0")),
            file("app/node_modules/a/index.js", b"1" * 100),
            file("app/node_modules/a/node_modules/c/package.json", manifest("c")),
            file("app/node_modules/a/node_modules/c/c.js", b"2" * 40),
            file("app/node_modules/@s/b/package.json", manifest("@s/b")),
            file("app/node_modules/a/test/package.json", b'{"name": "not a package"}'),
            file("usr/local/lib/node_modules/npm/package.json", b"{broken"),
        ]
    )
    found = {package.path: package for package in image.packages.npm}
    assert set(found) == {
        "app/node_modules/a", "app/node_modules/a/node_modules/c", "app/node_modules/@s/b",
        "usr/local/lib/node_modules/npm",
    }  # fmt: skip
    a = found["app/node_modules/a"]
    assert (a.name, a.version, a.dev) == ("a", "2.0.0", True)
    assert a.bytes == 100 + len(manifest("a", "2.0.0")) + len(b'{"name": "not a package"}')
    assert found["app/node_modules/a/node_modules/c"].bytes == 40 + len(manifest("c"))
    assert found["app/node_modules/@s/b"].dev is False
    assert (found["usr/local/lib/node_modules/npm"].name, found["usr/local/lib/node_modules/npm"].dev) == ("npm", None)


def test_what_was_deleted_is_no_package() -> None:
    image = image_of([file("app/node_modules/a/package.json", manifest("a"))], [whiteout("app/node_modules")])
    assert image.packages.npm == ()


def test_a_captured_file_is_found_under_its_live_name() -> None:
    image = image_of([file("etc/os-release", b"ID=x"), hardlink("usr/lib/os-release", "etc/os-release")])
    assert image.contents["etc/os-release"] == image.contents["usr/lib/os-release"] == b"ID=x"


def test_package_folders() -> None:
    cases = {
        "app/node_modules/a/b.js": "app/node_modules/a",
        "node_modules/@s/a/b.js": "node_modules/@s/a",
        "app/node_modules/a/node_modules/b/c": "app/node_modules/a/node_modules/b",
        "app/node_modules/.bin/tsc": None,
        "app/node_modules/a": None,
        "app/src/index.js": None,
    }
    assert {path: package_folder(path) for path in cases} == cases


def test_a_name_that_is_half_a_character_harms_no_output() -> None:
    image = image_of([file("app/node_modules/a/package.json", b'{"name": "a\\ud800", "version": "\\u00e9"}')])
    assert [(package.name, package.version) for package in image.packages.npm] == [("a?", "\u00e9")]
