"""native_packages.toml -> what is known of a package by its name and version, with the reason in words."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

NativeKind = Literal["both", "static", "glibc", "compiled", "downloaded", "openssl", "variants", "harmless"]
REASONS: dict[NativeKind, str] = {
    "both": "it carries prebuilt binaries for glibc and musl",
    "static": "its binary needs no C library",
    "glibc": "its binary is built for glibc",
    "compiled": "its install script compiles it with node-gyp",
    "downloaded": "its install script downloads a binary, or compiles it where there is none",
    "openssl": "its engine must match the OpenSSL of the image",
    "variants": "packages for single platforms hold its binaries",
    "harmless": "its install script needs no C library",
}
_TABLE = Path(__file__).with_name("native_packages.toml")


class Native(Struct, frozen=True):
    """An entry of the table: what is known from a version on."""

    kind: NativeKind
    reason: str
    since: tuple[int, int]
    source: str


def known_native(name: str, version: str) -> Native | None:
    """What the table says of the package, or None."""
    exact, families = _table()
    found = exact.get(name) or next((entries for prefix, entries in families if name.startswith(prefix)), ())
    return next((entry for entry in found if entry.since <= version_of(version)), None)


def version_of(version: str) -> tuple[int, int]:
    """The first two numbers of a version; 0.0 where there are none."""
    match = re.match(r"(\d{1,9})\.(\d{1,9})", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


@cache
def _table() -> tuple[dict[str, tuple[Native, ...]], tuple[tuple[str, tuple[Native, ...]], ...]]:
    import tomli

    exact: dict[str, tuple[Native, ...]] = {}
    families: dict[str, tuple[Native, ...]] = {}
    for entry in tomli.loads(_TABLE.read_text(encoding="utf-8"))["entry"]:
        kind = next(kind for kind in get_args(NativeKind) if kind == entry["kind"])
        native = Native(kind, entry.get("reason", REASONS[kind]), version_of(entry.get("from", "0.0")), entry["source"])
        for name in entry["names"]:
            into = families if name.endswith("*") else exact
            into[name.rstrip("*")] = (*into.get(name.rstrip("*"), ()), native)
    return exact, tuple(families.items())
