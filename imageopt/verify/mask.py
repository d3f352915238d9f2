"""Two answers of one container -> what varies by itself in them, and each body with that taken out.

What the version as it stands says differently twice says nothing about the other. What varies in the other alone is
believed only of what may have stayed the same by chance: numbers, and words with a digit in them (see `credible`).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from imageopt.verify.exchange import Exchange

_MASKED = "~"
_PROCESS_FACTS = {"pid", "ppid"}  # npm as a parent moves them; no client can rely on them
_DATES = re.compile(
    rb"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rb"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} )?[A-Z][a-z]{2} (?:\d{1,2} )?\d{4}(?: \d\d:\d\d:\d\d)?"
    rb"|\b1[6-9]\d{8}(?:\d{3})?\b"  # seconds or milliseconds since 1970, from 2020 to 2033
)
_DIGIT = re.compile(r"[0-9]")
_CHANGING_WORD = re.compile(rb"[^\s\"'<>=,;&]+")


class Mask(Struct, frozen=True):
    """What varies: paths of JSON values (`$.items[0].id`), numbers of words in other text, the whole body; headers."""

    json_paths: frozenset[str] = frozenset()
    words: frozenset[int] = frozenset()
    whole: bool = False
    headers: frozenset[str] = frozenset()

    def __or__(self, other: "Mask") -> "Mask":
        return Mask(
            self.json_paths | other.json_paths,
            self.words | other.words,
            self.whole or other.whole,
            self.headers | other.headers,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What is masked, in words, sorted."""
        words = tuple(f"word {number + 1}" for number in sorted(self.words))
        body = ("the whole body",) if self.whole else (*sorted(self.json_paths), *words)
        return (*body, *(f"the header {name}" for name in sorted(self.headers)))


def varying(first: Exchange, second: Exchange) -> Mask:
    """What differs between two answers to the same request, dates aside."""
    names = first.headers.keys() | second.headers.keys()
    headers = frozenset(name for name in names if first.headers.get(name) != second.headers.get(name))
    if first.body == second.body:
        return Mask(headers=headers)
    left, right = _json(first), _json(second)
    if left is not None and right is not None:
        return Mask(json_paths=frozenset(_differing(left[0], right[0], "$")), headers=headers)
    old, new = _words(first.body), _words(second.body)
    if len(old) != len(new) or _gaps(first.body) != _gaps(second.body):
        return Mask(whole=True, headers=headers)
    changing = frozenset(index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
    return Mask(words=changing, headers=headers)


def credible(mask: Mask, first: Exchange) -> Mask:
    """What of a mask of the other version is believed: places where the answer of this one has a number in it.

    A word that is always the same here and another one there now and then is a difference: `ok` and `error`.
    """
    document = _json(first)
    values = _values(document[0], "$") if document is not None else ()
    words = _words(first.body) if mask.words else []
    return Mask(
        frozenset(path for path, value in values if path in mask.json_paths and _DIGIT.search(value)),
        frozenset(
            index for index in mask.words if index < len(words) and _DIGIT.search(words[index].decode("latin-1"))
        ),
        headers=frozenset(name for name in mask.headers if _DIGIT.search(first.headers.get(name, ""))),
    )


def digest(exchange: Exchange, mask: Mask) -> str:
    """`sha256:…` of the masked body and of the redirect's target."""
    return "sha256:" + hashlib.sha256(_masked(exchange, mask) + b"\0" + exchange.location.encode()).hexdigest()


def without_dates(body: bytes) -> bytes:
    """The text with something in the place of each date and of each second since 1970."""
    return _DATES.sub(b"~", body)


def _masked(exchange: Exchange, mask: Mask) -> bytes:
    if mask.whole:
        return b""
    document = _json(exchange)
    if document is not None:
        tree = _without(document[0], mask.json_paths, "$")
        # keys keep their order: a client may see it
        return without_dates(json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    body = without_dates(exchange.body)
    if not mask.words:
        return body
    count = iter(range(len(body)))
    return _CHANGING_WORD.sub(lambda found: b"~" if next(count) in mask.words else found[0], body)


def _json(exchange: Exchange) -> tuple[Any] | None:
    """The document, in a tuple because it may be null; None where the body is no JSON."""
    if "json" not in exchange.content_type:
        return None
    try:
        return (json.loads(exchange.body),)
    except (ValueError, RecursionError):
        return None


def _differing(left: Any, right: Any, path: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        for key, value in left.items():
            yield from _differing(value, right[key], f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, pair in enumerate(zip(left, right, strict=True)):
            yield from _differing(*pair, f"{path}[{index}]")
    elif type(left) is not type(right) or left != right:
        yield path


def _values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every number and text of a document, as text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{path}[{index}]")
    else:
        yield path, str(value)


def _without(value: Any, paths: frozenset[str], path: str) -> Any:
    if path in paths:
        return _MASKED
    if isinstance(value, dict):
        return {
            key: _MASKED if key in _PROCESS_FACTS else _without(inner, paths, f"{path}.{key}")
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without(inner, paths, f"{path}[{index}]") for index, inner in enumerate(value)]
    return value


def _words(body: bytes) -> list[bytes]:
    return _CHANGING_WORD.findall(without_dates(body))


def _gaps(body: bytes) -> list[bytes]:
    return _CHANGING_WORD.split(without_dates(body))
