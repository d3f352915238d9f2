"""Which of pnpm's packages only development needs, read from the links it made.

Each package lies in `node_modules/.pnpm/NAME@VERSION/node_modules/NAME`, with links to its dependencies beside it. The
project's `node_modules` links to its direct ones; its package.json tells which of them are for development. What no
production dependency leads to is for development. No lock file is read: from version 9 on it does not say it either.
"""

import posixpath
from collections.abc import Iterable, Mapping

from imageopt.image.packages.documents import json_object, texts_of
from imageopt.image.packages.installed import Installed

_STORE = "node_modules/.pnpm/"
_PRODUCTION = ("dependencies", "optionalDependencies", "peerDependencies")


def pnpm_dev_flags(found: Installed) -> dict[str, bool]:
    """Package folder -> only development needs it; empty where pnpm installed nothing."""
    needs: dict[str, list[str]] = {}
    direct: dict[str, dict[str, str]] = {}  # project folder -> name of a direct dependency -> its slot
    for link, written in found.links.items():
        if "node_modules/" not in link:
            continue
        target = posixpath.normpath(posixpath.join("/", posixpath.dirname(link), written))[1:]
        to = _slot(target)
        if to is None:
            continue
        above, _, name = link.rpartition("node_modules/")
        at = _slot(link)
        if at is not None:
            needs.setdefault(at, []).append(to)
        elif _STORE not in link:  # `.pnpm/node_modules` holds every package, for those that do not say what they need
            direct.setdefault(above.rstrip("/"), {})[name] = to
    if not direct:
        return {}
    needed = _reached(_production(direct, found.contents), needs)
    flags: dict[str, bool] = {}
    for folder in found.folders:
        slot = _slot(folder) if _STORE in folder else None
        if slot is not None:
            rest = folder[len(slot) + len("/node_modules/") :].split("/")
            name = "/".join(rest[: 2 if rest[0].startswith("@") else 1])
            flags[f"{slot}/node_modules/{name}"] = slot not in needed
    return flags


def _slot(path: str) -> str | None:
    """The `node_modules/.pnpm/NAME@VERSION` that the path lies in."""
    above, found, rest = path.partition(_STORE)
    name, _, inside = rest.partition("/")
    return f"{above}{found}{name}" if found and inside.startswith("node_modules/") else None


def _production(direct: Mapping[str, Mapping[str, str]], contents: Mapping[str, bytes]) -> Iterable[str]:
    """The slots of the direct production dependencies; all of a project whose package.json is not there."""
    for folder, slots in direct.items():
        data = contents.get(f"{folder}/package.json" if folder else "package.json")
        if data is None:
            yield from slots.values()
            continue
        manifest = json_object(data)
        for kind in _PRODUCTION:
            for name in texts_of(manifest.get(kind)):
                if name in slots:
                    yield slots[name]


def _reached(starts: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    stack = list(starts)
    while stack:
        slot = stack.pop()
        if slot not in reached:
            reached.add(slot)
            stack.extend(needs.get(slot, ()))
    return reached
