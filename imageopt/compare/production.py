"""The packages that two images run on -> what differs between them, development packages left aside.

A package is there by name and version, wherever it is installed. What npm itself, or a system package, brought along is
no package of the project's. A lock file announces what it holds; where there is none, versions come as they please.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from imageopt.evidence.model import Evidence
from imageopt.evidence.node_modules import Modules
from imageopt.project.lock_sync import satisfies
from imageopt.project.model import Project

Versions = Mapping[str, frozenset[str]]  # `npm lodash` -> its versions
_INSTALLERS = frozenset(
    f"python {name}" for name in ("pip", "setuptools", "wheel", "virtualenv", "pipenv", "poetry", "uv")
)


class Production(Struct, frozen=True):
    """`npm lodash 4.17.20`, changed ones `npm lodash 4.17.20 -> 4.17.21`, sorted; `kept` is how many are the same.

    `wanted` are those of `removed` that the project itself asks for, although other packages of their manager are left:
    where none is left, the program was bundled, or is served by something else. `unannounced` are those of `changed`
    and `added` that contradict the lock file, or the manifest where there is none, and how. `floating` is how many of
    them nothing speaks of.
    """

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    kept: int = 0
    wanted: tuple[str, ...] = ()
    unannounced: tuple[str, ...] = ()
    floating: int = 0


def compare_production(before: Evidence, after: Evidence) -> Production:
    """What differs. Both must hold an image."""
    (old, all_old), (new, all_new) = _versions(before), _versions(after)
    both = sorted(old.keys() & new.keys())
    removed = sorted(old.keys() - all_new.keys())
    added = sorted(new.keys() - all_old.keys())
    changed = [name for name in both if old[name] != new[name]]
    left = {name.partition(" ")[0] for name in both}
    asked = _asked_for(before)
    texts = {name: f"{name} {_words(old[name])} -> {_words(new[name])}" for name in changed}
    texts |= {name: f"{name} {_words(new[name])}" for name in added}
    came = {name: new[name] - all_old.get(name, frozenset()) for name in texts}
    announcer = _Announcer(after.project)
    against = {
        name: announcer.against(name, versions, all_old.get(name)) for name, versions in came.items() if versions
    }
    return Production(
        removed=tuple(f"{name} {_words(old[name])}" for name in removed),
        added=tuple(texts[name] for name in added),
        changed=tuple(texts[name] for name in changed),
        kept=len(both) - len(changed),
        wanted=tuple(
            f"{name} {_words(old[name])}" for name in removed if name in asked and name.partition(" ")[0] in left
        ),
        unannounced=tuple(f"{texts[name]} ({why})" for name, why in sorted(against.items()) if why),
        floating=sum(why is None for why in against.values()),
    )


class _Announcer:
    """What the project that was built says of the versions of its packages."""

    def __init__(self, project: Project | None) -> None:
        lock = project.lock if project is not None and project.lock is not None else None
        self._lock = lock if lock is not None and lock.packages and lock.state != "drifted" else None
        self._held: dict[str, set[str]] = {}
        for package in self._lock.packages if self._lock is not None else ():
            self._held.setdefault(package.name, set()).add(package.version)
        manifest = project.manifest if project is not None else None
        self._asked = manifest.dependencies if manifest is not None else {}
        self._members = (
            {one.manifest.name for one in project.workspace.members} if project and project.workspace else ()
        )
        self._locks = {
            "python": project.python.lock if project is not None and project.python is not None else "",
            "composer": "composer.lock"
            if project and project.php and project.php.lock in ("in-sync", "unknown")
            else "",
        }

    def against(self, package: str, versions: frozenset[str], before: frozenset[str] | None) -> str | None:
        """What speaks against these versions; "" where something speaks for them, None where nothing speaks."""
        manager, _, name = package.partition(" ")
        if manager != "npm":
            lock = self._locks.get(manager)
            return None if not lock else "new" if before is None else f"{lock} holds it to one"
        if self._lock is None:
            spec = self._asked.get(name)
            if spec is None or before is None or not any(satisfies(version, spec) for version in before):
                return None
            return None if all(satisfies(version, spec) for version in versions) else f"package.json asks for {spec}"
        held = self._held.get(name, set())
        if versions <= held or name in self._members:
            return ""
        return f"{self._lock.path} {f'holds {_words(held)}' if held else 'does not hold it'}"


def _asked_for(evidence: Evidence) -> frozenset[str]:
    """What the project's own manifest asks for, and all that Composer holds to be of production.

    A manifest of workspaces speaks for all of them, and an image is made for one.
    """
    assert evidence.image is not None
    manifest = evidence.project.manifest if evidence.project is not None else None
    own = manifest.dependencies if manifest is not None and not manifest.workspaces else {}
    libraries = evidence.image.packages.libraries
    composed = (f"composer {one.name}" for one in libraries if one.manager == "composer" and one.dev is False)
    return frozenset((*(f"npm {name}" for name in own), *composed))


def _versions(evidence: Evidence) -> tuple[Versions, Versions]:
    """Those of production, and all that the project brought."""
    found: dict[str, set[str]] = {}
    everything: dict[str, set[str]] = {}
    for name, version, is_dev in _installed(evidence):
        for names in (everything,) if is_dev else (everything, found):
            names.setdefault(name, set()).add(version)
    return _frozen(found), _frozen(everything)


def _installed(evidence: Evidence) -> Iterator[tuple[str, str, bool]]:
    """Manager and name, version, whether it is of development."""
    assert evidence.image is not None
    image = evidence.image
    modules = Modules(image, evidence.project)
    base = evidence.base.layers or 0
    for package in image.packages.npm:
        if package.birth >= base and not _is_global(package.path):
            yield f"npm {package.name}", package.version, modules.is_dev(f"{package.path}/package.json")
    for library in image.packages.libraries:
        name = f"{library.manager} {library.name}"
        if library.birth >= base and not library.provided_by and name not in _INSTALLERS:
            yield name, library.version, library.dev is True


def _frozen(found: Mapping[str, set[str]]) -> Versions:
    return {name: frozenset(versions) for name, versions in found.items()}


def _words(versions: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(versions))


def _is_global(path: str) -> bool:
    return path.startswith(("usr/local/lib/node_modules/", "usr/lib/node_modules/", "usr/share/", "opt/yarn"))
