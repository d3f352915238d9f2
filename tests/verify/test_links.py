"""What a page names on its own server; everything else is left alone."""

from collections.abc import Iterable

import pytest

from imageopt.verify import links
from imageopt.verify.exchange import Ask, Exchange
from imageopt.verify.hashed_names import is_hashed
from imageopt.verify.links import follow, linked_paths, loaded_files

PAGE = """<!doctype html><html><head><link rel=stylesheet href="/assets/s.css"><script type="module" src="assets/m.js?v=1">
</script><link rel="icon" href="data:image/png;base64,AA"></head><body><a href="/about#team">x</a><img src="//cdn.example/x.png">
<a href="mailto:a@b.c">m</a><a href="#top">t</a><a href="http://localhost:3000/abs">abs</a><a href="http://localhost:4000/no">n</a>
<a href="https://localhost:3000/tls">tls</a><a href="javascript:void(0)">j</a><img src="/a:b.png"><a href="http://[bad">b</a>"""


def exchange(body: str, *, path: str = "/", status: int = 200, kind: str = "text/html") -> Exchange:
    return Exchange("GET", path, status, kind, "", body.encode())


def test_what_a_page_needs_comes_before_what_it_leads_to() -> None:
    expected = ("/a:b.png", "/assets/m.js?v=1", "/assets/s.css", "/about", "/abs")
    assert linked_paths([exchange(PAGE)], port=3000, most=40) == expected
    assert linked_paths([exchange(PAGE)], port=3000, most=3) == expected[:3]


@pytest.mark.parametrize(
    ("page", "path", "expected"),
    [
        ('<script src="m.js"></script>', "/docs/", ("/docs/m.js",)),
        ('<script src="m.js"></script>', "/docs", ("/m.js",)),
        ('<base href="/sub/"><img src="x.png">', "/", ("/sub/x.png",)),
        ('<img src="../../etc/x">', "/", ("/etc/x",)),
        ('<img src="/\x1b[31m">', "/", ()),
        (f'<img src="/{"x" * 600}">', "/", ()),
        ("<p>nothing", "/", ()),
    ],
)
def test_where_a_link_leads(page: str, path: str, expected: tuple[str, ...]) -> None:
    assert linked_paths([exchange(page, path=path)], port=3000, most=40) == expected


def test_only_pages_that_answered_are_looked_at() -> None:
    answers = [exchange(PAGE, status=404), exchange(PAGE, kind="application/json"), exchange("", kind="text/html")]
    assert linked_paths(answers, port=3000, most=40) == ()


def test_of_what_a_page_names_only_some_may_be_wanted() -> None:
    page = '<script src="/a/app-1b2c3d4e.js"></script><script src="/a/app.js"></script><a href="/about">'
    assert linked_paths([exchange(page)], port=3000, most=40, wanted=is_hashed) == ("/a/app-1b2c3d4e.js",)


@pytest.mark.parametrize(
    ("body", "path", "kind", "expected"),
    [
        ('import("./_app/start.3oU6SF4N.js"), import("./main.js")', "/sub/", "text/html", ("/sub/_app/start.3oU6SF4N.js",)),
        ('import{a}from"../chunks/8W-_GYQZ.js";', "/_app/entry/start.js", "text/javascript", ("/_app/chunks/8W-_GYQZ.js",)),
        ('["assets/b-1b2c3d4e.js","assets/b-1b2c3d4e.css"]', "/base/assets/a.js", "text/javascript", ("/base/assets/b-1b2c3d4e.js", "/base/assets/b-1b2c3d4e.css")),
        ("a{src:url(./f-1b2c3d4e.woff2)}b{src:url(f-9f8e7d6c.woff)}", "/a/s.css", "text/css", ("/a/f-1b2c3d4e.woff2", "/a/f-9f8e7d6c.woff")),
        ("a='hello there',b='./b-1b2c3d4e.js'", "/a.js", "text/javascript", ("/b-1b2c3d4e.js",)),
        ('"node.someThing.x", "https://cdn.example/b-1b2c3d4e.js"', "/a.js", "text/javascript", ()),
        ('"/b-1b2c3d4e.js"', "/a", "application/json", ()),
    ],
)  # fmt: skip
def test_what_scripts_and_styles_load(body: str, path: str, kind: str, expected: tuple[str, ...]) -> None:
    assert loaded_files([exchange(body, path=path, kind=kind)], port=3000) == expected
    assert loaded_files([exchange(body, path=path, kind=kind, status=404)], port=3000) == ()


def test_what_is_loaded_is_followed_as_far_as_it_is_there() -> None:
    files = {
        "/a-00000001.js": "import './b-00000002.js'; './gone-00000009.js'; './page-00000008.js'",
        "/b-00000002.js": "import './a-00000001.js'; import('./c-00000003.js')",
        "/c-00000003.js": "",
    }
    asked = []

    def ask(asks: Iterable[Ask]) -> dict[str, Exchange]:
        paths = [one.path for one in asks]
        asked.extend(paths)
        served = {path: exchange(files[path], path=path, kind="text/javascript") for path in paths if path in files}
        pages = {path: exchange("", path=path) for path in paths if "page" in path}
        return {answer.what: answer for answer in {**served, **pages}.values()}

    start = exchange('<script src="/a-00000001.js">')
    found = follow({start.what: start}, ask, port=3000, most=9)
    assert [answer.path for answer in found.values()] == sorted(files)
    assert len(asked) == len(set(asked)) == 5
    assert list(follow({start.what: start}, ask, port=3000, most=1)) == ["GET /a-00000001.js"]
    assert follow({start.what: start}, ask, port=3000, most=0) == {}


def test_of_too_many_files_two_builds_are_asked_for_the_same() -> None:
    def first(names: list[str]) -> list[str]:
        start = exchange("".join(f'<script src="/{name}.js">' for name in names))

        def ask(asks: Iterable[Ask]) -> dict[str, Exchange]:
            return {one.what: exchange("", path=one.path, kind="text/javascript") for one in asks}

        return [answer.path for answer in follow({start.what: start}, ask, port=3000, most=2).values()]

    assert first(["aaaaaaa1", "bbbbbbb2", "ccccccc3"]) == ["/aaaaaaa1.js", "/bbbbbbb2.js"]
    assert first(["zzzzzzz1", "yyyyyyy2", "xxxxxxx3"]) == ["/zzzzzzz1.js", "/yyyyyyy2.js"]


def test_no_more_is_loaded_than_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_MOST_LOADED", 1000)
    start = exchange("".join(f'<img src="/{number:08x}a.png">' for number in range(100)))

    def ask(asks: Iterable[Ask]) -> dict[str, Exchange]:
        return {one.what: exchange("x" * 40, path=one.path, kind="image/png") for one in asks}

    held = sum(len(answer.body) for answer in follow({start.what: start}, ask, port=3000, most=400).values())
    assert 1000 <= held <= 1000 + 16 * 40
