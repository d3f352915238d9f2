"""Expressions that name files and ports, worked out: `path.join(__dirname, 'public')`, `process.env.PORT || 3000`.

A place is relative to the folder the service runs in. What is known only at its beginning (`join(dir, id)`) is an
open place: the folder is known, the name is not. `None` means nothing is known.
"""

import posixpath
import re
from collections.abc import Mapping

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.javascript import arguments, bracket_end, split, string_end, string_value

_DEPTH_LIMIT = 24
_ENVIRONMENT = lazy_pattern(r"(?:process\.)?env(?:\.([A-Za-z_]\w*)|\[\s*['\"]([A-Za-z_]\w*)['\"]\s*\])!?")
_CAST = lazy_pattern(r"\s+as\s+(?:const|string|number|unknown|any)$|!$")
_JOIN = lazy_pattern(r"(?:path\.(?:posix\.)?)?(?:join|resolve|normalize)\s*\(")
_UNWRAP = lazy_pattern(
    r"(?:fileURLToPath|String|url\.fileURLToPath|path\.normalize|path\.resolve|fs\.realpathSync)\s*\("
)
_DIRNAME = lazy_pattern(r"(?:path\.)?dirname\s*\(")
_URL = lazy_pattern(r"new\s+URL\s*\(")
_NUMBER = lazy_pattern(r"(?:Number(?:\.parseInt)?|parseInt)\s*\(")


class Place(Struct, frozen=True):
    """`path` is normalised: relative to the running folder, or absolute. `open`: something unknown follows it."""

    path: str
    open: bool = False


class Scope(Struct, frozen=True):
    """What a file's expressions may refer to: its constants, its running folder, the environment the image sets.

    `where` is the folder that the service runs in, relative to the project.
    """

    constants: Mapping[str, str]
    folder: str  # where the compiled file lies, relative to the folder the service runs in
    environment: Mapping[str, str]
    where: str = ""

    def in_project(self, path: str) -> str:
        """A path that the service uses, relative to the project instead of to where it runs."""
        return posixpath.normpath(posixpath.join(self.where, path)) if self.where else path


def place(expression: str, scope: Scope, depth: int = 0) -> Place | None:
    """The place an expression names, or None. A bare string is relative to the folder the service runs in."""
    expression = _trim(expression)
    if depth > _DEPTH_LIMIT or not expression:
        return None
    text = string_value(expression)
    if text is not None:
        return Place(_normal(text))
    for separator in ("??", "||"):
        parts = split(expression, separator)
        if len(parts) > 1:
            return _first_known(parts, scope, depth)
    if expression[0] == "`" and string_end(expression, 0) == len(expression):
        return _template(expression[1:-1], scope, depth)
    if len(parts := split(expression, "+")) > 1:
        return _sum(parts, scope, depth)
    return _call(expression, scope, depth) or _name(expression, scope, depth)


def number(expression: str, scope: Scope, depth: int = 0) -> int | None:
    """The whole number an expression stands for (`Number(process.env.PORT ?? 3000)`), or None."""
    expression = _trim(expression)
    if depth > _DEPTH_LIMIT or not expression:
        return None
    literal = string_value(expression) if expression[0] in "'\"`" else expression.replace("_", "")
    if literal is not None and literal.isascii() and literal.isdigit():
        return int(literal)
    for separator in ("??", "||"):
        parts = split(expression, separator)
        if len(parts) > 1:
            values = (number(part, scope, depth + 1) for part in parts)
            return next((value for value in values if value is not None), None)
    if expression[0] == "+":
        return number(expression[1:], scope, depth + 1)
    wrapped = _inner(_NUMBER, expression)
    if wrapped:
        return number(wrapped[0], scope, depth + 1)
    variable = _ENVIRONMENT.fullmatch(expression)
    if variable:
        value = scope.environment.get(variable[1] or variable[2], "")
        return int(value) if value.isascii() and value.isdigit() else None
    if expression in scope.constants:
        return number(scope.constants[expression], scope, depth + 1)
    return None


def _trim(expression: str) -> str:
    expression = _CAST.sub("", expression.strip())
    while expression.startswith("(") and bracket_end(expression, 0) == len(expression):
        expression = _CAST.sub("", expression[1:-1].strip())
    return expression.removeprefix("await ").strip()


def _first_known(parts: tuple[str, ...], scope: Scope, depth: int) -> Place | None:
    """`process.env.DIR ?? 'data'`: the variable if the image sets it, else the default."""
    for part in parts:
        found = place(part, scope, depth + 1)
        if found is not None:
            return found
        if not _ENVIRONMENT.fullmatch(_trim(part)):
            return None  # an unknown value might be the one that counts
    return None


def _template(body: str, scope: Scope, depth: int) -> Place | None:
    known = ""
    position = 0
    while position < len(body):
        if not body.startswith("${", position):
            known += body[position]
            position += 1
            continue
        end = bracket_end(body, position + 1)
        part = place(body[position + 2 : end - 1], scope, depth + 1)
        if part is None or part.open:
            return _opened(known + (part.path if part else ""))
        known += part.path
        position = end
    return Place(_normal(known))


def _sum(parts: tuple[str, ...], scope: Scope, depth: int) -> Place | None:
    known = ""
    for part in parts:
        text = string_value(_trim(part))
        found = place(part, scope, depth + 1) if text is None else None
        if text is None and found is None:
            return _opened(known)
        known += text if text is not None else found.path if found else ""
    return Place(_normal(known))


def _opened(known: str) -> Place | None:
    """The folder part of what is known; nothing is known of a name that begins with something unknown."""
    folder, slash, _ = known.rpartition("/")
    return Place(_normal(folder or "/"), open=True) if slash else None


def _call(expression: str, scope: Scope, depth: int) -> Place | None:
    joined = _inner(_JOIN, expression)
    if joined:
        return _joined(joined, scope, depth)
    located = _inner(_URL, expression)
    if located and len(located) == 2 and located[1] == "import.meta.url":
        text = string_value(located[0])
        return None if text is None else Place(_normal(f"{scope.folder}/{text}"))
    wrapped = _inner(_UNWRAP, expression)
    if wrapped:
        if wrapped[0] == "import.meta.url":
            return Place(_normal(f"{scope.folder}/module"))
        return place(wrapped[0], scope, depth + 1)
    inner = _inner(_DIRNAME, expression)
    if inner:
        found = place(inner[0], scope, depth + 1)
        return found if found is None or found.open else Place(_normal(posixpath.dirname(found.path)))
    if re.fullmatch(r"(?:os\.)?tmpdir\(\)", expression):
        return Place("/tmp")  # noqa: S108 (the name of a place, nothing is written here)
    return None


def _inner(pattern: re.Pattern[str], expression: str) -> tuple[str, ...]:
    """The arguments where the whole expression is one call that the pattern begins."""
    match = pattern.match(expression)
    if match is None or bracket_end(expression, match.end() - 1) != len(expression):
        return ()
    return arguments(expression, match.end() - 1)


def _joined(parts: tuple[str, ...], scope: Scope, depth: int) -> Place | None:
    whole: str | None = None
    for part in parts:
        found = place(part, scope, depth + 1)
        if found is None:
            return None if whole is None else Place(_normal(whole), open=True)
        whole = found.path if whole is None or found.path.startswith("/") else f"{whole}/{found.path}"
        if found.open:
            return Place(_normal(whole), open=True)
    return None if whole is None else Place(_normal(whole))


def _name(expression: str, scope: Scope, depth: int) -> Place | None:
    if expression in ("__dirname", "import.meta.dirname"):
        return Place(_normal(scope.folder))
    if expression == "__filename":
        return Place(_normal(f"{scope.folder}/module"))
    if expression == "process.cwd()":
        return Place(".")
    variable = _ENVIRONMENT.fullmatch(expression)
    if variable:
        value = scope.environment.get(variable[1] or variable[2])
        return Place(_normal(value)) if value else None
    if expression in scope.constants:
        return place(scope.constants[expression], scope, depth + 1)
    return None


def _normal(path: str) -> str:
    if "\0" in path:
        return "."
    return posixpath.normpath(path) if path else "."
