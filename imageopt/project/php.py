"""composer.json and composer.lock -> Php: the extensions it needs, what is for development, which framework it is.

The lock file's `content-hash` is compared by Composer's own rule, the MD5 of some keys as PHP would write them; if it
differs, Composer only warns, and installs what is locked.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, object_of, parse_object, read_object, text_of, texts_of
from imageopt.project.model import Fact, LockState, Php

_FRAMEWORKS: tuple[tuple[str, Literal["laravel", "symfony"]], ...] = (
    ("laravel/framework", "laravel"),
    ("symfony/framework-bundle", "symfony"),
)
_HASHED = (
    "name", "version", "require", "require-dev", "conflict", "replace", "provide", "minimum-stability", "prefer-stable",
    "repositories", "extra",
)  # fmt: skip
_LOCK_LIMIT = 20_000_000


def read_php(root: Path) -> Php | None:
    """The facts; None where there is no composer.json that can be read."""
    data = read_object(root, "composer.json")
    if data is None:
        return None
    lock = parse_object(read_text(root, "composer.lock", limit=_LOCK_LIMIT) or "")
    packages = _packages(lock, "packages")
    required = {*texts_of(data.get("require")), *(name for name, _ in packages)}
    assets, outputs = _assets(root)
    return Php(
        framework=next((name for package, name in _FRAMEWORKS if package in required), "plain"),
        versions=tuple(_versions(data, lock or {})),
        extensions=tuple(_extensions(data, packages)),
        dev_packages=tuple(sorted(name for name, _ in _packages(lock, "packages-dev"))),
        assets=assets,
        asset_outputs=outputs,
        lock=_lock_state(root, data, lock),
    )


def content_hash(data: Json) -> str:
    """The hash that Composer keeps of a composer.json, as hexadecimal digits."""
    relevant = {key: data[key] for key in _HASHED if key in data}
    platform = object_of(data.get("config")).get("platform")
    if platform is not None:
        relevant["config"] = {"platform": platform}
    text = json.dumps(_as_php(dict(sorted(relevant.items()))), separators=(",", ":")).replace("/", "\\/")
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _as_php(value: object) -> object:
    """PHP reads an object as an array, and writes an empty array as a list."""
    if isinstance(value, dict):
        return {key: _as_php(item) for key, item in value.items()} if value else []
    return [_as_php(item) for item in value] if isinstance(value, list) else value


def _packages(lock: Json | None, key: str) -> list[tuple[str, Json]]:
    listed = (lock or {}).get(key)
    found = [object_of(package) for package in listed] if isinstance(listed, list) else []
    return [(text_of(package.get("name")), package) for package in found if text_of(package.get("name"))]


def _versions(data: Json, lock: Json) -> Iterator[Fact]:
    platform = text_of(object_of(object_of(data.get("config")).get("platform")).get("php"))
    if platform:
        yield Fact(platform, "composer.json config.platform.php")
    wanted = texts_of(data.get("require")).get("php")
    if wanted:
        yield Fact(wanted, "composer.json require.php")
    locked = texts_of(lock.get("platform")).get("php")
    if locked and locked != wanted:
        yield Fact(locked, "composer.lock platform.php")


def _extensions(data: Json, packages: list[tuple[str, Json]]) -> Iterator[Fact]:
    found: dict[str, str] = {}
    sources = [("composer.json", texts_of(data.get("require")))]
    sources += [(name, texts_of(package.get("require"))) for name, package in packages]
    for source, required in sources:
        for name in required:
            if name.startswith("ext-"):
                found.setdefault(name.removeprefix("ext-").lower(), source)
    yield from (Fact(name, found[name]) for name in sorted(found))


def _assets(root: Path) -> tuple[Literal["vite", "mix", "encore", ""], tuple[str, ...]]:
    manifest = read_object(root, "package.json") or {}
    known = {**texts_of(manifest.get("dependencies")), **texts_of(manifest.get("devDependencies"))}
    if "laravel-vite-plugin" in known or "vite-plugin-symfony" in known:
        return "vite", ("public/build",)
    if "laravel-mix" in known or exists(root, "webpack.mix.js"):
        return "mix", ("public/js", "public/css", "public/mix-manifest.json")
    if "@symfony/webpack-encore" in known:
        return "encore", ("public/build",)
    return "", ()


def _lock_state(root: Path, data: Json, lock: Json | None) -> LockState:
    if lock is None:
        return "unknown" if exists(root, "composer.lock") else "missing"
    kept = text_of(lock.get("content-hash"))
    if not kept:
        return "unknown"
    try:
        return "in-sync" if kept == content_hash(data) else "drifted"
    except RecursionError:  # an `extra` that nests without end
        return "unknown"
