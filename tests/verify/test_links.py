"""What a page names on its own server; everything else is left alone."""

import pytest

from imageopt.verify.exchange import Exchange
from imageopt.verify.hashed_names import is_hashed
from imageopt.verify.links import linked_paths

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
