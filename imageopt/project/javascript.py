"""JavaScript and TypeScript text, read without running it: comments taken out, calls found, simple values worked out.

This is no parser. It knows strings, comments and brackets, and can work out the few expressions with which
services name their files and ports. Whatever is not one of those is None, and the caller must treat it as unknown.
"""

import re
from collections import Counter
from collections.abc import Iterator

from imageopt.lazy_pattern import lazy_pattern

_REGEX_MAY_FOLLOW = set("(,=:[!&|?{};+-*%<>~^\n") | {""}
_OPEN, _CLOSE = "([{", ")]}"
_DEEPEST = 50
_NEITHER = lazy_pattern(r"[^'\"`/]+")  # no string, no comment, no pattern begins in it


def without_comments(text: str) -> str:
    """The text with each comment replaced by spaces, so that offsets and line numbers stay what they were."""
    kept: list[str] = []
    position, end, previous = 0, len(text), ""
    while position < end:
        run = _NEITHER.match(text, position)
        if run:
            kept.append(run[0])
            previous = run[0].rstrip()[-1:] or previous
            position = run.end()
            continue
        character = text[position]
        stop = position + 1
        if text.startswith(("//", "/*"), position):
            stop = _comment_end(text, position)
            kept.append(re.sub(r"[^\n]", " ", text[position:stop]))
            position = stop
            continue
        if character in "'\"`":
            stop = string_end(text, position)
        elif character == "/" and previous in _REGEX_MAY_FOLLOW:
            stop = _regex_end(text, position)
        kept.append(text[position:stop])
        previous = text[stop - 1]
        position = stop
    return "".join(kept)


def string_end(text: str, start: int, depth: int = 0) -> int:
    """The offset after the string that starts at `start`; a template may hold code, and code strings again.

    Templates that nest deeper than anybody writes them end with the text; `depth` is how deep this one lies.
    """
    quote, position = text[start], start + 1
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
        elif character == quote:
            return position + 1
        elif character == "\n" and quote != "`":
            return position  # not closed: the line ends it
        elif quote == "`" and text.startswith("${", position):
            position = bracket_end(text, position + 1, depth + 1) if depth < _DEEPEST else len(text)
        else:
            position += 1
    return len(text)


def bracket_end(text: str, start: int, depth: int = 0) -> int:
    """The offset after the bracket that closes the one at `start`, strings in between skipped.

    `depth` counts the templates around it.
    """
    open_now, position = 0, start
    while position < len(text):
        character = text[position]
        if character in "'\"`":
            position = string_end(text, position, depth)
            continue
        if character in _OPEN:
            open_now += 1
        elif character in _CLOSE:
            open_now -= 1
            if open_now == 0:
                return position + 1
        position += 1
    return len(text)


def arguments(text: str, opening: int) -> tuple[str, ...]:
    """The arguments between the bracket at `opening` and its end, each trimmed."""
    return split(text[opening + 1 : bracket_end(text, opening) - 1], ",")


def split(text: str, separator: str) -> tuple[str, ...]:
    """The parts of an expression between separators outside of brackets and strings, trimmed; empty ones left out."""
    parts: list[str] = []
    position = start = 0
    while position < len(text):
        character = text[position]
        if character in "'\"`":
            position = string_end(text, position)
        elif character in _OPEN:
            position = bracket_end(text, position)
        elif text.startswith(separator, position):
            parts.append(text[start:position].strip())
            position += len(separator)
            start = position
        else:
            position += 1
    parts.append(text[start:].strip())
    return tuple(part for part in parts if part)


def calls(text: str, names: str) -> Iterator[tuple[str, int, int]]:
    """Each call of a name that the pattern `names` matches: the name, where it starts, where its bracket opens."""
    for match in re.finditer(rf"(?<![\w$])({names})\s*(?:<[\w\s,.\[\]|]*>\s*)?\(", text):
        yield match[1], match.start(1), match.end() - 1


def string_value(expression: str) -> str | None:
    """The value of a string literal or of a template without code in it; None for anything else."""
    if len(expression) < 2 or expression[0] not in "'\"`" or string_end(expression, 0) != len(expression):
        return None
    body = expression[1:-1]
    if expression[-1] != expression[0] or (expression[0] == "`" and "${" in body):
        return None
    return re.sub(r"\\(.)", r"\1", body)


def constants(text: str) -> dict[str, str]:
    """Name -> expression of each `const name = …` (also let, var, typed, exported) that is given once, at any depth.

    The members of an object literal are listed too, as `name.member`.
    """
    found: dict[str, str | None] = {}
    pattern = r"(?<![\w$.])(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::\s*[\w.<>\[\]| ]+)?=(?![=>])"
    for match in re.finditer(pattern, text):
        found[match[1]] = None if match[1] in found else expression_at(text, match.end())
    given = Counter(re.findall(r"(?<![\w$.])([A-Za-z_$][\w$]*)\s*(?::\s*\w+\s*)?(?:[+\-*/?|&]{0,2})=(?![=>])", text))
    once = {name: value for name, value in found.items() if value is not None and given[name] <= 1}
    return {key: value for name, whole in once.items() for key, value in _members(name, whole, 0)}


def _members(name: str, expression: str, depth: int) -> Iterator[tuple[str, str]]:
    yield name, expression
    inner = expression.removeprefix("Object.freeze(") if expression.endswith(")") else expression
    if not inner.startswith("{") or depth == 3:
        return
    for pair in split(inner[1 : bracket_end(inner, 0) - 1], ","):
        key, value = re.match(r"['\"]?([\w$]+)['\"]?\s*:", pair), pair.partition(":")[2].strip()
        if key and value:
            yield from _members(f"{name}.{key[1]}", value, depth + 1)


def expression_at(text: str, start: int) -> str:
    """The expression that begins at `start`, up to a comma, a semicolon, a closing bracket or the end of its line."""
    position = start
    while position < len(text):
        character = text[position]
        if character in "'\"`":
            position = string_end(text, position)
        elif character in _OPEN:
            position = bracket_end(text, position)
        elif character in ";,)]}" or (character == "\n" and not _continues(text, start, position)):
            break
        else:
            position += 1
    return text[start:position].strip()


def line_at(text: str, offset: int) -> int:
    """The line (from 1) of an offset."""
    return text.count("\n", 0, offset) + 1


def _continues(text: str, start: int, newline: int) -> bool:
    before, after = text[start:newline].rstrip(), text[newline:].lstrip()
    return not before or before[-1] in "=+?:|&,(" or after[:1] in tuple(".?:|&+")


def _comment_end(text: str, start: int) -> int:
    if text.startswith("//", start):
        end = text.find("\n", start)
        return len(text) if end < 0 else end
    end = text.find("*/", start + 2)
    return len(text) if end < 0 else end + 2


def _regex_end(text: str, start: int) -> int:
    position, in_class = start + 1, False
    while position < len(text):
        character = text[position]
        if character == "\n":
            return start + 1  # a division after all
        if character == "\\":
            position += 1
        elif character == "[":
            in_class = True
        elif character == "]":
            in_class = False
        elif character == "/" and not in_class:
            return position + 1
        position += 1
    return start + 1
