"""A page -> the paths on the same server that it names: its styles, scripts, pictures, and the pages it leads to.

A start page that answers says little about a site: what it loads is what a rewrite forgets to copy. What its scripts
load is told by the names of files with a hash in them, for nothing else that is spelled in a script is surely a file.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from imageopt.verify.exchange import Ask, Exchange
from imageopt.verify.hashed_names import is_hashed

_LONGEST = 500  # characters of a path
_PAGE_LIMIT = 1 << 20  # bytes of a page that are looked at
_MOST_LOADED = 64 << 20  # bytes of loaded files, which are held for each run until they are compared
_AT_ONCE = 16  # of them that are asked before their bytes are counted
_ATTRIBUTES = {
    "a": "href", "link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src",
    "audio": "src", "embed": "src", "form": "",
}  # fmt: skip
_OK = 200
_SPELLED = re.compile(rb"""["'`(]([^"'`()\s<>\\]{9,300})(?=["'`)])""")  # in quotes, or in CSS's `url()`
_ASSET = re.compile(r"\.(?:[cm]?js|css|json|wasm|woff2?|ttf|otf|png|jpe?g|gif|svg|webp|avif)$")
_SPELLING = ("html", "javascript", "css")


def linked_paths(
    answers: Iterable[Exchange], *, port: int, most: int, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[str, ...]:
    """At most `most` of the wanted paths that pages among the answers name, what a page needs first; sorted.

    `port` is the one the server thinks it has: absolute links to it are its own.
    """
    found: dict[str, bool] = {}  # path -> whether a page needs it
    for answer in answers:
        if answer.status != _OK or not _is_page(answer):
            continue
        page = _Page()
        page.feed(answer.body[:_PAGE_LIMIT].decode("utf-8", "replace"))
        base = _joined(f"http://localhost:{port}{answer.path}", page.base)
        for target, needed in page.found:
            path = _own_path(_joined(base, target), port) if _is_link(target) else ""
            if path and wanted(path):
                found[path] = found.get(path, False) or needed
    return tuple(sorted(found, key=lambda path: (not found[path], path)))[:most]


def follow(
    answers: Mapping[str, Exchange], ask: Callable[[Iterable[Ask]], dict[str, Exchange]], *, port: int, most: int
) -> dict[str, Exchange]:
    """What the answers load, and what that loads, at most so many or 64 MiB, by name and as far as it is there.

    What is not there may be no file's name at all, and some servers give their start page for every name.
    """
    found: dict[str, Exchange] = {}
    named = dict.fromkeys(map(Ask, loaded_files(answers.values(), port=port)))
    tried = set(answers)
    room = _MOST_LOADED
    while room > 0 and (asks := [one for one in named if one.what not in tried][: min(_AT_ONCE, most - len(found))]):
        tried |= {one.what for one in asks}
        there = {what: answer for what, answer in ask(asks).items() if answer.status == _OK and not _is_page(answer)}
        found |= there
        named |= dict.fromkeys(map(Ask, loaded_files(there.values(), port=port)))
        room -= sum(len(answer.body) for answer in there.values())
    return found


def loaded_files(answers: Iterable[Exchange], *, port: int) -> tuple[str, ...]:
    """The paths of files with a hash in their names that pages, scripts and styles among the answers spell.

    They come in the order in which they are spelled, which another hash in a name does not change. They are guesses: a
    script may spell what it never loads, and a folder of the server may be meant by any name.
    """
    found: dict[str, None] = {}
    for answer in answers:
        if answer.status != _OK or not any(kind in answer.content_type for kind in _SPELLING):
            continue
        base = f"http://localhost:{port}{answer.path}"
        for spelled in _SPELLED.findall(answer.body):
            name = spelled.decode("utf-8", "replace")
            if _ASSET.search(name) and is_hashed(f"/{name}"):
                found[_own_path(_joined(base, _placed(name, answer)), port)] = None
    return tuple(path for path in found if path)


def _placed(name: str, answer: Exchange) -> str:
    """Scripts of bundlers name files from the root of what is served: `assets/b.js` in `/base/assets/a.js`."""
    first, slash, _ = name.partition("/")
    above, there, _ = answer.path.partition(f"/{first}/")
    return f"{above}/{name}" if slash and there and first not in (".", "..") else name


def _is_page(answer: Exchange) -> bool:
    return "html" in answer.content_type


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "base" and not self.base:
            self.base = values.get("href") or ""
        target = values.get(_ATTRIBUTES.get(tag, ""))
        if target:
            self.found.append((target.strip(), tag != "a"))


def _is_link(target: str) -> bool:
    scheme, colon, _ = target.partition(":")
    return not target.startswith("#") and (not colon or "/" in scheme or scheme.lower() in ("http", "https"))


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:  # no address at all
        return ""


def _own_path(address: str, port: int) -> str:
    try:
        parts = urlsplit(address)
        own = parts.scheme == "http" and parts.hostname == "localhost" and parts.port == port
    except ValueError:  # a port that is no number
        return ""
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return path if own and len(path) <= _LONGEST and path.isprintable() else ""
