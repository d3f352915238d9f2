"""The packages that two images run on -> what differs between them, development packages left aside.

A package is there by name and version, wherever it is installed. What npm itself, or a system package, brought along is
no package of the project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from imageopt.evidence.model import Evidence
from imageopt.evidence.node_modules import Modules


@dataclass(frozen=True, slots=True)
class Production:
    """`npm lodash 4.17.20`, changed ones `npm lodash 4.17.20 -> 4.17.21`, sorted; `kept` is how many are the same.

    `wanted` are those of `removed` that the project itself asks for, although other packages of their manager are left:
    where none is left, the program was bundled, or is served by something else.
    """

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    kept: int = 0
    wanted: tuple[str, ...] = ()


def compare_production(before: Evidence, after: Evidence) -> Production:
    """What differs. Both must hold an image."""
    old, new = _versions(before), _versions(after)
    both = sorted(old.keys() & new.keys())
    removed = sorted(old.keys() - new.keys())
    left = {name.partition(" ")[0] for name in both}
    asked = _asked_for(before)
    return Production(
        removed=tuple(f"{name} {old[name]}" for name in removed),
        added=tuple(f"{name} {new[name]}" for name in sorted(new.keys() - old.keys())),
        changed=tuple(f"{name} {old[name]} -> {new[name]}" for name in both if old[name] != new[name]),
        kept=sum(1 for name in both if old[name] == new[name]),
        wanted=tuple(f"{name} {old[name]}" for name in removed if name in asked and name.partition(" ")[0] in left),
    )


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


def _versions(evidence: Evidence) -> Mapping[str, str]:
    assert evidence.image is not None
    image = evidence.image
    modules = Modules(image, evidence.project)
    base = evidence.base.layers or 0
    found: dict[str, set[str]] = {}
    for package in image.packages.npm:
        if (
            package.birth >= base
            and not _is_global(package.path)
            and not modules.is_dev(f"{package.path}/package.json")
        ):
            found.setdefault(f"npm {package.name}", set()).add(package.version)
    for library in image.packages.libraries:
        if library.birth >= base and not library.provided_by and library.dev is not True:
            found.setdefault(f"{library.manager} {library.name}", set()).add(library.version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _is_global(path: str) -> bool:
    return path.startswith(("usr/local/lib/node_modules/", "usr/lib/node_modules/", "usr/share/", "opt/yarn"))
