"""composer.json and composer.lock -> Php: the PHP and extensions it needs, what is for development, the framework.

The lock file's `content-hash` is compared by Composer's own rule, the MD5 of some keys as PHP would write them; if it
differs, Composer only warns, and installs what is locked.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, object_of, parse_object, read_object, text_of, texts_of
from imageopt.project.model import Fact, LockState, Php
from imageopt.project.stated import (
    stated_in_dockerfile,
    stated_in_files,
    stated_in_json,
    stated_in_pipelines,
    stated_in_tool_versions,
)

_FRAMEWORKS: tuple[tuple[str, Literal["laravel", "symfony"]], ...] = (
    ("laravel/framework", "laravel"),
    ("symfony/framework-bundle", "symfony"),
)
_HASHED = (
    "name", "version", "require", "require-dev", "conflict", "replace", "provide", "minimum-stability", "prefer-stable",
    "repositories", "extra",
)  # fmt: skip
_ASSET_CONFIGS = ("vite.config.js", "vite.config.ts", "vite.config.mjs", "webpack.mix.js", "webpack.config.js")
_CLASS_MAPS = ("optimize-autoloader", "classmap-authoritative", "apcu-autoloader")
_LOCK_LIMIT = 20_000_000


def read_php(root: Path, dockerfile: Dockerfile | None = None, dockerfile_path: str = "Dockerfile") -> Php | None:
    """The facts; None where there is no composer.json that can be read."""
    text = read_text(root, "composer.json") or ""
    data = parse_object(text)
    if data is None:
        return None
    lock_text = read_text(root, "composer.lock", limit=_LOCK_LIMIT) or ""
    lock = parse_object(lock_text)
    packages, dev_packages = _packages(lock, "packages"), _packages(lock, "packages-dev")
    required = texts_of(data.get("require"))
    names = {*required, *(name for name, _ in packages)}
    assets, outputs = _assets(root)
    config = object_of(data.get("config"))
    return Php(
        framework=next((name for package, name in _FRAMEWORKS if package in names), "plain"),
        versions=(
            *stated_in_dockerfile("php", dockerfile, dockerfile_path),
            *_versions(data, text, lock or {}, lock_text),
            *stated_in_files(root, (".php-version",)),
            *stated_in_tool_versions(root, "php"),
            *stated_in_pipelines(root, "php"),
        ),
        extensions=tuple(_extensions(data, packages)),
        packages=tuple(sorted(name for name, _ in packages)),
        dev_packages=tuple(sorted(name for name, _ in dev_packages)),
        dev_namespaces=tuple(sorted({name for _, package in dev_packages for name in _namespaces(package)})),
        assets=assets,
        asset_outputs=outputs,
        lock=_lock_state(root, data, lock),
        require_dev=tuple(texts_of(data.get("require-dev"))),
        optimizes_autoloader=any(config.get(name) is True for name in _CLASS_MAPS),
        scripts=tuple(sorted(object_of(data.get("scripts")))),
        path_repositories=tuple(_path_repositories(data)),
        vendor=text_of(config.get("vendor-dir")) or "vendor",
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


def _versions(data: Json, text: str, lock: Json, lock_text: str) -> Iterator[Fact]:
    platform = text_of(object_of(object_of(data.get("config")).get("platform")).get("php"))
    if platform:
        yield stated_in_json("composer.json", text, platform, "config", "platform", "php")
    wanted = texts_of(data.get("require")).get("php")
    if wanted:
        yield stated_in_json("composer.json", text, wanted, "require", "php")
    locked = texts_of(lock.get("platform")).get("php")
    if locked and locked != wanted:
        yield stated_in_json("composer.lock", lock_text, locked, "platform", "php")


def _namespaces(package: Json) -> Iterator[str]:
    """The namespaces that the package's classes are in, each with its backslash at the end."""
    autoload = object_of(package.get("autoload"))
    for standard in ("psr-4", "psr-0"):
        yield from (name for name in object_of(autoload.get(standard)) if name.endswith("\\"))


def _path_repositories(data: Json) -> Iterator[str]:
    """The folders of the project that packages are taken from, as they are written, `packages/*` included."""
    listed = data.get("repositories")
    for each in listed.values() if isinstance(listed, dict) else listed if isinstance(listed, list) else ():
        repository = object_of(each)
        if repository.get("type") == "path" and text_of(repository.get("url")):
            yield text_of(repository["url"]).removeprefix("./").rstrip("/")


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
    """The tool that bundles for browsers, and what it writes by its own configuration, or by default."""
    manifest = read_object(root, "package.json") or {}
    known = {**texts_of(manifest.get("dependencies")), **texts_of(manifest.get("devDependencies"))}
    text = "\n".join(read_text(root, name) or "" for name in _ASSET_CONFIGS)
    if "laravel-vite-plugin" in known or "vite-plugin-symfony" in known:
        folder = re.search(r"buildDirectory\s*:\s*['\"]/?([\w./-]+?)/?['\"]", text)
        return "vite", (f"public/{folder[1]}" if folder else "public/build",)
    if "laravel-mix" in known or exists(root, "webpack.mix.js"):
        named = sorted(set(re.findall(r"['\"](public/[\w-]+)(?:/[^'\"]*)?['\"]", text)))
        return "mix", (*(named or ("public/css", "public/js")), "public/mix-manifest.json")
    if "@symfony/webpack-encore" in known:
        folder = re.search(r"setOutputPath\(\s*['\"](?:\./)?([\w./-]+?)/?['\"]", text)
        return "encore", (folder[1] if folder else "public/build",)
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
