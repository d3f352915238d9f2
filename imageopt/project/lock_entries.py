"""What the lock formats have in common: entries that need each other -> LockedPackage; what was asked for -> drift.

Only npm writes which packages are for development. For the others the answer is who leads to a package: it is walked
from what the manifests ask for, and a package that both lead to is for production.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.jsonc import Json, object_of, texts_of
from imageopt.project.model import Lock, LockedPackage, PackageManager

Drift = tuple[str, str]  # the dependency and why it does not fit
Sources = Mapping[str, Json]  # package.json by folder, the root's under ""

_LAST_NAME = lazy_pattern(r"(?:^|[/>])((?:@[^/@>]+/)?[^/@>]+)(?:@[^>]*)?$")  # a>b@1, a/**/b, b@npm:^1


class Entry(Struct, frozen=True):
    """One package of a lock file; `needs` and `may_need` are the keys of the entries that it leads to."""

    name: str
    version: str
    path: str
    needs: tuple[str, ...] = ()
    may_need: tuple[str, ...] = ()
    has_install_script: bool = False
    os: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    libc: tuple[str, ...] = ()


def locked_packages(
    entries: Mapping[str, Entry], production: Iterable[str], development: Iterable[str], optional: Iterable[str]
) -> tuple[LockedPackage, ...]:
    """The packages, sorted by path, production first; the three are keys that the manifests ask for directly."""
    production, development, optional = tuple(production), tuple(development), tuple(optional)
    for_production = _reached(entries, (*production, *optional), through_optional=True)
    needed = _reached(entries, (*production, *development), through_optional=False)
    packages = [
        LockedPackage(
            name=entry.name,
            version=entry.version,
            path=entry.path,
            dev=key not in for_production,
            optional=key not in needed,
            has_install_script=entry.has_install_script,
            os=entry.os,
            cpu=entry.cpu,
            libc=entry.libc,
            dependencies=tuple(entries[need].name for need in (*entry.needs, *entry.may_need) if need in entries),
        )
        for key, entry in entries.items()
    ]
    return tuple(sorted(packages, key=lambda package: (package.path, package.dev, package.version)))


def _reached(entries: Mapping[str, Entry], roots: Iterable[str], *, through_optional: bool) -> set[str]:
    found = {key for key in roots if key in entries}
    waiting = list(found)
    while waiting:
        entry = entries[waiting.pop()]
        for need in (*entry.needs, *entry.may_need) if through_optional else entry.needs:
            if need not in found and need in entries:
                found.add(need)
                waiting.append(need)
    return found


def packages_for(
    entries: Mapping[str, Entry], sources: Sources, key: Callable[[str, str], str]
) -> tuple[LockedPackage, ...]:
    """The packages, where `key` finds the entry that a name and a range of a manifest lead to."""

    def direct(kind: str) -> list[str]:
        return [key(*pair) for manifest in sources.values() for pair in texts_of(manifest.get(kind)).items()]

    return locked_packages(entries, direct("dependencies"), direct("devDependencies"), direct("optionalDependencies"))


def asked(manifest: Json) -> dict[str, str]:
    """All dependencies a manifest asks for itself, peers aside, name -> range."""
    return {
        **texts_of(manifest.get("devDependencies")),
        **texts_of(manifest.get("dependencies")),
        **texts_of(manifest.get("optionalDependencies")),
    }


def differences(
    path: str, wanted: Mapping[str, str], held: Mapping[str, str], leave_out: Collection[str] = ()
) -> Iterator[Drift]:
    """Where two lists of name -> range are not the same, by name; `path` is the manifest's."""
    for name in sorted({*wanted, *held}):
        if name in leave_out or wanted.get(name) == held.get(name):
            continue
        if name not in held:
            yield name, f"{name} is in {path} and not in the lock file"
        elif name not in wanted:
            yield name, f"{name} is in the lock file and not in {path}"
        else:
            yield name, f"{path} asks for {name} {wanted[name]}, the lock file was made for {held[name]}"


def manifest_path(folder: str) -> str:
    """The path of the package.json of a folder of the workspace."""
    return f"{folder}/package.json" if folder else "package.json"


def overridden(*tables: object) -> set[str]:
    """The names of the packages whose version an `overrides` or `resolutions` table fixes, wherever they are needed."""
    names = (_LAST_NAME.search(key) for table in tables for key in object_of(table))
    return {match[1] for match in names if match}


def judged(
    manager: PackageManager,
    path: str,
    version: str,
    drift: Iterable[Drift],
    packages: tuple[LockedPackage, ...],
    *,
    tells_scripts: bool,
) -> Lock:
    """The lock: in sync where nothing drifted, else with the first reason."""
    found = tuple(drift)
    reason = found[0][1] if found else ""
    names = tuple(sorted({name for name, _ in found}))
    return Lock(manager, path, version, "drifted" if found else "in-sync", reason, packages, names, tells_scripts)
