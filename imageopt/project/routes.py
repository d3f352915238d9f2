"""The paths the service answers on GET and the ports it listens on, found in its source.

A route of a router counts only with the prefix it is mounted at; where the mount is not found, the route is left out
rather than given under a name that may not exist. Routes with parameters, stars or patterns are left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import inside, is_folder
from imageopt.project.javascript import arguments, calls, line_at, split, string_value
from imageopt.project.model import Fact
from imageopt.project.places import number, place
from imageopt.project.sources import Source, resolve_import

_SERVER = lazy_pattern(
    r"(?<![\w$.])(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::\s*[\w.<>]+)?\s*=\s*(?:await\s+)?"
    r"(?:new\s+)?(express|fastify|Fastify|Koa|Hono|restify\.createServer|polka)\s*(?:<[^>]*>)?\("
)
_ROUTER = lazy_pattern(
    r"(?<![\w$.])(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::\s*[\w.<>]+)?\s*=\s*"
    r"(?:new\s+)?(?:express\.)?Router\s*\("
)
_IMPORTED = lazy_pattern(
    r"import\s+(?:\*\s+as\s+)?([\w$]+)?\s*,?\s*(?:\{([^}]*)\})?\s*from\s*['\"](\.[^'\"]+)['\"]"
    r"|(?:const|let|var)\s+(?:([\w$]+)|\{([^}]*)\})\s*=\s*require\(\s*['\"](\.[^'\"]+)['\"]\s*\)"
)
_PLUGIN = lazy_pattern(r"(?:function\s*[\w$]*\s*|=\s*(?:async\s*)?)\(\s*(app|server|fastify|instance|router)\s*[,:)]")
_ROUTE_OBJECT = lazy_pattern(r"\burl\s*:\s*(['\"])(/[^'\"]*)\1")
_PLAIN_PATH = lazy_pattern(r"/[\w./~-]*")
_STATIC_LIMIT = 5
_PREFIX_ROUNDS = 6

Prefixes = dict[tuple[str, str], set[str]]  # (file, variable) -> where it is mounted


class _Mount(Struct, frozen=True):
    """`app.use(prefix, target)`: in which file, on which variable, and what is mounted there."""

    path: str
    owner: str
    prefix: str
    target: str


def find_routes(root: Path, sources: Iterable[Source]) -> tuple[Fact, ...]:
    """Paths answered on GET, each once, sorted, the routes before the static files."""
    files = {source.path: source for source in sources}
    prefixes = _prefixes(files)
    routes: dict[str, Fact] = {}
    statics: dict[str, Fact] = {}
    for source in files.values():
        for route, start in _routes(source, prefixes):
            routes.setdefault(route, Fact(route, f"{source.path}:{line_at(source.text, start)}"))
        for route, start in _static_files(root, source, prefixes):
            statics.setdefault(route, Fact(route, f"{source.path}:{line_at(source.text, start)}"))
    kept = {**statics, **routes}
    return tuple(sorted(kept.values(), key=lambda fact: (fact.value not in routes, fact.value)))


def find_ports(sources: Iterable[Source]) -> tuple[Fact, ...]:
    """The ports given to `listen`, in the order of the files; each once."""
    found: dict[str, Fact] = {}
    for source in sources:
        for _, start, opening in calls(source.text, r"(?:[\w$\])]+\s*\.\s*)?listen|serve"):
            given = arguments(source.text, opening)
            port = _listened(given, source) if given else None
            if port is not None and 0 < port < 65536:
                found.setdefault(str(port), Fact(str(port), f"{source.path}:{line_at(source.text, start)}"))
    return tuple(found.values())


def handles_sigterm(sources: Iterable[Source]) -> bool:
    """Whether the service has a handler of its own for SIGTERM."""
    direct = re.compile(r"process\s*\.\s*(?:on|once|addListener)\s*\(\s*['\"]SIGTERM['\"]")
    listed = re.compile(r"\[[^\]]*['\"]SIGTERM['\"][^\]]*\]")
    for source in sources:
        if direct.search(source.text):
            return True
        if listed.search(source.text) and re.search(r"process\s*\.\s*(?:on|once)\s*\(\s*[A-Za-z_$]", source.text):
            return True
        if re.search(
            r"enableShutdownHooks\(|['\"](?:@godaddy/terminus|http-terminator|close-with-grace)['\"]", source.text
        ):
            return True
    return False


def _listened(given: tuple[str, ...], source: Source) -> int | None:
    options = next((argument for argument in given if argument.startswith("{")), None)
    if options is not None:
        match = re.search(r"\bport\b\s*(:)?", options)
        if match is None:
            return None
        value = split(options[match.end() : -1], ",")[0] if match[1] else "port"
        return number(value, source.scope)
    return number(given[0], source.scope)


def _prefixes(files: Mapping[str, Source]) -> Prefixes:
    """Where each application and router of each file is reachable; a server is at the root."""
    found: Prefixes = {}
    mounts: list[_Mount] = []
    routers: dict[str, list[str]] = {}
    for path, source in files.items():
        for match in _SERVER.finditer(source.text):
            found[path, match[1]] = {""}
        routers[path] = [match[1] for match in _ROUTER.finditer(source.text)]
        routers[path] += [match[1] for match in _PLUGIN.finditer(source.text)]
        mounts += _mounts(source)
    targets = {path: _imports(source, files) for path, source in files.items()}
    for _ in range(_PREFIX_ROUNDS):
        for mount in mounts:
            for above in sorted(found.get((mount.path, mount.owner), ())):
                for place_of in _targets(mount, targets, routers):
                    found.setdefault(place_of, set()).add(above + mount.prefix.rstrip("/"))
    return found


def _mounts(source: Source) -> Iterator[_Mount]:
    for name, _, opening in calls(source.text, r"[A-Za-z_$][\w$]*\s*\.\s*(?:use|register|route)"):
        given = arguments(source.text, opening)
        owner = re.split(r"\s*\.", name)[0]
        prefix = string_value(given[0]) if given else None
        if prefix is None and len(given) > 1:
            option = re.search(r"prefix\s*:\s*['\"]([^'\"]*)['\"]", given[1])
            prefix = option[1] if option else None
        if prefix is not None and prefix != "" and not _PLAIN_PATH.fullmatch(prefix):
            continue
        for argument in given:
            target = re.fullmatch(r"([A-Za-z_$][\w$]*)(?:\(([\w$, ]*)\))?", argument)
            if target:
                yield _Mount(source.path, owner, prefix or "", target[1])
    for match in re.finditer(r"(?<![\w$.])([A-Za-z_$][\w$]*)\(\s*(app|server|fastify|router)\s*[,)]", source.text):
        yield _Mount(source.path, match[2], "", match[1])  # registerRoutes(app)


def _targets(
    mount: _Mount, imports: Mapping[str, Mapping[str, str]], routers: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    if mount.target in routers.get(mount.path, ()):
        yield mount.path, mount.target
    elsewhere = imports[mount.path].get(mount.target)
    names = routers.get(elsewhere or "", ())
    if elsewhere and mount.target in names:
        yield elsewhere, mount.target
    elif elsewhere and len(set(names)) == 1:
        yield elsewhere, next(iter(names))


def _imports(source: Source, files: Mapping[str, Source]) -> dict[str, str]:
    """Imported name -> the file it comes from."""
    found = {}
    for match in _IMPORTED.finditer(source.text):
        target = resolve_import(source.path, match[3] or match[6], files)
        if target is None:
            continue
        listed = [part.split(" as ")[-1].split(":")[-1].strip() for part in (match[2] or match[5] or "").split(",")]
        for name in filter(None, [match[1], match[4], *listed]):
            found[name] = target
    return found


def _routes(source: Source, prefixes: Prefixes) -> Iterator[tuple[str, int]]:
    for name, start, opening in calls(source.text, r"[A-Za-z_$][\w$]*\s*\.\s*(?:get|all)"):
        given = arguments(source.text, opening)
        route = string_value(given[0]) if len(given) > 1 else None
        yield from _mounted(source, re.split(r"\s*\.", name)[0], route, start, prefixes)
    for name, start, opening in calls(source.text, r"[A-Za-z_$][\w$]*\s*\.\s*route"):
        given = arguments(source.text, opening)
        if given and given[0].startswith("{") and re.search(r"method\s*:\s*(?:['\"]GET|\[[^\]]*['\"]GET)", given[0]):
            url = _ROUTE_OBJECT.search(given[0])
            yield from _mounted(source, re.split(r"\s*\.", name)[0], url[2] if url else None, start, prefixes)


def _mounted(
    source: Source, owner: str, route: str | None, start: int, prefixes: Prefixes
) -> Iterator[tuple[str, int]]:
    if route is None or not _PLAIN_PATH.fullmatch(route):
        return
    for prefix in sorted(prefixes.get((source.path, owner), ())):
        whole = prefix + route if prefix and route != "/" else prefix or route
        yield whole, start


def _static_files(root: Path, source: Source, prefixes: Prefixes) -> Iterator[tuple[str, int]]:
    for name, start, opening in calls(source.text, r"[A-Za-z_$][\w$]*\s*\.\s*(?:use|register)"):
        given = arguments(source.text, opening)
        prefix = (string_value(given[0]) if given else None) or ""
        for _, _, inner in calls(given[-1], r"(?:express\.)?static|serveStatic") if given else ():
            inside_call = arguments(given[-1], inner)
            folder = place(inside_call[0], source.scope) if inside_call else None
            shown = source.scope.in_project(folder.path) if folder and not folder.open else ".."
            if shown.startswith(("/", "..")):
                continue
            for mounted in sorted(prefixes.get((source.path, re.split(r"\s*\.", name)[0]), ())):
                yield from ((f"{mounted}{prefix.rstrip('/')}/{path}", start) for path in _served(root, shown))


def _served(root: Path, folder: str) -> tuple[str, ...]:
    """A few files of a static folder as the paths they are served at; index.html is the folder itself."""
    where = inside(root, folder)
    if where is None or not is_folder(root, folder):
        return ()
    names = sorted(entry.name for entry in where.iterdir() if entry.is_file() and not entry.name.startswith("."))
    plain = [name for name in names if re.fullmatch(r"[\w.-]+", name)]
    return tuple("" if name == "index.html" else name for name in plain[:_STATIC_LIMIT])
