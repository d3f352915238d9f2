"""yarn.lock of Yarn 1 -> Lock, by the question of `yarn install --frozen-lockfile`.

The format is no YAML, though it looks like it. It does not list the workspaces and does not say which packages have
install scripts; Yarn 1 only asks that each `name@range` of each package.json is there, word by word.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.jsonc import text_of
from imageopt.project.lock_entries import Drift, Entry, Sources, asked, judged, manifest_path, overridden, packages_for
from imageopt.project.model import Lock

HEADER = lazy_pattern(r"# yarn lockfile v(\d+)")
_PATTERN = lazy_pattern(r'"((?:[^"\\]|\\.)*+)"?|([^",\s][^",]*)')
_FIELD = lazy_pattern(r'( +)(?:"((?:[^"\\]|\\.)*)"|([^\s":]+))(?: (?:"((?:[^"\\]|\\.)*)"|(\S+))|:)$')
_NOT_LOCKED = ("workspace:", "link:", "portal:")


class _Block(Struct):
    """One entry as it stands: all its `name@range`, its fields, and the lists in it."""

    patterns: list[str]
    fields: dict[str, str] = field(default_factory=dict)
    lists: dict[str, dict[str, str]] = field(default_factory=dict)


def read_yarn_1_lock(path: str, text: str, version: str, sources: Sources) -> Lock:
    """The lock. Raises InputError, with the line, for what is no such file."""
    blocks = {block.patterns[0]: block for block in _blocks(path, text)}
    held = {pattern: key for key, block in blocks.items() for pattern in block.patterns}
    names = {name_of(pattern): key for pattern, key in reversed(held.items())}

    def key_of(name: str, spec: str) -> str:
        return held.get(f"{name}@{spec}") or names.get(name, "")

    entries = {
        key: Entry(
            name=_real_name(key),
            version=block.fields.get("version", ""),
            path=f"node_modules/{name_of(key)}",
            needs=tuple(key_of(*pair) for pair in block.lists.get("dependencies", {}).items()),
            may_need=tuple(key_of(*pair) for pair in block.lists.get("optionalDependencies", {}).items()),
        )
        for key, block in blocks.items()
    }
    packages = packages_for(entries, sources, key_of)
    return judged("yarn", path, version, _drift(held, names, sources), packages, tells_scripts=False)


def name_of(pattern: str) -> str:
    """The name in `name@range`."""
    at = pattern.find("@", 1)
    return pattern if at < 0 else pattern[:at]


def _real_name(pattern: str) -> str:
    """`renamed@npm:real@^1` installs `real`."""
    real = pattern.partition("@npm:")[2]
    return name_of(real) if real.find("@", 1) > 0 else name_of(pattern)


def _blocks(path: str, text: str) -> Iterator[_Block]:
    block: _Block | None = None
    inner: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        if line[0] != " " and line.endswith(":"):
            if block:
                yield block
            patterns = [name for pair in _PATTERN.findall(line[:-1]) if (name := pair[0] or pair[1])]
            block = _Block(patterns) if patterns else None
            continue
        found = _FIELD.match(line)
        if found is None or block is None:
            raise InputError(
                f"{path}:{number}: it is no line of a lock file of Yarn 1", "lock anew with `yarn install`"
            )
        name = found[2] or found[3]
        if len(found[1]) > 2:
            inner[name] = found[4] or found[5] or ""
        elif line.endswith(":"):
            inner = block.lists[name] = {}
        else:
            block.fields[name] = found[4] or found[5] or ""
    if block:
        yield block


def _drift(held: Mapping[str, str], names: Mapping[str, str], sources: Sources) -> Iterator[Drift]:
    own = {text_of(manifest.get("name")) for manifest in sources.values()}
    fixed = overridden(sources.get("", {}).get("resolutions")) & set(names)
    for folder, manifest in sources.items():
        for name, spec in sorted(asked(manifest).items()):
            if name in own or name in fixed or spec.startswith(_NOT_LOCKED) or f"{name}@{spec}" in held:
                continue
            if name in names:
                yield name, f"{manifest_path(folder)} asks for {name} {spec}, the lock file was made for another range"
            else:
                yield name, f"{name} is in {manifest_path(folder)} and not in the lock file"
