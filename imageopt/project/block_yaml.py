"""The YAML that package managers write, line by line: a lock file in the time the library takes for a tenth of it.

pnpm and Yarn write nothing but nested mappings, plain lists and scalars of one line. Whatever else stands there, after
an edit say, makes the whole text go through the library instead: the same answer, only later. Two things that nobody
reads are not taken apart: a mapping in braces stays text, and a text of many lines is empty.
"""

import re

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.jsonc import Json
from imageopt.project.yaml_tree import parse_yaml, plain

_ENTRY = lazy_pattern(
    r"""(\ *)
    (?:'((?:[^']|'')*)' | "((?:[^"\\]|\\.)*)" | ([^\s'"#\-?:{}\[\],&*!|>%@`][^\n]*?))
    :(?:\ +(\S[^\n]*))?$""",
    re.VERBOSE,
)
_ITEM = lazy_pattern(r"( *)- +(\S[^\n]*)$")
_LONG_KEY = lazy_pattern(r"^( *)\? (.*)\n\1:(?: +(\S.*))?$", re.MULTILINE)
_LIST = lazy_pattern(r"\[([^\[\]{}\"#]*)\]$")
_MANY_LINES = lazy_pattern(r"[|>][+-]?\d?$")
_SCALAR = lazy_pattern(r"[^'\"&*!|>%@`#{}\[\]][^\n]*")
_DEEPEST = 30

_Open = tuple[int, Json, str]  # a key that had no value yet: its indentation, the mapping it is in, its name


class _Unusual(Exception):
    """A line that these managers do not write."""


def parse_block_yaml(text: str, path: str) -> Json:
    """The mapping that a lock file is, every scalar as text. Raises InputError for what is no YAML."""
    try:
        return _read(text)
    except _Unusual:
        documents = parse_yaml(text, path)
        value = plain(documents[0]) if documents else {}
        return value if isinstance(value, dict) else {}


def _read(text: str) -> Json:
    top: Json = {}
    stack: list[tuple[int, Json]] = [(0, top)]
    opened: _Open | None = None
    skipped = -1  # the lines of a long text are indented deeper than this
    for raw in _with_short_keys(text).split("\n"):
        line = raw.rstrip()
        if skipped >= 0 and (not line or len(line) - len(line.lstrip(" ")) > skipped):
            continue
        skipped = -1
        if not line or line.lstrip().startswith("#") or (line == "---" and not top):
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            _add_item(line, opened)
            continue
        indent = len(entry[1])
        if opened is not None and indent > opened[0]:
            stack.append((indent, _inner(opened)))
        while indent < stack[-1][0]:
            stack.pop()
        if indent != stack[-1][0] or len(stack) > _DEEPEST:
            raise _Unusual
        into, key, value = stack[-1][1], _key(entry), entry[5]
        if key in into or key == "<<":
            raise _Unusual
        skipped = indent if value and _MANY_LINES.match(value) else -1
        into[key] = _value(value) if value and skipped < 0 else ""
        opened = None if value else (indent, into, key)
    return top


def _with_short_keys(text: str) -> str:
    """`? key` and `: value` as `key:` and a value: how a key of more than a thousand characters is written."""
    if "? " not in text:
        return text
    return _LONG_KEY.sub(lambda m: f"{m[1]}{m[2]}:" + (f"\n{m[1]}  {m[3]}" if m[3] else ""), text)


def _inner(opened: _Open) -> Json:
    _, into, key = opened
    if into[key] != "":
        raise _Unusual
    inner: Json = {}
    into[key] = inner
    return inner


def _add_item(line: str, opened: _Open | None) -> None:
    """A line without `key:`: an element of a list."""
    item = _ITEM.match(line)
    if item is None or opened is None or len(item[1]) < opened[0]:
        raise _Unusual
    _, into, key = opened
    found = into[key] = [] if into[key] == "" else into[key]
    if not isinstance(found, list):
        raise _Unusual
    found.append(_value(item[2]))


def _key(entry: re.Match[str]) -> str:
    if entry[2] is not None:
        return entry[2].replace("''", "'")
    if entry[3] is not None:
        return _unescaped(entry[3])
    if " #" in entry[4]:
        raise _Unusual
    return entry[4]


def _value(text: str) -> object:
    first = text[0]
    if first == "[":
        inner = _LIST.match(text)
        if inner is None:
            raise _Unusual
        return [_value(part.strip()) for part in inner[1].split(",") if part.strip()]
    if first == "{":
        if not text.endswith("}"):
            raise _Unusual
        return text
    if first == "'":
        if len(text) < 2 or not text.endswith("'") or text[1:-1].replace("''", "").count("'"):
            raise _Unusual
        return text[1:-1].replace("''", "'")
    if first == '"':
        if not re.fullmatch(r'"((?:[^"\\]|\\.)*)"', text):
            raise _Unusual
        return _unescaped(text[1:-1])
    if " #" in text or ": " in text or not _SCALAR.fullmatch(text):
        raise _Unusual
    return text


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain_text = text.replace('\\"', '"').replace("\\/", "/")
    if "\\" in plain_text:
        raise _Unusual
    return plain_text
