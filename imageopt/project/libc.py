"""Which production packages care about the C library: the answer to "does alpine work here?", read from the lock.

A package that runs no install script and has no platform-bound variant is JavaScript and is not listed. A
family (sharp, swc, rollup …) publishes one package per platform and lets npm choose: musl works only if the lock
holds the musl variant too, for `npm ci` installs nothing that is not locked.
"""

import re
from collections.abc import Iterable, Iterator

from imageopt.project.model import LibcNeed, LockedPackage

_HARMLESS = {  # their install scripts print, patch or fall back to JavaScript
    "core-js", "core-js-pure", "core-js-bundle", "es5-ext", "protobufjs", "@apollo/protobufjs", "styled-components",
    "husky", "nodemon", "@nestjs/core", "ejs", "msw", "@scarf/scarf", "ssh2", "cpu-features", "dtrace-provider",
    "vue-demi", "preact", "simple-git-hooks", "lefthook", "yorkie", "pre-commit", "postinstall-postinstall",
    "@fortawesome/fontawesome-free", "esbuild", "less", "uglifyjs-webpack-plugin", "utf-8-validate",
    "bufferutil", "@compodoc/compodoc", "ngx-popperjs", "aws-sdk", "event-stream", "rxjs-compat", "unrs-resolver",
}  # fmt: skip
_FAMILY_OWNERS = {"sharp", "@swc/core", "rollup", "nx", "lightningcss", "@parcel/watcher", "workerd", "lmdb",
                  "msgpackr-extract", "@tailwindcss/oxide", "@sentry/cli", "turbo", "@biomejs/biome"}  # fmt: skip
_GLIBC_ONLY = {
    "puppeteer": "it downloads a Chrome built for glibc",
    "playwright": "it downloads browsers built for glibc",
    "@playwright/test": "it downloads browsers built for glibc",
    "electron": "its binary is built for glibc",
    "cypress": "its binary is built for glibc",
    "onnxruntime-node": "its library is built for glibc",
    "@tensorflow/tfjs-node": "it downloads a TensorFlow built for glibc",
    "oracledb": "Oracle's client library needs glibc",
    "mongodb-memory-server": "it downloads a MongoDB built for glibc",
    "phantomjs-prebuilt": "its binary is built for glibc",
    "grpc-tools": "its binaries are built for glibc",
    "ibm_db": "its client library needs glibc",
}
_OPENSSL = {"@prisma/client", "prisma", "@prisma/engines"}
_PREBUILT = {"bcrypt": (6, 0), "argon2": (0, 40)}  # from this version on, the package itself carries builds for both
_STATIC = re.compile(r"@esbuild/|@sentry/cli-linux|turbo-linux|@turbo/")  # Go or Rust, linked without a C library
_LINUX = re.compile(r"(?:^|[-/_])linux(?:musl)?(?:[-_]|$)")


def libc_needs(packages: Iterable[LockedPackage], *, dev: bool = False) -> tuple[LibcNeed, ...]:
    """The libc needs of the production packages (or, with `dev`, of the development ones), sorted by name."""
    everything = tuple(packages)
    names = {package.name for package in everything}
    chosen = {package.name: package for package in everything if package.dev == dev and _runs_on_linux(package)}
    needs = dict(_needs(chosen.values(), names))
    return tuple(needs[name] for name in sorted(needs))


def _needs(packages: Iterable[LockedPackage], names: set[str]) -> Iterator[tuple[str, LibcNeed]]:
    for package in packages:
        if _is_variant(package):
            if "musl" in package.name:
                continue
            need = _variant_need(package, names)
        else:
            need = _own_need(package)
        if need:
            yield need.package, need


def _own_need(package: LockedPackage) -> LibcNeed | None:
    name = package.name
    if name in _GLIBC_ONLY:
        return LibcNeed(name, "glibc-only", _GLIBC_ONLY[name])
    if name in _OPENSSL:
        return LibcNeed(name, "unknown", "its engine must match the OpenSSL of the image")
    if name in _PREBUILT and _version(package) >= _PREBUILT[name]:
        return LibcNeed(name, "musl-ok", "it carries prebuilt binaries for glibc and musl")
    if name == "sharp" and _version(package) < (0, 33):
        return LibcNeed(name, "unknown", "versions before 0.33 download or compile libvips when they are installed")
    if not package.has_install_script or name in _HARMLESS or name in _FAMILY_OWNERS:
        return None
    return LibcNeed(name, "unknown", "its install script compiles or downloads something")


def _variant_need(package: LockedPackage, names: set[str]) -> LibcNeed | None:
    if _STATIC.match(package.name):
        return LibcNeed(package.name, "any", "its binary needs no C library")
    twins = _musl_twins(package.name)
    held = next((twin for twin in twins if twin in names), None)
    if held:
        return LibcNeed(package.name, "musl-ok", f"the lock file holds {held} as well")
    return LibcNeed(package.name, "glibc-only", f"the lock file holds no {twins[0]}")


def _musl_twins(name: str) -> tuple[str, ...]:
    swapped = [name.replace(*pair) for pair in (("-gnu", "-musl"), ("-glibc", "-musl"), ("linux-", "linuxmusl-"))]
    return tuple(dict.fromkeys([twin for twin in swapped if twin != name] + [f"{name}-musl"]))


def _is_variant(package: LockedPackage) -> bool:
    return "linux" in package.os and bool(_LINUX.search(package.name))


def _runs_on_linux(package: LockedPackage) -> bool:
    """Whether npm would install it on a Linux server; other processors' variants follow the same rule as x64."""
    if package.os and ("linux" not in package.os or "!linux" in package.os):
        return any(name.startswith("!") and name != "!linux" for name in package.os)
    return not package.cpu or "x64" in package.cpu or all(name.startswith("!") for name in package.cpu)


def _version(package: LockedPackage) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", package.version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
