"""Alpine, yes or no: the lock file's answer, and what an image's binaries add to it."""

from typing import Any

import pytest

from imageopt.image.elf import ElfFacts
from imageopt.project.alpine import alpine_answer
from imageopt.project.model import Lock, LockedPackage
from imageopt.project.native_packages import REASONS, _table, known_native

GLIBC = ElfFacts("amd64", "", ("libc.so.6",), "2.34", False)
MUSL = ElfFacts("amd64", "", ("libc.musl-x86_64.so.1",), "", False)
FREE = ElfFacts("amd64", "", (), "", True)


def package(name: str, version: str = "1.0.0", **more: Any) -> LockedPackage:
    values: dict[str, Any] = {
        "dev": False,
        "optional": False,
        "has_install_script": False,
        "os": (),
        "cpu": (),
        "libc": (),
        **more,
    }
    return LockedPackage(name, version, f"node_modules/{name}", **values)


def lock(*packages: LockedPackage, tells_scripts: bool = True) -> Lock:
    return Lock("npm", "package-lock.json", "3", "in-sync", "", packages, (), tells_scripts)


SCRIPT: dict[str, Any] = {"has_install_script": True}
LINUX: dict[str, Any] = {"os": ("linux",), "cpu": ("x64",)}


@pytest.mark.parametrize(
    ("packages", "verdict", "reason"),
    [
        ([package("express")], "yes", "every production package is JavaScript"),
        ([package("bcrypt", "6.0.0", **SCRIPT)], "yes", "every production package with a binary runs on musl"),
        ([package("bcrypt", "5.1.0", **SCRIPT)], "unknown", f"bcrypt: {REASONS['downloaded']}"),
        ([package("node-pty", **SCRIPT)], "unknown", f"node-pty: {REASONS['compiled']}"),
        ([package("own-addon", **SCRIPT)], "unknown", "own-addon: its install script compiles or downloads something"),
        ([package("puppeteer", **SCRIPT), package("bcrypt", "5.0.0", **SCRIPT)], "no", "puppeteer: it downloads a Chrome built for glibc"),
        ([package("cypress", dev=True, **SCRIPT)], "yes", "every production package is JavaScript"),
        ([package("@img/sharp-linux-x64", **LINUX)], "no", "@img/sharp-linux-x64: the lock file holds no @img/sharp-linuxmusl-x64"),
        ([package("@msgpackr-extract/msgpackr-extract-linux-x64", **LINUX)], "yes", "every production package with a binary runs on musl"),
        ([package("@prisma/client", **SCRIPT)], "unknown", f"@prisma/client: {REASONS['openssl']}"),
        ([package("ffmpeg-static", **SCRIPT)], "yes", "every production package with a binary runs on musl"),
    ],
)  # fmt: skip
def test_what_the_lock_says(packages: list[LockedPackage], verdict: str, reason: str) -> None:
    answer = alpine_answer(lock(*packages))
    assert (answer.verdict, answer.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("packages", "verdict", "reason"),
    [
        ([package("express")], "unknown", "package-lock.json does not say which packages have install scripts"),
        ([package("bcrypt", "5.1.0")], "unknown", f"bcrypt: {REASONS['downloaded']}"),
        (
            [package("addon", dependencies=("nan",))],
            "unknown",
            "addon: it depends on nan, as packages with native code do",
        ),
        ([package("puppeteer")], "no", "puppeteer: it downloads a Chrome built for glibc"),
    ],
)
def test_a_lock_that_does_not_tell_scripts(packages: list[LockedPackage], verdict: str, reason: str) -> None:
    answer = alpine_answer(lock(*packages, tells_scripts=False))
    assert (answer.verdict, answer.reason) == (verdict, reason)


def at(name: str, file: str = "build/Release/x.node") -> str:
    return f"app/node_modules/{name}/{file}"


@pytest.mark.parametrize(
    ("packages", "elf", "verdict", "deciding"),
    [
        ([package("express")], {}, "yes", {}),
        ([package("express")], {"usr/bin/node": GLIBC, "app/addon.node": GLIBC}, "yes", {}),
        ([package("addon")], {at("addon"): GLIBC}, "no", {"addon": "glibc-only"}),
        ([package("addon")], {at("addon", "glibc.node"): GLIBC, at("addon", "musl.node"): MUSL}, "yes", {"addon": "musl-ok"}),
        ([package("addon")], {at("addon"): FREE}, "yes", {"addon": "any"}),
        ([package("addon", dev=True)], {at("addon"): GLIBC}, "yes", {}),
        ([package("addon", dev=True), package("addon", "2.0.0")], {at("addon"): GLIBC}, "no", {"addon": "glibc-only"}),
        ([package("bcrypt", "5.0.0")], {at("bcrypt"): GLIBC}, "unknown", {"bcrypt": "unknown"}),  # compiled there, for glibc
        ([package("bcrypt", "5.0.0")], {at("bcrypt"): MUSL}, "yes", {"bcrypt": "musl-ok"}),
        ([package("node-pty")], {at("node-pty"): FREE}, "yes", {"node-pty": "any"}),
        ([package("@prisma/client")], {at("@prisma/client"): MUSL}, "unknown", {"@prisma/client": "unknown"}),
        ([package("puppeteer")], {at("puppeteer"): MUSL}, "no", {"puppeteer": "glibc-only"}),
        ([package("@x/y-gnu"), package("@x/y-musl")], {at("@x/y-gnu"): GLIBC}, "yes", {"@x/y-gnu": "musl-ok"}),
        ([package("a")], {at(".pnpm/a@1.0.0/node_modules/a"): GLIBC}, "no", {"a": "glibc-only"}),
        ([package("a")], {at("a", "node_modules/b/x.node"): GLIBC}, "no", {"b": "glibc-only"}),
    ],
)  # fmt: skip
def test_what_an_image_adds(
    packages: list[LockedPackage], elf: dict[str, ElfFacts], verdict: str, deciding: dict[str, str]
) -> None:
    answer = alpine_answer(lock(*packages, tells_scripts=False), elf)
    assert (answer.verdict, {need.package: need.verdict for need in answer.deciding}) == (verdict, deciding)


def test_the_reason_names_the_glibc_that_is_needed() -> None:
    answer = alpine_answer(lock(package("a")), {at("a"): GLIBC})
    assert answer.reason == "a: its binaries in the image need glibc 2.34, and none is for musl"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "without a lock file nothing says which packages there are"),
        (Lock("npm", "package-lock.json", "", "missing", "there is no package-lock.json", ()), "without a lock file nothing says which packages there are"),
        (Lock("bun", "bun.lockb", "", "unknown", "only bun can check bun.lockb", ()), "only bun can check bun.lockb"),
    ],
)  # fmt: skip
def test_without_a_lock_nothing_is_known(given: Lock | None, reason: str) -> None:
    assert (alpine_answer(given).verdict, alpine_answer(given).reason) == ("unknown", reason)


def test_the_table_is_sound() -> None:
    exact, families = _table()
    for name, entries in (*exact.items(), *families):
        assert [entry.since for entry in entries] == sorted((e.since for e in entries), reverse=True), name
        assert all(entry.source and entry.reason for entry in entries), name


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [("argon2", "0.40.0", "both"), ("argon2", "0.39.9", "downloaded"), ("argon2", "odd", "downloaded"), ("classic-level", "0.1.0", None), ("@esbuild/linux-x64", "0.21.0", "static"), ("express", "4.0.0", None)],
)  # fmt: skip
def test_the_version_decides(name: str, version: str, kind: str | None) -> None:
    found = known_native(name, version)
    assert (found.kind if found else None) == kind
