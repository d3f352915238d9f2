"""Alpine, yes or no: the answer that the lock file gives for each package."""

from typing import Any

import pytest

from imageopt.project.libc import libc_needs
from imageopt.project.model import LockedPackage


def locked(name: str, version: str = "1.0.0", **more: Any) -> LockedPackage:
    values: dict[str, Any] = {
        "dev": False, "optional": False, "has_install_script": False, "os": (), "cpu": (), "libc": (), **more,
    }  # fmt: skip
    return LockedPackage(name, version, f"node_modules/{name}", **values)


def variant(name: str, **more: Any) -> LockedPackage:
    return locked(name, os=("linux",), cpu=("x64",), optional=True, **more)


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ([locked("express"), locked("lodash")], {}),
        ([locked("core-js", has_install_script=True)], {}),
        # npm compiles a binding.gyp without being told to; a lock that was made without installing does not say so
        ([locked("unix-dgram")], {"unix-dgram": "unknown"}),
        ([locked("addon", dependencies=("nan",))], {"addon": "unknown"}),
        ([locked("addon", dependencies=("debug", "node-addon-api"))], {"addon": "unknown"}),
        ([locked("script-runner", dependencies=("node-gyp",))], {}),
        ([locked("bindings", dependencies=("file-uri-to-path",))], {}),
        ([locked("bcrypt", "5.1.1", has_install_script=True)], {"bcrypt": "unknown"}),
        ([locked("bcrypt", "6.0.0", has_install_script=True)], {"bcrypt": "musl-ok"}),
        ([locked("argon2", "0.31.2", has_install_script=True)], {"argon2": "unknown"}),
        ([locked("argon2", "0.41.0", has_install_script=True)], {"argon2": "musl-ok"}),
        ([locked("sharp", "0.32.6", has_install_script=True)], {"sharp": "unknown"}),
        ([locked("sharp", "0.33.5", has_install_script=True)], {}),  # its variants decide
        ([variant("@img/sharp-linux-x64")], {"@img/sharp-linux-x64": "glibc-only"}),
        ([variant("@img/sharp-linux-x64"), variant("@img/sharp-linuxmusl-x64")], {"@img/sharp-linux-x64": "musl-ok"}),
        (
            [variant("@swc/core-linux-x64-gnu"), variant("@swc/core-linux-x64-musl")],
            {"@swc/core-linux-x64-gnu": "musl-ok"},
        ),
        ([variant("@rollup/rollup-linux-x64-gnu")], {"@rollup/rollup-linux-x64-gnu": "glibc-only"}),
        (
            [variant("@biomejs/cli-linux-x64"), variant("@biomejs/cli-linux-x64-musl")],
            {"@biomejs/cli-linux-x64": "musl-ok"},
        ),
        ([variant("@esbuild/linux-x64")], {"@esbuild/linux-x64": "any"}),
        ([locked("esbuild", has_install_script=True)], {}),
        ([locked("puppeteer", has_install_script=True)], {"puppeteer": "glibc-only"}),
        ([locked("@prisma/client", has_install_script=True)], {"@prisma/client": "unknown"}),
        ([locked("fsevents", has_install_script=True, os=("darwin",))], {}),
        ([locked("odd", has_install_script=True, os=("!win32",))], {"odd": "unknown"}),
        ([locked("odd", has_install_script=True, os=("linux",), cpu=("arm64",))], {}),
        ([locked("odd", "x", has_install_script=True, cpu=("!ia32",))], {"odd": "unknown"}),
        ([locked("sqlite3", has_install_script=True, dev=True)], {}),
    ],
)
def test_each_package_is_judged(packages: list[LockedPackage], expected: dict[str, str]) -> None:
    assert {need.package: need.verdict for need in libc_needs(packages)} == expected


def test_development_packages_are_judged_apart() -> None:
    packages = [
        locked("sqlite3", has_install_script=True, dev=True),
        locked("bcrypt", "5.0.0", has_install_script=True),
    ]
    assert [need.package for need in libc_needs(packages, dev=True)] == ["sqlite3"]


def test_the_reason_names_what_the_lock_lacks() -> None:
    (need,) = libc_needs([variant("@swc/core-linux-x64-gnu")])
    assert need.reason == "the lock file holds no @swc/core-linux-x64-musl"
