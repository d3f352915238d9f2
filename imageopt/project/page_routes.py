"""The paths that a framework answers because a file of a certain name lies there: Next, SvelteKit, Nuxt.

A path with a parameter is left out, and all of them where the configuration computes what they begin with.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import files_named, read_source, read_text, top_names
from imageopt.project.model import Fact

_CODE = (".js", ".jsx", ".ts", ".tsx")
_ANSWERS_GET = lazy_pattern(r"export\s+(?:(?:async\s+)?function|const|let)\s+GET\b|export\s*\{[^}]*\bGET\b")
_PARAMETER = re.compile(r"\[|(?:^|/)[@_]|\(\.|\*")
_OWN = ("_app", "_document", "_error", "_middleware", "404", "500")


class _Kind(Struct, frozen=True):
    """Files in `folder` that `name` matches; its group is the path's last part. `page`: it need not name GET."""

    folder: str
    name: re.Pattern[str]
    prefix: str = ""
    page: bool = True


_KINDS: dict[str, tuple[_Kind, ...]] = {
    "next": tuple(
        kind
        for source in ("", "src/")
        for kind in (
            _Kind(f"{source}pages", re.compile(r"(?:(index)|(.+))\.[jt]sx?")),
            _Kind(f"{source}app", re.compile(r"(page)\.[jt]sx?")),
            _Kind(f"{source}app", re.compile(r"(route)\.[jt]s"), page=False),
        )
    ),
    "sveltekit": (
        _Kind("src/routes", re.compile(r"(\+page)\.svelte")),
        _Kind("src/routes", re.compile(r"(\+server)\.[jt]s"), page=False),
    ),
    "nuxt": tuple(
        kind
        for source in ("", "app/")
        for kind in (
            _Kind(f"{source}pages", re.compile(r"(?:(index)|(.+))\.vue")),
            _Kind("server/api", re.compile(r"(?:(index)|([^.]+))(?:\.get)?\.[jt]s"), "/api"),
            _Kind("server/routes", re.compile(r"(?:(index)|([^.]+))(?:\.get)?\.[jt]s")),
        )
    ),
}
_BASE = {  # where the framework is told what all its paths begin with
    "next": ("next.config.", lazy_pattern(r"\bbasePath\s*:\s*(?:['\"](/[\w/-]*)['\"])?")),
    "sveltekit": ("svelte.config.", lazy_pattern(r"\bbase\s*:\s*(?:['\"](/[\w/-]*)['\"])?")),
    "nuxt": ("nuxt.config.", lazy_pattern(r"\bbaseURL\s*:\s*(?:['\"](/[\w/-]*)['\"])?")),
}


def page_routes(root: Path, framework: str | None, member: str = "") -> tuple[Fact, ...]:
    """The paths, each once, sorted; `member` is the folder of the package that has them, relative to the project."""
    root /= member
    kinds = _KINDS.get(framework or "", ())
    base = _base(root, framework) if framework and kinds else None
    if base is None:
        return ()
    found: dict[str, Fact] = {}
    for file in files_named(root, (*_CODE, ".vue", ".svelte")):
        for kind in kinds:
            for path in _answered(root, kind, file):
                whole = f"{base}{path}".rstrip("/") or "/"
                found.setdefault(whole, Fact(whole, posixpath.join(member, file)))
    return tuple(sorted(found.values(), key=lambda fact: fact.value))


def _base(root: Path, framework: str) -> str | None:
    """What all paths begin with; None where that is computed."""
    name, pattern = _BASE[framework]
    for config in top_names(root):
        told = pattern.search(read_text(root, config) or "") if config.startswith(name) else None
        if told:
            return told[1].rstrip("/") if told[1] else None
    return ""


def _answered(root: Path, kind: _Kind, file: str) -> Iterator[str]:
    folder, name = posixpath.split(file)
    match = kind.name.fullmatch(name)
    if match is None or not f"{folder}/".startswith(f"{kind.folder}/"):
        return
    inner = folder.removeprefix(kind.folder).strip("/")
    last = match[2] if match.lastindex == 2 else ""
    parts = [part for part in inner.split("/") if part and not re.fullmatch(r"\([\w-]+\)", part)]
    path = "/".join((*parts, *([last] if last else [])))
    if last in _OWN or _PARAMETER.search(path):
        return
    if kind.page or _ANSWERS_GET.search(read_source(root, file)):
        yield f"{kind.prefix}/{path}"
