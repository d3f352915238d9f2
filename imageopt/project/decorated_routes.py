"""The paths that NestJS answers on GET, from the decorators of its controllers.

The prefix and the version that the application sets for all of them come before; where one of these is computed, no
path is known, and none is given rather than one that may not exist.
"""

import re
from collections.abc import Iterable, Iterator

from imageopt.project.javascript import arguments, bracket_end, calls, line_at, split, string_value
from imageopt.project.model import Fact
from imageopt.project.sources import Source

_PLAIN = re.compile(r"[\w./~-]*")
_OPTION = r"\b{}\s*:\s*"


def decorated_routes(sources: Iterable[Source]) -> tuple[Fact, ...]:
    """The paths, each once, sorted."""
    texts = [source for source in sources if "@nestjs/" in source.text]
    everywhere = "\n".join(source.text for source in texts)
    prefix, spared = _prefix(everywhere)
    versions = _default_version(everywhere)
    if prefix is None or versions is None:
        return ()
    found: dict[str, Fact] = {}
    for source in texts:
        for version, route, start in _routes(source.text):
            if version is None or not _PLAIN.fullmatch(route):
                continue
            told = version or versions
            before = (
                () if route in spared else (prefix, f"v{told}" if told and "enableVersioning" in everywhere else "")
            )
            path = "/" + "/".join(filter(None, (*before, route)))
            found.setdefault(path, Fact(path, f"{source.path}:{line_at(source.text, start)}"))
    return tuple(sorted(found.values(), key=lambda fact: fact.value))


def _prefix(text: str) -> tuple[str | None, tuple[str, ...]]:
    """What stands before each path, None where that is computed, and the paths without it."""
    for _, _, opening in calls(text, r"setGlobalPrefix"):
        given = arguments(text, opening)
        value = string_value(given[0]) if given else None
        spared = re.findall(r"['\"]/?([^'\"]*)['\"]", given[1]) if len(given) > 1 else ()
        return (None if value is None or not _PLAIN.fullmatch(value) else value.strip("/")), tuple(spared)
    return "", ()


def _default_version(text: str) -> str | None:
    """The version in the path of what names none, "" where there is none; None where it is computed."""
    for _, _, opening in calls(text, r"enableVersioning"):
        options = text[opening : bracket_end(text, opening)]
        if re.search(r"\btype\s*:(?!\s*VersioningType\.URI)", options):
            return None
        told = re.search(_OPTION.format("defaultVersion") + r"(?:['\"]([\w.-]+)['\"]\s*[,}])?", options)
        return (told[1] if told else "") or (None if told or "prefix" in options else "")
    return ""


def _routes(text: str) -> Iterator[tuple[str | None, str, int]]:
    """Version ("" for none, None where it is computed), path and place of each method that answers GET."""
    controllers = [
        (start, *_told(arguments(text, opening)))
        for _, start, opening in calls(text, "Controller")
        if text[start - 1] == "@"
    ]
    for _, start, opening in calls(text, "Get|All"):
        above = [(version, bases) for place, version, bases in controllers if place < start]
        if text[start - 1] != "@" or not above:
            continue
        version, bases = above[-1]
        for base in bases:
            for own in _paths(arguments(text, opening)):
                yield version, "/".join(filter(None, (base, own))), start


def _told(given: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The version and the paths of a controller."""
    if not given or not given[0].startswith("{"):
        return "", _paths(given)
    path = re.search(_OPTION.format("path") + r"(.*)", given[0][1:-1], re.DOTALL)
    version = re.search(_OPTION.format("version") + r"(?:['\"]([\w.-]+)['\"])?", given[0])
    paths = _paths(split(path[1], ",")[:1]) if path else ("",)
    return (version[1] if version else ""), paths


def _paths(given: tuple[str, ...]) -> tuple[str, ...]:
    """The paths that a decorator is given, without slashes around them; none where they are computed."""
    if not given:
        return ("",)
    listed = split(given[0][1:-1], ",") if given[0].startswith("[") else given[:1]
    values = [string_value(part) for part in listed]
    return tuple(value.strip("/") for value in values if value is not None)
