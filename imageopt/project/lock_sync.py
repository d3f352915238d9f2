"""Does package-lock.json still fit package.json? The question `npm ci` asks before it installs anything.

npm does not compare the two texts: a range that was widened and a dependency that was removed are fine to it. What
it refuses is a dependency that the lock does not hold, and a locked version outside the range asked for.
"""

from collections.abc import Iterator, Mapping

from imageopt.project.jsonc import Json, object_of, text_of, texts_of
from imageopt.project.lock_entries import Drift, Sources, asked, manifest_path

_NOT_A_RANGE = ("git", "http:", "https:", "file:", "link:", "github:", "gitlab:", "bitbucket:", "workspace:")


def drift(sources: Sources, lock: Mapping[str, Json]) -> Iterator[Drift]:
    """Each dependency that `npm ci` would refuse, and why: the root's by name, then the members'."""
    for folder, manifest in sources.items():
        if folder and folder not in lock:
            yield folder, f"the lock file does not know {manifest_path(folder)}"
            continue
        for name, spec in sorted({**_peers(manifest), **asked(manifest)}.items()):
            reason = _refusal(folder, name, spec, lock)
            if reason:
                yield name, reason
    yield from _override_mismatches(sources.get("", {}), lock)


def _refusal(folder: str, name: str, spec: str, lock: Mapping[str, Json]) -> str | None:
    nested = lock.get(f"{folder}/node_modules/{name}") if folder else None
    entry = nested or lock.get(f"node_modules/{name}")
    path = manifest_path(folder)
    if entry is None:
        return f"{name} is in {path} and not in the lock file"
    if entry.get("link") is True:
        return None
    return _mismatch(path, name, spec, entry, lock.get(folder, {}))


def _peers(manifest: Json) -> dict[str, str]:
    """Peer dependencies of the project itself; npm 7 and later installs them unless they are optional."""
    optional = {
        name
        for name, meta in object_of(manifest.get("peerDependenciesMeta")).items()
        if object_of(meta).get("optional") is True
    }
    peers = texts_of(manifest.get("peerDependencies"))
    return {name: spec for name, spec in peers.items() if name not in optional}


def _mismatch(path: str, name: str, spec: str, entry: Json, locked_source: Json) -> str | None:
    if spec.startswith("npm:"):  # an alias: npm:real-name@range
        real, _, spec = spec.removeprefix("npm:").rpartition("@")
        if real != text_of(entry.get("name")):
            return f"{path} asks for {name} as {real}, the lock file holds {text_of(entry.get('name')) or name}"
    if spec.startswith(_NOT_A_RANGE) or "/" in spec:
        before = _locked_spec(name, locked_source)
        if before is not None and before != spec:
            return f"{path} asks for {name} from {spec}, the lock file was made for {before}"
        return None
    version = text_of(entry.get("version"))
    if satisfies(version, spec):
        return None
    return f"{path} asks for {name} {spec}, the lock file holds {version or 'no version'}"


def _locked_spec(name: str, locked_source: Json) -> str | None:
    for kind in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        spec = texts_of(locked_source.get(kind)).get(name)
        if spec is not None:
            return spec
    return None


def _override_mismatches(manifest: Json, lock: Mapping[str, Json]) -> Iterator[Drift]:
    for name, spec in sorted(texts_of(manifest.get("overrides")).items()):
        if spec.startswith("$") or spec.startswith(_NOT_A_RANGE):
            continue
        for where, entry in sorted(lock.items()):
            version = text_of(entry.get("version"))
            if where.rpartition("node_modules/")[2] == name and version and not satisfies(version, spec):
                yield name, f"package.json overrides {name} with {spec}, the lock file holds {version}"


def satisfies(version: str, spec: str) -> bool:
    """Whether npm would take the version for the range; what is no range, a tag or an address, takes any."""
    import nodesemver

    try:
        if nodesemver.valid_range(spec, loose=True) is None:
            return bool(version)  # a tag such as `latest`: any version may have had it
        return bool(nodesemver.satisfies(version, spec, loose=True))
    except (ValueError, TypeError, AttributeError, IndexError):  # the library's answers to what it cannot parse
        return False
