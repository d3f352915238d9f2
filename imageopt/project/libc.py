"""Which production packages care about the C library: the answer to "does alpine work here?", read from the lock.

A package that runs no install script and has no platform-bound variant is JavaScript and is not listed. A
family (sharp, swc, rollup …) publishes one package per platform and lets npm choose: musl works only if the lock
holds the musl variant too, for `npm ci` installs nothing that is not locked.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.model import LibcNeed, LockedPackage
from imageopt.project.native_packages import known_native

USUAL_PROCESSOR = "x64"
_HELPERS = {  # packages that others depend on to find, download or compile their native code
    "node-gyp-build", "prebuild-install", "@mapbox/node-pre-gyp", "node-pre-gyp", "node-addon-api", "nan", "bindings",
    "node-gyp", "cmake-js", "prebuildify", "node-gyp-build-optional-packages", "install-artifact-from-github",
}  # fmt: skip
_IMPLICIT = {"nan", "node-addon-api", "bindings"}  # npm compiles a binding.gyp without an install script that says so
_LINUX = lazy_pattern(r"(?:^|[-/_])linux(?:musl)?(?:[-_]|$)")


def libc_needs(
    packages: Iterable[LockedPackage],
    *,
    dev: bool = False,
    scripts_known: bool = True,
    processors: Collection[str] = (USUAL_PROCESSOR,),
) -> tuple[LibcNeed, ...]:
    """The libc needs of the production packages (or, with `dev`, of the development ones), sorted by name.

    `processors`, as npm names them, are those that the image is built for: each needs its variant.
    Without `scripts_known` (`Lock.tells_scripts`) a package is judged by its name and by what it depends on.
    """
    everything = tuple(packages)
    names = {package.name for package in everything}
    chosen = {package.name: package for package in everything if package.dev == dev and _runs(package, processors)}
    needs = dict(_needs(chosen.values(), names, scripts_known))
    return tuple(needs[name] for name in sorted(needs))


def _needs(packages: Iterable[LockedPackage], names: set[str], scripts_known: bool) -> Iterator[tuple[str, LibcNeed]]:
    for package in packages:
        if _is_variant(package):
            if "musl" in package.name:
                continue
            need = _variant_need(package, names)
        else:
            need = _own_need(package, scripts_known)
        if need:
            yield need.package, need


def _own_need(package: LockedPackage, scripts_known: bool) -> LibcNeed | None:
    name = package.name
    known = known_native(name, package.version)
    match known.kind if known else None:
        case "glibc" if known:
            return LibcNeed(name, "glibc-only", known.reason)
        case "openssl" if known:
            return LibcNeed(name, "unknown", known.reason)
        case "both" if known:
            return LibcNeed(name, "musl-ok", known.reason)
        case "static" if known:
            return LibcNeed(name, "any", known.reason)
        case "harmless" | "variants":
            return None
        case "compiled" if known:
            return LibcNeed(name, "unknown", known.reason, compiles=True)
        case "downloaded" if known and (package.has_install_script or not scripts_known):
            return LibcNeed(name, "unknown", known.reason, compiles=True)
    if package.has_install_script:
        return LibcNeed(name, "unknown", "its install script compiles or downloads something", compiles=True)
    telling = _IMPLICIT if scripts_known else _HELPERS
    helper = next((need for need in package.dependencies if need in telling and name not in _HELPERS), None)
    if helper:
        return LibcNeed(name, "unknown", f"it depends on {helper}, as packages with native code do", compiles=True)
    return None


def _variant_need(package: LockedPackage, names: set[str]) -> LibcNeed | None:
    known = known_native(package.name, package.version)
    if known and known.kind in ("static", "both"):
        verdict: Literal["any", "musl-ok"] = "any" if known.kind == "static" else "musl-ok"
        return LibcNeed(package.name, verdict, known.reason)
    twins = musl_twins(package.name)
    held = next((twin for twin in twins if twin in names), None)
    if held:
        return LibcNeed(package.name, "musl-ok", f"the lock file holds {held} as well")
    return LibcNeed(package.name, "glibc-only", f"the lock file holds no {twins[0]}")


def musl_twins(name: str) -> tuple[str, ...]:
    """The names under which the variant of a package for musl is published, the likeliest first."""
    swapped = [name.replace(*pair) for pair in (("-gnu", "-musl"), ("-glibc", "-musl"), ("linux-", "linuxmusl-"))]
    return tuple(dict.fromkeys([twin for twin in swapped if twin != name] + [f"{name}-musl"]))


def _is_variant(package: LockedPackage) -> bool:
    return "linux" in package.os and bool(_LINUX.search(package.name))


def _runs(package: LockedPackage, processors: Collection[str]) -> bool:
    """Whether npm would install it on a Linux server with one of these processors."""
    if package.os and ("linux" not in package.os or "!linux" in package.os):
        return any(name.startswith("!") and name != "!linux" for name in package.os)
    if not package.cpu or all(name.startswith("!") for name in package.cpu):
        return True
    return not set(package.cpu).isdisjoint(processors)
