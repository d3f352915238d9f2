"""yarn.lock of Yarn 2 to 4 -> Lock, by the question of `yarn install --immutable`.

It lists what each workspace asked for, development and production in one list, so the manifests must tell those apart;
a dependency that was removed from a package.json is drift here, unlike to npm. Which packages have install scripts it
does not say.
"""

from collections.abc import Iterator, Mapping

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.block_yaml import parse_block_yaml
from imageopt.project.faults import conflict_line
from imageopt.project.jsonc import Json, object_of, text_of, texts_of
from imageopt.project.lock_entries import Drift, Entry, Sources, asked, differences, judged, manifest_path, packages_for
from imageopt.project.lock_yarn_1 import HEADER, name_of, read_yarn_1_lock
from imageopt.project.model import Lock
from imageopt.project.yaml_tree import Node

_CONDITION = lazy_pattern(r"\b(os|cpu|libc)=([\w!]+)")
_FIRST, _LAST = 3, 10  # the versions of the format that are known


def read_yarn_lock(path: str, text: str, sources: Sources, settings: Node) -> Lock:
    """The lock of any Yarn; `settings` is .yarnrc.yml. Raises InputError, with the line, for what is no lock file."""
    conflict = conflict_line(text)
    if conflict is not None:
        raise InputError(f"{path}:{conflict}: it holds the marks of an unsolved merge", "solve the merge, or lock anew")
    first = HEADER.search(text[:4096])
    if first:
        return read_yarn_1_lock(path, text, first[1], sources)
    data = parse_block_yaml(text, path)
    version = text_of(object_of(data.pop("__metadata", None)).get("version"))
    if not version.isdecimal() or not _FIRST <= int(version) <= _LAST:
        why = f"its version is {version!r:.40}" if version else "it names no version"
        return Lock("yarn", path, version, "unknown", f"{path}:1: {why}", (), (), False)
    held = {descriptor: key for key in data for descriptor in key.split(", ")}
    names = {name_of(descriptor): key for descriptor, key in reversed(held.items())}

    def key_of(name: str, spec: str) -> str:
        return held.get(f"{name}@{spec}") or held.get(f"{name}@npm:{spec}") or names.get(name, "")

    built = _built(sources, settings)
    workspaces: dict[str, dict[str, str]] = {}
    entries: dict[str, Entry] = {}
    for key, value in data.items():
        fields = object_of(value)
        name, reference = _resolution(fields, key)
        needs = {need: key_of(need, spec) for need, spec in texts_of(fields.get("dependencies")).items()}
        if reference.startswith("workspace:"):
            folder = reference.removeprefix("workspace:")
            workspaces["" if folder == "." else folder] = texts_of(fields.get("dependencies"))
        elif text_of(fields.get("linkType")) != "soft":
            scripts = built is not None and name in built
            entries[key] = _entry(name, name_of(key), fields, needs, has_install_script=scripts)
    packages = packages_for(entries, sources, key_of)
    return judged("yarn", path, version, _drift(workspaces, sources), packages, tells_scripts=built is not None)


def _built(sources: Sources, settings: Node) -> set[str] | None:
    """The packages whose install scripts run where .yarnrc.yml forbids them in general; None where all run."""
    if settings.at("enableScripts").text != "false":
        return None
    tables = [object_of(manifest.get("dependenciesMeta")) for manifest in sources.values()]
    return {name_of(key) for table in tables for key, meta in table.items() if object_of(meta).get("built") is True}


def _resolution(fields: Json, key: str) -> tuple[str, str]:
    resolution = text_of(fields.get("resolution")) or key
    name = name_of(resolution)
    return name, resolution[len(name) + 1 :]


def _entry(name: str, folder: str, fields: Json, needs: Mapping[str, str], *, has_install_script: bool) -> Entry:
    meta = object_of(fields.get("dependenciesMeta"))
    optional = {need for need, facts in meta.items() if object_of(facts).get("optional") == "true"}
    conditions = _CONDITION.findall(text_of(fields.get("conditions")))

    def allowed(kind: str) -> tuple[str, ...]:
        return tuple(value for condition, value in conditions if condition == kind)

    return Entry(
        name=name,
        version=text_of(fields.get("version")),
        path=f"node_modules/{folder}",
        needs=tuple(key for need, key in needs.items() if need not in optional),
        may_need=tuple(key for need, key in needs.items() if need in optional),
        has_install_script=has_install_script,
        os=allowed("os"),
        cpu=allowed("cpu"),
        libc=allowed("libc"),
    )


def _drift(workspaces: Mapping[str, Mapping[str, str]], sources: Sources) -> Iterator[Drift]:
    own = {text_of(manifest.get("name")) for manifest in sources.values()}
    for folder, manifest in sources.items():
        path = manifest_path(folder)
        if folder not in workspaces:
            yield folder or ".", f"the lock file does not know {path}"
            continue
        wanted, held = _plain(asked(manifest)), _plain(workspaces[folder])
        from_catalogs = {name for name, spec in wanted.items() if spec.startswith("catalog:") and name in held}
        yield from differences(path, wanted, held, own | from_catalogs)


def _plain(specs: Mapping[str, str]) -> dict[str, str]:
    """Ranges without the `npm:` that later versions of the format put before each."""
    return {name: spec.removeprefix("npm:") for name, spec in specs.items()}
