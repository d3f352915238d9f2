"""A page -> the paths on the same server that it names: its styles, scripts, pictures, and the pages it leads to.

A start page that answers says little about a site: what it loads is what a rewrite forgets to copy.
"""

from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from imageopt.verify.exchange import Exchange

_LONGEST = 500  # characters of a path
_PAGE_LIMIT = 1 << 20  # bytes of a page that are looked at
_ATTRIBUTES = {
    "a": "href", "link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src",
    "audio": "src", "embed": "src", "form": "",
}  # fmt: skip
_OK = 200


def linked_paths(
    answers: Iterable[Exchange], *, port: int, most: int, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[str, ...]:
    """At most `most` of the wanted paths that pages among the answers name, what a page needs first; sorted.

    `port` is the one the server thinks it has: absolute links to it are its own.
    """
    found: dict[str, bool] = {}  # path -> whether a page needs it
    for answer in answers:
        if answer.status != _OK or "html" not in answer.content_type:
            continue
        page = _Page()
        page.feed(answer.body[:_PAGE_LIMIT].decode("utf-8", "replace"))
        base = _joined(f"http://localhost:{port}{answer.path}", page.base)
        for target, needed in page.found:
            path = _own_path(_joined(base, target), port) if _is_link(target) else ""
            if path and wanted(path):
                found[path] = found.get(path, False) or needed
    return tuple(sorted(found, key=lambda path: (not found[path], path)))[:most]


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
