"""bun.lock -> Lock, by the question of `bun install --frozen-lockfile`.

It is JSON with trailing commas. The keys of its packages are the way to them (`a/b` is the b below a), which tells the
folder. It says which packages' install scripts the project trusts, not which have some. The older bun.lockb is binary:
it is recognised, and only bun can read it.
"""

from collections.abc import Iterator

from imageopt.project.faults import json_fault
from imageopt.project.jsonc import Json, list_of, object_of, parse_object, text_of, texts_of
from imageopt.project.lock_entries import (
    Drift,
    Entry,
    Sources,
    asked,
    differences,
    judged,
    locked_packages,
    manifest_path,
)
from imageopt.project.lock_yarn_1 import name_of
from imageopt.project.model import Lock

_KNOWN = (0, 1)
_DEEPEST = 100
_NOT_INSTALLED = ("workspace:", "link:", "root:")


def read_bun_lock(path: str, text: str, sources: Sources) -> Lock:
    """The lock; unknown, with file and line, where it cannot be read."""
    data = parse_object(text, comments=True)
    if data is None:
        return Lock("bun", path, "", "unknown", json_fault(path, text), (), (), False)
    version = data.get("lockfileVersion")
    if isinstance(version, bool) or version not in _KNOWN:
        why = f"{path}:1: its lockfileVersion is {version!r:.40}"
        return Lock("bun", path, "", "unknown", why, (), (), False)
    listed = object_of(data.get("packages"))
    trusted = list_of(data.get("trustedDependencies"))
    entries = dict(_entries(listed, trusted))
    roots: dict[str, list[str]] = {"dependencies": [], "devDependencies": [], "optionalDependencies": []}
    for workspace in object_of(data.get("workspaces")).values():
        own = text_of(object_of(workspace).get("name"))
        for kind, keys in roots.items():
            keys += [_found(listed, own, name) for name in texts_of(object_of(workspace).get(kind))]
    packages = locked_packages(entries, roots["dependencies"], roots["devDependencies"], roots["optionalDependencies"])
    return judged("bun", path, str(version), _drift(data, sources), packages, tells_scripts=False)


def _entries(listed: Json, trusted: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    for key, value in listed.items():
        parts = value if isinstance(value, list) else []
        resolution = text_of(parts[0]) if parts else ""
        name = name_of(resolution)
        version = resolution[len(name) + 1 :]
        if not resolution or version.startswith(_NOT_INSTALLED):
            continue
        facts = next((object_of(part) for part in parts[1:] if isinstance(part, dict)), {})
        required, optional = texts_of(facts.get("dependencies")), texts_of(facts.get("optionalDependencies"))
        yield (
            key,
            Entry(
                name=name,
                version=version,
                path="/".join(f"node_modules/{step}" for step in _steps(key)),
                needs=tuple(_found(listed, key, need) for need in required),
                may_need=tuple(_found(listed, key, need) for need in optional),
                has_install_script=name in trusted,
                os=_one_or_more(facts.get("os")),
                cpu=_one_or_more(facts.get("cpu")),
                libc=_one_or_more(facts.get("libc")),
            ),
        )


def _steps(key: str) -> list[str]:
    """`@a/b/c` as `@a/b`, `c`."""
    steps: list[str] = []
    for part in key.split("/"):
        if steps and steps[-1].startswith("@") and "/" not in steps[-1]:
            steps[-1] += f"/{part}"
        else:
            steps.append(part)
    return steps


def _found(listed: Json, key: str, name: str) -> str:
    """The key of the package that `name` means to the one at `key`: the nearest one upwards."""
    steps = _steps(key) if key and key.count("/") < _DEEPEST else []
    while steps:
        nearer = "/".join([*steps, name])
        if nearer in listed:
            return nearer
        steps.pop()
    return name


def _one_or_more(value: object) -> tuple[str, ...]:
    named = (value,) if isinstance(value, str) else list_of(value)
    return tuple(name for name in named if name != "none")


def _drift(data: Json, sources: Sources) -> Iterator[Drift]:
    workspaces = {folder: object_of(held) for folder, held in object_of(data.get("workspaces")).items()}
    for folder, manifest in sources.items():
        if folder not in workspaces:
            yield folder or ".", f"the lock file does not know {manifest_path(folder)}"
            continue
        held, path = workspaces[folder], manifest_path(folder)
        yield from differences(path, asked(manifest), asked(held))
        yield from differences(path, texts_of(manifest.get("peerDependencies")), texts_of(held.get("peerDependencies")))
    root = sources.get("", {})
    overrides = {**texts_of(root.get("resolutions")), **texts_of(root.get("overrides"))}
    yield from differences("the overrides", overrides, texts_of(data.get("overrides")))
