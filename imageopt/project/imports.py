"""The started service's sources -> the packages that it loads in any case, as soon as it starts.

Only what stands at the beginning of a line counts: a `require` inside of a function or a condition may never be
reached. Of TypeScript an import counts whose names are used as values, for the compiler drops those of mere types.
What surprises: a bundler puts packages into its output, and then none of them needs to be installed.
"""

import re
from collections.abc import Iterable, Iterator

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.builds import Build
from imageopt.project.javascript import line_at
from imageopt.project.model import Fact, Manifest, StartCommand
from imageopt.project.scripts import reachable_commands
from imageopt.project.sources import Source, entry_source, resolve_import

_LOADED = lazy_pattern(
    r"(?m)^(?:import[ \t]+(?!type\b)(?:(?P<clause>[\w$*{][^'\";]{0,2000}?)\s*from\s*)?"
    r"|export\s[^'\";]{0,2000}?\sfrom\s*|(?:(?:const|let|var|import)[ \t]+[^=;'\"]{0,2000}=\s*)?require\(\s*)"
    r"(['\"])(?P<name>[^'\"\n]+)\2"
)
_CALLED = lazy_pattern(r"(?<![\w$.])(?:require|import)\(\s*(['\"])([^'\"\n]+)\1")
_PACKAGE = lazy_pattern(r"(?:@[\w.~-]+/)?[\w.~-]+")
_BUNDLERS = frozenset((
    "esbuild", "webpack", "webpack-cli", "rollup", "tsup", "vite", "ncc", "parcel", "rspack", "tsdown", "unbuild",
    "microbundle", "bun", "next", "nuxt", "astro", "remix", "gatsby", "svelte-kit", "ng", "nx",
))  # fmt: skip
_TYPED = (".ts", ".mts", ".cts", ".tsx")


def imported_packages(
    sources: Iterable[Source],
    build: Build,
    start: StartCommand | None,
    manifest: Manifest | None,
    *,
    anywhere: bool = False,
) -> tuple[Fact, ...]:
    """The packages' names, each once with the first line that loads it, from the entry on; none where it is unknown.

    `anywhere`: what is loaded inside of functions and conditions, too.
    """
    files = {source.path: source.text for source in sources}
    entry = entry_source(files, build, start)
    if entry is None or (_is_compiled(entry, start) and _bundles(manifest)):
        return ()
    found: dict[str, Fact] = {}
    seen, waiting = {entry}, [entry]
    while waiting:
        path = waiting.pop(0)
        loaded = _loaded(files[path], typed=path.endswith(_TYPED))
        for name, offset in (*loaded, *(_called(files[path]) if anywhere else ())):
            if name.startswith("."):
                target = resolve_import(path, name, files)
                if target and target not in seen:
                    seen.add(target)
                    waiting.append(target)
            elif package := _PACKAGE.match(name):
                found.setdefault(package[0], Fact(package[0], f"{path}:{line_at(files[path], offset)}"))
    return tuple(found.values())


def _is_compiled(entry: str, start: StartCommand | None) -> bool:
    """Whether another file than the source is started."""
    return start is None or not any(word.removeprefix("./") == entry for word in start.argv or ())


def _bundles(manifest: Manifest | None) -> bool:
    called = reachable_commands("npm run build", manifest.scripts) if manifest else ()
    return any(word.rpartition("/")[2] in _BUNDLERS for words in called for word in words[:2])


def _loaded(text: str, *, typed: bool) -> Iterator[tuple[str, int]]:
    """What the file loads, in its own words, and where."""
    matches = tuple(_LOADED.finditer(text))
    rest = _LOADED.sub("", text) if typed else ""
    for match in matches:
        if not typed or match["clause"] is None or any(_is_value(name, rest) for name in _names(match["clause"])):
            yield match["name"], match.start()


def _called(text: str) -> Iterator[tuple[str, int]]:
    yield from ((match[2], match.start()) for match in _CALLED.finditer(text))


def _names(clause: str) -> Iterator[str]:
    """The names that an import brings, types that are marked so left out."""
    for part in re.split(r"[{},]", clause):
        name = re.split(r"\s+as\s+", part.strip())[-1]
        if name and not part.strip().startswith("type "):
            yield name


def _is_value(name: str, text: str) -> bool:
    """Whether the name is called, made new, extended or handed on, and does not only stand for a type."""
    word = rf"(?<![\w$.]){re.escape(name)}(?![\w$])"
    called = rf"{word}\s*[(`]|{word}(?:\.\w+)+\s*[(`]|\b(?:new|extends)\s+{word}"
    handed = rf"[(,\[]\s*{word}\s*[,)\]]|=\s*{word}\s*;|<{word}[\s/]"
    return re.search(f"{called}|{handed}", text) is not None
