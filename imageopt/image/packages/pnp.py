"""yarn's Plug'n'Play: packages that stay in their archives, as `.pnp.cjs` (or `.pnp.data.json`) lists them.

There is no `node_modules`: the program reads its dependencies out of `.yarn/cache/*.zip`, or out of the user's own
cache. So what looks like a download cache is the installation, and only the list tells the two apart.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from imageopt.image.model import NpmPackage
from imageopt.image.packages.documents import json_object, text_of, texts_of
from imageopt.image.packages.installed import Installed
from imageopt.lazy_pattern import lazy_pattern

_STATE = lazy_pattern(r"RAW_RUNTIME_STATE =\s*'(.*?)';\n", re.DOTALL)
_ESCAPED = lazy_pattern(r"\\(\n|.)", re.DOTALL)
_VIRTUAL = lazy_pattern(r"(?P<above>.*?)/(?:__virtual__|\$\$virtual)/[^/]+/(?P<up>\d{1,2})/(?P<rest>.*)")
_Locator = tuple[str, str]  # name and reference; both empty for the project itself


class _Place(NamedTuple):
    """One package of the list: where it lies, what it needs, whether it is part of the project."""

    location: str
    needs: Mapping[str, _Locator]
    own: bool


def pnp_packages(found: Installed) -> Iterator[NpmPackage]:
    """The packages that are used packed; `path` is the archive. Unpacked ones lie in a `node_modules`, like others."""
    seen: set[str] = set()
    for path, data in found.contents.items():
        folder, _, name = path.rpartition("/")
        if not name.startswith(".pnp."):
            continue
        places = _places(_state(data), folder)
        needed = _needed(places, found.contents)
        users: dict[str, list[_Locator]] = {}  # one archive stands for each set of peers it meets
        for locator, place in sorted(places.items()):
            users.setdefault(_archive(place.location), []).append(locator)
        for archive, locators in users.items():
            if archive in found.sizes and archive not in seen:
                seen.add(archive)
                package, reference = locators[0]
                version = reference.rpartition("npm:")[2].partition("::")[0]
                dev = None if needed is None else needed.isdisjoint(locators)
                yield NpmPackage(package, version, archive, found.sizes[archive], dev, found.birth(path))


def _state(data: bytes) -> Mapping[str, Any]:
    text = data.decode("utf-8", "replace")
    script = _STATE.search(text)
    if script is None:
        return json_object(text)
    return json_object(_ESCAPED.sub(lambda escaped: "" if escaped[1] == "\n" else escaped[1], script[1]))


def _places(state: Mapping[str, Any], folder: str) -> dict[_Locator, _Place]:
    places: dict[_Locator, _Place] = {}
    for name, references in _pairs(state.get("packageRegistryData")):
        for reference, facts in _pairs(references):
            if not isinstance(facts, dict):
                continue
            needs = {
                text_of(alias): (text_of(to[0]), text_of(to[1])) if _is_pair(to) else (text_of(alias), text_of(to))
                for alias, to in _pairs(facts.get("packageDependencies"))
                if to is not None
            }
            location = posixpath.normpath(posixpath.join("/", folder, text_of(facts.get("packageLocation"))))[1:]
            places[text_of(name), text_of(reference)] = _Place(
                location, needs, name is None or "workspace:" in text_of(reference)
            )
    return places


def _pairs(value: object) -> Iterator[tuple[Any, Any]]:
    yield from ((item[0], item[1]) for item in value if _is_pair(item)) if isinstance(value, list) else ()


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == len(("name", "value"))


def _archive(location: str) -> str:
    """The archive that the location lies in, virtual folders taken out (yarnpkg.com/advanced/pnp-spec); "" for none."""
    head, found, _ = f"/{location}/".partition(".zip/")
    if not found:
        return ""
    virtual = _VIRTUAL.fullmatch(head)
    if virtual is not None:
        head = posixpath.join(virtual["above"], "../" * int(virtual["up"]), virtual["rest"])
    return f"{posixpath.normpath(head)}.zip"[1:]


def _needed(places: Mapping[_Locator, _Place], contents: Mapping[str, bytes]) -> set[_Locator] | None:
    """What the production dependencies of the project lead to; None where a package.json of it is not there."""
    stack: list[_Locator] = []
    for place in places.values():
        if place.own:
            data = contents.get(f"{place.location}/package.json" if place.location else "package.json")
            if data is None:
                return None
            manifest = json_object(data)
            for kind in ("dependencies", "optionalDependencies", "peerDependencies"):
                stack += [place.needs[name] for name in texts_of(manifest.get(kind)) if name in place.needs]
    needed: set[_Locator] = set()
    while stack:
        locator = stack.pop()
        if locator not in needed and locator in places:
            needed.add(locator)
            if not places[locator].own:
                stack.extend(places[locator].needs.values())
    return needed
