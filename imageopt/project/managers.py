"""The package manager's version: every statement of the project's files, and which of them cannot all be true.

`packageManager` is the one that corepack obeys, and it must be exact; a lock file names no version at all, but its
format tells which release lines write it, and an older one refuses it or writes it anew.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, object_of, parse_object, text_of
from imageopt.project.lock import LOCK_FILES, yarn_settings
from imageopt.project.model import Fact, Lock, ManagerFacts, PackageManager
from imageopt.project.stated import stated_in_json
from imageopt.project.yaml_tree import Node

# lock format -> release lines, by the managers' own release notes
_MAJORS: Mapping[PackageManager, Mapping[str, tuple[int, ...]]] = {
    "npm": {"1": (5, 6), "2": (7, 8), "3": (7, 8, 9, 10, 11)},
    "pnpm": {"5.1": (3, 4, 5), "5.2": (5,), "5.3": (6,), "5.4": (7,), "6.0": (8,), "6.1": (8,), "9.0": (9, 10, 11, 12)},
    "yarn": {"1": (1,), "4": (2,), "5": (3,), "6": (3,), "7": (4,), "8": (4,)},
    "bun": {"0": (1,), "1": (1,)},
}
_EXACT = lazy_pattern(r"\d+\.\d+\.\d+(?:-[\w.]+)?")
_NAMED = lazy_pattern(r"(npm|pnpm|yarn|bun)@([^+]+)(?:\+.*)?")
_TOOL_VERSIONS = lazy_pattern(r"^(npm|pnpm|yarn|bun)[ \t]+(\S+)", re.MULTILINE)
_MISE = lazy_pattern(r"^[\"']?(?:npm:)?(npm|pnpm|yarn|bun)[\"']?\s*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)
_RELEASE = lazy_pattern(r"yarn-(\d+\.\d+\.\d+(?:-[\w.]+?)?)\.(?:c|m)?js$")
_YARNRC = lazy_pattern(r"^yarn-path\s+\"?([^\"\n]+?)\"?\s*$", re.MULTILINE)


def manager_facts(root: Path, manager: PackageManager | None, lock: Lock | None) -> ManagerFacts | None:
    """The facts about the project's manager; None without one."""
    if manager is None:
        return None
    settings = yarn_settings(root) if manager == "yarn" else Node("", 1)
    release = _release(root, settings) if manager == "yarn" else ""
    text = read_text(root, "package.json") or ""
    manifest = parse_object(text) or {}
    everyone = tuple(_statements(root, manifest, text, release))
    own = tuple(fact for name, fact in everyone if name == manager)
    majors = _MAJORS[manager].get(lock.version, ()) if lock else ()
    exact = next((fact for fact in own if _EXACT.fullmatch(fact.value)), None)
    return ManagerFacts(
        name=manager,
        exact=exact,
        statements=own,
        majors=majors,
        linker=_linker(settings, exact, majors) if manager == "yarn" else "",
        release=release,
        contradictions=tuple(_contradictions(root, manifest, manager, everyone, majors, lock)),
    )


def _release(root: Path, settings: Node) -> str:
    old = _YARNRC.search(read_text(root, ".yarnrc") or "")
    path = settings.at("yarnPath").text or (old[1] if old else "")
    return path.removeprefix("./") if path and exists(root, path) else ""


def _statements(root: Path, manifest: Json, text: str, release: str) -> Iterator[tuple[str, Fact]]:
    """Manager and version, the most binding first."""
    brought = _RELEASE.search(release)
    if brought:
        yield "yarn", Fact(brought[1], release)
    written = text_of(manifest.get("packageManager"))
    named = _NAMED.fullmatch(written)
    if named:
        yield named[1], Fact(named[2], stated_in_json("package.json", text, written, "packageManager").source)
    wanted = object_of(manifest.get("devEngines")).get("packageManager")
    for engine in map(object_of, wanted if isinstance(wanted, list) else [wanted]):
        if text_of(engine.get("version")):
            keys = ("devEngines", "packageManager", "version")
            yield text_of(engine.get("name")), stated_in_json("package.json", text, text_of(engine["version"]), *keys)
    for key in ("volta", "engines"):
        for name in _MAJORS:
            version = text_of(object_of(manifest.get(key)).get(name))
            if version:
                yield name, stated_in_json("package.json", text, version, key, name)
    for path, pattern in ((".tool-versions", _TOOL_VERSIONS), ("mise.toml", _MISE), (".mise.toml", _MISE)):
        for match in pattern.finditer(read_text(root, path) or ""):
            yield match[1], Fact(match[2], path)
    bun = (read_text(root, ".bun-version") or "").strip()
    if bun:
        yield "bun", Fact(bun.removeprefix("v"), ".bun-version")


def _linker(settings: Node, exact: Fact | None, majors: tuple[int, ...]) -> str:
    """Yarn 1 knows only folders; from 2 on the packages stay packed unless it is told otherwise."""
    major = _major(exact.value) if exact else (majors[0] if majors else None)
    if major == 1:
        return "node-modules"
    return settings.at("nodeLinker").text or ("pnp" if major or settings.pairs else "node-modules")


def _contradictions(
    root: Path,
    manifest: Json,
    manager: PackageManager,
    everyone: tuple[tuple[str, Fact], ...],
    majors: tuple[int, ...],
    lock: Lock | None,
) -> Iterator[Fact]:
    files = [path for path in LOCK_FILES if exists(root, path)]
    owners = {LOCK_FILES[path] for path in files}
    if len(owners) > 1:
        yield Fact(f"there are lock files of several package managers: {', '.join(files)}", files[0])
    elif owners and manager not in owners:
        yield Fact(f"{manager} manages the packages, and the only lock file is {files[0]}", files[0])
    named = text_of(manifest.get("packageManager"))
    match = _NAMED.fullmatch(named)
    if named and not (match and _EXACT.fullmatch(match[2])):
        yield Fact(
            f"packageManager is {named!r:.60}, which corepack refuses: it takes an exact version", "package.json"
        )
    known = [(fact, _major(fact.value)) for name, fact in everyone if name == manager and _is_one_major(fact.value)]
    for fact, major in known:
        if majors and major not in majors and lock is not None and (major or 0) <= max(majors):
            yield Fact(f"{fact.source} names {manager} {fact.value}, which does not write {_form(lock)}", lock.path)
        elif major != known[0][1]:
            first = known[0][0]
            yield Fact(f"{first.source} names {manager} {first.value}, {fact.source} names {fact.value}", fact.source)


def _form(lock: Lock) -> str:
    return f"{lock.path} of version {lock.version}"


def _major(version: str) -> int | None:
    match = re.match(r"[\^~=v]*(\d{1,6})", version)
    return int(match[1]) if match else None


def _is_one_major(version: str) -> bool:
    """Whether a range allows one release line only."""
    return re.fullmatch(r"[\^~=v]*\d{1,6}(?:\.(?:\d+|x|\*))*(?:-[\w.]+)?", version) is not None
