"""What is a hashed name, and which hashed file of one build is which of the other."""

import pytest

from imageopt.verify.exchange import Exchange
from imageopt.verify.hashed_names import is_hashed, new_names, other_words, same_files, without_hash


def served(*files: tuple[str, str]) -> list[Exchange]:
    return [Exchange("GET", path, 200 if body else 404, "text/javascript", "", body.encode()) for path, body in files]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([("/a/app-1b2c3d4e.js", "x")], [("/a/app-9f8e7d6c.js", "y")], {"/a/app-9f8e7d6c.js": "/a/app-1b2c3d4e.js"}),
        ([("/a/app.1b2c3d4e.js", "x")], [("/a/app.1b2c3d4e.js", "y")], {}),
        ([("/a/app-1b2c3d4e.js", "x")], [("/a/app-1b2c3d4e.js", ""), ("/a/app-9f8e7d6c.css", "x")], {}),
        ([("/a/contact-us-page.js", "x")], [("/a/contact-our-page.js", "x")], {}),
        (
            [("/a/c-11111111.js", "x"), ("/a/c-22222222.js", "y")],
            [("/a/c-33333333.js", "y"), ("/a/c-44444444.js", "z")],
            {"/a/c-33333333.js": "/a/c-22222222.js"},
        ),
        ([], [("/a/app-1b2c3d4e.js", "x")], {}),
        (  # modules of nothing but a hash, which load each other
            [("/a/DuX2ddWE.js", "import './xihTtKlq.js'; a"), ("/a/xihTtKlq.js", "import './DuX2ddWE.js'; b")],
            [("/a/8W-_GYQZ.js", "import './CB2IJ7a4.js'; b"), ("/a/CB2IJ7a4.js", "import './8W-_GYQZ.js'; a")],
            {"/a/CB2IJ7a4.js": "/a/DuX2ddWE.js", "/a/8W-_GYQZ.js": "/a/xihTtKlq.js"},
        ),
        (  # the text of two is the same, but what they load in the end is not
            [("/a/AAAAAA01.js", "load ./BBBBBB01.js"), ("/a/BBBBBB01.js", "./CCCCCC01.js"), ("/a/CCCCCC01.js", "1")],
            [("/a/AAAAAA02.js", "load ./BBBBBB02.js"), ("/a/BBBBBB02.js", "./CCCCCC02.js"), ("/a/CCCCCC02.js", "2")],
            {},
        ),
        (  # the one that loads nothing of it is what it was
            [("/a/AAAAAA01.js", "one"), ("/a/BBBBBB01.js", "./CCCCCC01.js"), ("/a/CCCCCC01.js", "1")],
            [("/a/AAAAAA02.js", "one"), ("/a/BBBBBB02.js", "./CCCCCC02.js"), ("/a/CCCCCC02.js", "2")],
            {"/a/AAAAAA02.js": "/a/AAAAAA01.js"},
        ),
        (  # the time of the build
            [("/a/AAAAAA01.js", "built 2026-01-01"), ("/a/BBBBBB01.js", "x")],
            [("/a/AAAAAA02.js", "built 2026-01-02"), ("/a/BBBBBB02.js", "y")],
            {"/a/AAAAAA02.js": "/a/AAAAAA01.js"},
        ),
        ([("/a/AAAAAA01.js", "x")], [("/a/AAAAAA02.js", "x"), ("/a/BBBBBB02.js", "x")], {}),
    ],
)
def test_files_belong_together_by_name_and_where_that_is_not_enough_by_content(
    before: list[tuple[str, str]], after: list[tuple[str, str]], same: dict[str, str]
) -> None:
    assert same_files(*new_names(served(*before), served(*after))) == same


def test_a_start_page_in_the_place_of_a_file_is_not_the_file() -> None:
    page = Exchange("GET", "/a/app-1b2c3d4e.js", 200, "text/html", "", b"<p>")
    gone, come = new_names(
        served(("/a/app-1b2c3d4e.js", "x")), [page, *served(("/a/app-9f8e7d6c.js", "x"), ("/a/app.js", "y"))]
    )
    assert same_files(gone, come) == {"/a/app-9f8e7d6c.js": "/a/app-1b2c3d4e.js"}


@pytest.mark.parametrize(
    ("path", "without"),
    [
        ("/a/app-1b2c3d4e.js", "/a/app-.js"),
        ("/a/app.eHgckJ_v.js?v=1", "/a/app..js"),  # one of four hashes of Vite has no digit
        ("/a/8W-_GYQZ.js", "/a/.js"),
        ("/a/index-D-x3_abc.js", "/a/index-.js"),
        ("/a/main.1b2c3d4e.chunk.js", "/a/main..chunk.js"),
        ("/a/i.astro_type_script_0_lang.vDF1zXDC.js", "/a/i.astro_type_script_0_lang..js"),
        ("/a/contact-us-page.js", "/a/contact-us-page.js"),
        ("/img/10482275.png", "/img/10482275.png"),  # a number is no hash
        ("/a/README.md", "/a/README.md"),
        ("/a/dashboard", "/a/dashboard"),
    ],
)
def test_what_looks_like_a_hash(path: str, without: str) -> None:
    assert without_hash(path) == without
    assert is_hashed(path) == (path != without)


def test_a_word_for_several_files_is_renamed_where_all_agree() -> None:
    script, style = {"/a/i-1b2c3d4e.js": "/a/i-9f8e7d6c.js"}, {"/a/s-1b2c3d4e.css": "/a/s-9f8e7d6c.css"}
    hashes = {b"i-1b2c3d4e": b"i-9f8e7d6c", b"s-1b2c3d4e": b"s-9f8e7d6c", b"1b2c3d4e": b"9f8e7d6c"}
    assert other_words({**script, **style}) == hashes
    assert b"1b2c3d4e" not in other_words({**script, "/a/s-1b2c3d4e.css": "/a/s-0a0b0c0d.css"})
