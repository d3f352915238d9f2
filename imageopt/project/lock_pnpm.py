"""pnpm-lock.yaml, lockfileVersion 5.0 to 9.0 -> Lock, by the question that `pnpm install --frozen-lockfile` asks.

pnpm compares what each package.json asks for, word by word, with what the lock was made for: a wider range that the
locked version satisfies is drift to it, unlike to npm. Up to 6.x an entry says itself whether it is for development and
has an install script; 9.0 says neither.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.block_yaml import parse_block_yaml
from imageopt.project.jsonc import Json, list_of, object_of, text_of, texts_of
from imageopt.project.lock_entries import (
    Drift,
    Entry,
    Sources,
    asked,
    differences,
    judged,
    locked_packages,
    manifest_path,
    overridden,
)
from imageopt.project.model import Lock
from imageopt.project.yaml_tree import Node, plain

_KNOWN = lazy_pattern(r"(5)(?:\.\d+)?|(6)\.\d+|(9)\.\d+")
_KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_DOCUMENT = re.compile(r"^---[ \t\r]*$", re.MULTILINE)
_ASKS_FIRST = 10  # the release that runs no install script unless the project approves it


def read_pnpm_lock(path: str, text: str, sources: Sources, settings: Node) -> Lock:
    """The lock; `settings` is pnpm-workspace.yaml. Raises InputError, with the line, for what is no YAML."""
    data = parse_block_yaml(_own_document(text), path)
    version = text_of(data.get("lockfileVersion"))
    known = _KNOWN.fullmatch(version)
    if known is None:
        why = f"its lockfileVersion is {version!r:.40}" if version else "it names no lockfileVersion"
        return Lock("pnpm", path, version, "unknown", f"{path}:1: {why}", (), (), False)
    importers = _importers(data)
    approved = approved_builds(sources, settings)
    form = next(filter(None, known.groups()))
    entries = dict(_entries(data, form, approved))
    direct = {kind: [_key(form, *pair) for held in importers.values() for pair in _held(held, kind)] for kind in _KINDS}
    packages = locked_packages(
        entries, direct["dependencies"], direct["devDependencies"], direct["optionalDependencies"]
    )
    drift = _drift(data, importers, sources, settings)
    lock = judged("pnpm", path, version, drift, packages, tells_scripts=form != "9" or approved is not None)
    if lock.state == "drifted" and "pnpmfileChecksum" in data:
        return replace(lock, state="unknown", reason=f".pnpmfile.cjs may change what is asked for, and {lock.reason}")
    return lock


def _own_document(text: str) -> str:
    """The last document, on the lines it stands on: from 11 on pnpm may write one about itself before it."""
    begins = max((mark.end() for mark in _DOCUMENT.finditer(text)), default=0)
    if "<<<<<<<" in text[:begins]:
        return text  # the marks of a merge, which are to be seen
    return "\n" * text.count("\n", 0, begins) + text[begins:]


def approved_builds(sources: Sources, settings: Node) -> set[str] | None:
    """The packages whose install scripts pnpm runs, or None where it runs all: before 10, or told to."""
    manifest = sources.get("", {})
    own = object_of(manifest.get("pnpm"))
    named = {*list_of(own.get("onlyBuiltDependencies")), *(n.text for n in settings.at("onlyBuiltDependencies").items)}
    named |= {name for name, allowed in settings.at("allowBuilds").pairs.items() if allowed.text == "true"}
    if settings.at("dangerouslyAllowAllBuilds").text == "true" or own.get("dangerouslyAllowAllBuilds") is True:
        return None
    release = re.match(r"pnpm@(\d+)", text_of(manifest.get("packageManager")))
    if named or (release and int(release[1]) >= _ASKS_FIRST):
        return {name.partition("@")[0] if not name.startswith("@") else name for name in named}
    return None


def _importers(data: Json) -> dict[str, Json]:
    """What the lock was made for, by folder; a lock of a single package has it at the top."""
    importers = data.get("importers")
    if not isinstance(importers, dict):
        return {"": data}
    return {"" if folder == "." else folder: object_of(importer) for folder, importer in importers.items()}


def _held(importer: Json, kind: str) -> Iterator[tuple[str, str]]:
    """Name and locked version of each direct dependency of a kind."""
    for name, value in object_of(importer.get(kind)).items():
        yield name, text_of(object_of(value).get("version")) if isinstance(value, dict) else text_of(value)


def _specifiers(importer: Json) -> dict[str, str]:
    """What each direct dependency was asked for as."""
    found = texts_of(importer.get("specifiers"))
    for kind in _KINDS:
        for name, value in object_of(importer.get(kind)).items():
            if isinstance(value, dict):
                found[name] = text_of(value.get("specifier"))
    return found


def _key(form: str, name: str, version: str) -> str:
    """The key of the entry that a dependency leads to; `version` may be a key already (an alias, a tarball)."""
    if form == "5":
        return version if "/" in version else f"/{name}/{version}"
    slash = "/" if form == "6" else ""
    if version.startswith("/") or (form == "9" and "@" in version.partition("(")[0]):
        return version
    return version if form == "6" and re.match(r"[\w.-]+[/:]", version) else f"{slash}{name}@{version}"


def _entries(data: Json, form: str, approved: set[str] | None) -> Iterator[tuple[str, Entry]]:
    packages = object_of(data.get("packages"))
    snapshots = object_of(data.get("snapshots")) if form == "9" else packages
    for key, value in snapshots.items():
        snapshot = object_of(value)
        facts = object_of(packages.get(key.partition("(")[0])) if form == "9" else snapshot
        name, version = _name_and_version(key, form)
        name, version = text_of(facts.get("name")) or name, text_of(facts.get("version")) or version
        folder = f"{name.replace('/', '+')}@{version}"
        yield (
            key,
            Entry(
                name=name,
                version=version,
                path=f"node_modules/.pnpm/{folder}/node_modules/{name}",
                needs=tuple(_key(form, *pair) for pair in _held(snapshot, "dependencies")),
                may_need=tuple(_key(form, *pair) for pair in _held(snapshot, "optionalDependencies")),
                has_install_script=name in approved if approved is not None else facts.get("requiresBuild") == "true",
                os=list_of(facts.get("os")),
                cpu=list_of(facts.get("cpu")),
                libc=list_of(facts.get("libc")),
            ),
        )


def _name_and_version(key: str, form: str) -> tuple[str, str]:
    if form == "5":
        name, _, version = key.removeprefix("/").rpartition("/")
        if not key.startswith("/") and "." in name.partition("/")[0]:
            name = name.partition("/")[2]  # of another registry
        return name, version.partition("_")[0]
    base = key.removeprefix("/").partition("(")[0]
    at = base.find("@", 1)
    return (base, "") if at < 0 else (base[:at], base[at + 1 :])


def _drift(data: Json, importers: Mapping[str, Json], sources: Sources, settings: Node) -> Iterator[Drift]:
    options = object_of(data.get("settings"))
    root = sources.get("", {})
    overrides = {**texts_of(object_of(root.get("pnpm")).get("overrides")), **texts_of(root.get("resolutions"))}
    overrides |= texts_of(plain(settings.at("overrides")))
    fixed = overridden(overrides, data.get("overrides"))
    for folder, manifest in sources.items():
        if folder not in importers:
            if asked(manifest):
                yield folder or ".", f"the lock file does not know {manifest_path(folder)}"
            continue
        wanted = asked(manifest)
        if options.get("autoInstallPeers") == "true":
            wanted = {**texts_of(manifest.get("peerDependencies")), **wanted}
        if options.get("excludeLinksFromLockfile") == "true":
            wanted = {name: spec for name, spec in wanted.items() if not spec.startswith("link:")}
        yield from differences(manifest_path(folder), wanted, _specifiers(importers[folder]), fixed)
    open_ended = {
        name for name, spec in overrides.items() if spec.startswith(("$", "catalog:"))
    }  # resolved in the lock
    yield from differences("the overrides", overrides, texts_of(data.get("overrides")), open_ended)
    yield from _catalog_drift(object_of(data.get("catalogs")), settings)


def _catalog_drift(held: Json, settings: Node) -> Iterator[Drift]:
    """The lock lists only those of the catalogs' ranges that something uses."""
    wanted = {"default": settings.at("catalog").pairs, **{k: v.pairs for k, v in settings.at("catalogs").pairs.items()}}
    for catalog, entries in held.items():
        ranges = wanted.get(catalog, {})
        for name, value in object_of(entries).items():
            spec = text_of(object_of(value).get("specifier"))
            now = ranges[name].text if name in ranges else ""
            if now != spec:
                what = f"asks for {name} {now}" if now else f"has no {name}"
                yield name, f"the catalog {catalog} {what}, the lock file was made for {spec}"
