"""Checks on compiled npm packages: those for another system, and those for another C library.

What surprises: a package for another platform is only dead weight, but an addon that was compiled for another C library
is a crash when it is loaded. On Alpine gcompat makes some of those work, so nothing is said where it is installed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from typing import TYPE_CHECKING

from imageopt.evidence.variants import split_reference
from imageopt.image.packages.folder import package_folder
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.held import held
from imageopt.rules.checks.match import shipped_stages
from imageopt.rules.checks.node_install import installs_of
from imageopt.rules.checks.steps import Copied, copies, steps, with_ancestors
from imageopt.rules.finding import stated

if TYPE_CHECKING:
    from imageopt.evidence.model import Evidence
    from imageopt.image.elf import Libc
    from imageopt.image.model import Image
    from imageopt.rules.model import Finding, Rule

_PLATFORM = lazy_pattern(
    r"(?P<os>darwin|win32|windows|linux|linuxmusl|android|freebsd|openbsd|netbsd|sunos|aix|openharmony)"
    r"-(?P<cpu>x64|arm64|ia32|arm|armv6|armv7|ppc64|ppc64le|s390x|riscv64|loong64|mips64el|universal|64|32)"
    r"(?:-(?P<libc>musl|gnu|glibc|gnueabihf|musleabihf|msvc|eabi))?$"
)
_PREBUILD = lazy_pattern(r"/prebuilds/(?P<os>[a-z0-9]{2,10})-(?P<cpu>[a-z0-9+]{2,20})/")
_CPU = {"amd64": ("x64", "64"), "arm64": ("arm64",), "386": ("ia32", "32"), "arm": ("arm", "armv6", "armv7")}
_GLIBC_BY_NAME = lazy_pattern(r"@img/sharp-(?:libvips-)?linux-")  # its musl twin has another name: linuxmusl
_SHIMS = frozenset(("gcompat", "libc6-compat"))
_BROWSERS = frozenset(("puppeteer", "playwright", "@playwright/test", "cypress", "electron"))  # not loaded, but started
_NAMED = 3


def foreign(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Packages and prebuilt files for another system, processor or C library than the image's."""
    image = evidence.image
    cpus = _CPU.get(image.config.architecture) if image is not None else None
    if image is None or cpus is None:
        return
    libc = _libc(image)
    decided: dict[str, bool] = {}
    found = []
    for index, record in evidence.own_files:
        if "node_modules/" not in record.path or evidence.classes[index].cause is not None:
            continue
        folder = record.path.rpartition("/")[0]
        if folder not in decided:
            decided[folder] = _is_foreign(f"{folder}/", cpus, libc)
        if decided[folder]:
            found.append(index)
    yield from held(evidence, rule, found)


def _is_foreign(folder: str, cpus: tuple[str, ...], libc: Libc | None) -> bool:
    prebuilt = _PREBUILD.search(folder)
    if prebuilt is not None:
        return prebuilt["os"] not in ("linux", "linuxmusl") or not set(prebuilt["cpu"].split("+")) & set(cpus)
    package = package_folder(f"{folder}package.json") or ""
    name = package.rpartition("node_modules/")[2]
    platform = _PLATFORM.search(name)
    if platform is None or (platform.start() > 0 and name[platform.start() - 1] not in "-/@_."):
        return False
    if platform["os"] not in ("linux", "linuxmusl"):
        return True
    if platform["cpu"] not in cpus:
        return True
    musl = platform["os"] == "linuxmusl" or (platform["libc"] or "").startswith("musl")
    glibc = (platform["libc"] or "").startswith(("gnu", "glibc")) or _GLIBC_BY_NAME.match(name) is not None
    return (musl and libc == "glibc") or (glibc and libc == "musl")


def mismatched(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Addons that were compiled for another C library; without an image, what brings such onto Alpine."""
    image = evidence.image
    if image is None:
        yield from _onto_alpine(evidence, rule)
        return
    libc = _libc(image)
    if libc is None or any(package.name in _SHIMS for package in image.packages.system):
        return
    addons = {path for path, facts in image.elf.items() if path.endswith(".node") and facts.libc not in (None, libc)}
    if addons:
        wanted = (i for i, r in evidence.own_files if r.path in addons and _is_loaded(r.path))
        yield from held(evidence, rule, wanted)


def _is_loaded(path: str) -> bool:
    """Whether the addon is the only one of its package: of several for one each, the right one is chosen."""
    name = (package_folder(path) or "").rpartition("node_modules/")[2]
    return "/prebuilds/" not in path and _PLATFORM.search(name) is None and re.search(r"musl|glibc|gnu", path) is None


def _onto_alpine(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """Packages that need glibc, installed on Alpine or copied onto it from another base."""
    dockerfile, project = evidence.dockerfile, evidence.project
    if dockerfile is None or project is None or not project.libc:
        return
    numbers = shipped_stages(dockerfile, evidence.target)
    if (
        not numbers
        or not _is_alpine(dockerfile.stages[numbers[0]].base)
        or any(name in dockerfile.text for name in _SHIMS)
    ):
        return
    known = [need for need in project.libc if need.package not in _BROWSERS]
    glibc = sorted(need.package for need in known if need.verdict == "glibc-only")
    for step in steps(evidence):
        for install in installs_of(step) if glibc else ():
            text = f"Alpine's C library is musl, and {_listed(glibc)} needs glibc."
            yield stated(evidence, rule, step.instruction, message=text, at=install.tool.name)
            return
    built = sorted(need.package for need in known if need.verdict in ("glibc-only", "unknown"))
    rebuilt = any(
        tool.tool == "npm" and tool.subcommand == "rebuild" for step in steps(evidence) for tool in step.calls
    )
    folders: dict[int, set[str | None]] = {}  # where packages were installed, by the number of the stage
    for copied in copies(evidence) if built and not rebuilt else ():
        numbers = with_ancestors(dockerfile, copied.stage)
        root = dockerfile.stages[numbers[0]].base
        if root is None or not root.rpartition("/")[2].startswith(("node:", "debian:", "ubuntu:")) or _is_alpine(root):
            continue
        if copied.stage.index not in folders:
            ran = steps(evidence, numbers)
            folders[copied.stage.index] = {each.step.environment.workdir for step in ran for each in installs_of(step)}
        if _brings_modules(copied, folders[copied.stage.index]):
            text = f"{_listed(built)} may have been compiled for glibc there, and Alpine's C library is musl."
            yield stated(
                evidence, rule, copied.instruction, message=text, at=copied.instruction.words[0], confidence="medium"
            )
            return


def _brings_modules(copied: Copied, folders: Collection[str | None]) -> bool:
    """Whether the copied paths hold the node_modules of one of these folders."""
    return any(
        f"{folder}/node_modules/".startswith(f"{path.rstrip('/')}/")
        for folder in folders
        if folder is not None
        for path in copied.sources or ()
    )


def _is_alpine(base: str | None) -> bool:
    name, tag = split_reference(base or "")
    return "alpine" in tag or name.rpartition("/")[2] == "alpine"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _libc(image: Image) -> Libc | None:
    """The image's C library, by its loader; None where there is none, or both."""
    musl = glibc = False
    for record in image.files:
        path = record[0]
        if "ld-" in path and record[4] is None and "/ld-" in f"/{path}" and "lib" in path:
            name = path.rpartition("/")[2]
            musl = musl or name.startswith("ld-musl-")
            glibc = glibc or name.startswith("ld-linux")
    if musl == glibc:
        return None
    return "musl" if musl else "glibc"
