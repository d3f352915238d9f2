"""What varies by itself is taken out of an answer; everything else still counts."""

import pytest

from imageopt.verify.exchange import Exchange
from imageopt.verify.mask import Mask, credible, digest, varying


def answer(body: str, content_type: str = "application/json", location: str = "") -> Exchange:
    return Exchange("GET", "/", 200, content_type, location, body.encode())


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ('{"a": 1}', '{"a": 1}', ()),
        ('{"a": 1, "up": 2}', '{"a": 1, "up": 3}', ("$.up",)),
        ('{"l": [{"id": "x"}, 2]}', '{"l": [{"id": "y"}, 2]}', ("$.l[0].id",)),
        ('{"l": [1]}', '{"l": [1, 2]}', ("$.l",)),
        ('{"a": 1}', '{"a": true}', ("$.a",)),
        ('{"a": 1}', '{"b": 1}', ("$",)),
        ("not json", "not yaml", ("word 2",)),
    ],
)
def test_what_differs_in_json_is_named(first: str, second: str, names: tuple[str, ...]) -> None:
    assert varying(answer(first), answer(second)).names == names


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ("<p id=a1>hi</p>", "<p id=b2>hi</p>", ("word 3",)),
        ("<p>hi</p>", "<p>hi</p><p>there</p>", ("the whole body",)),
        ("at 2026-01-02T03:04:05Z", "at 2026-01-02T03:04:06Z", ()),
        ("at Fri, 02 Jan 2026 03:04:05", "at Fri, 02 Jan 2026 03:04:06", ()),
        ("at 1767323045123", "at 1767323045999", ()),
    ],
)
def test_what_differs_in_text_is_a_word_or_the_whole(first: str, second: str, names: tuple[str, ...]) -> None:
    assert varying(answer(first, "text/html"), answer(second, "text/html")).names == names


@pytest.mark.parametrize(
    ("one", "other", "mask", "equal"),
    [
        ('{"a": 1, "up": 2}', '{"a": 1, "up": 9}', Mask(frozenset({"$.up"})), True),
        ('{"a": 1, "up": 2}', '{"a": 2, "up": 9}', Mask(frozenset({"$.up"})), False),
        ('{"at": "2026-01-02T03:04:05.123Z"}', '{"at": "2027-01-02 03:04:05"}', Mask(), True),
        ('{"pid": 1}', '{"pid": 18}', Mask(), True),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', Mask(), False),
        ('{"a":1}', '{"a": 1}', Mask(), True),
        ("null", "0", Mask(), False),
        ("{broken", "{broken!", Mask(), False),
        ('["\\ud800"]', '["\\ud800"]', Mask(), True),
        ("{}", '{"a": 1}', Mask(whole=True), True),
    ],
)
def test_masked_bodies_are_equal_or_not(one: str, other: str, mask: Mask, equal: bool) -> None:
    assert (digest(answer(one), mask) == digest(answer(other), mask)) is equal


def test_text_is_compared_without_the_masked_words() -> None:
    mask = varying(answer("nonce a1 end", "text/plain"), answer("nonce b2 end", "text/plain"))
    assert digest(answer("nonce c3 end", "text/plain"), mask) == digest(answer("nonce d4 end", "text/plain"), mask)
    assert digest(answer("nonce c3 end", "text/plain"), mask) != digest(answer("nonce d4 fin", "text/plain"), mask)


def test_the_target_of_a_redirect_counts() -> None:
    assert digest(answer("", location="/a"), Mask()) != digest(answer("", location="/b"), Mask())


def test_masks_are_joined() -> None:
    joined = Mask(frozenset({"$.a"})) | Mask(frozenset({"$.b"}), frozenset({1}))
    assert joined.names == ("$.a", "$.b", "word 2")


@pytest.mark.parametrize(
    ("here", "there", "believed"),
    [
        ('{"up": 1, "state": "ok"}', ('{"up": 2, "state": "ok"}', '{"up": 3, "state": "failed"}'), ("$.up",)),
        ('{"l": [{"id": "a1"}]}', ('{"l": [{"id": "b2"}]}', '{"l": [{"id": "c3"}]}'), ("$.l[0].id",)),
        ('{"a": 1}', ('{"b": 1}', '{"c": 1}'), ()),  # not the whole document
        ('{"a": true}', ('{"a": true}', '{"a": false}'), ()),
    ],
)
def test_of_what_varies_in_the_other_version_alone_only_numbers_are_believed(
    here: str, there: tuple[str, str], believed: tuple[str, ...]
) -> None:
    assert credible(varying(*map(answer, there)), answer(here)).names == believed


def test_of_words_and_headers_too() -> None:
    mask = Mask(words=frozenset({0, 1, 9}), whole=True, headers=frozenset({"age", "vary", "gone"}))
    here = Exchange("GET", "/", 200, "text/plain", "", b"hits 17", {"age": "3", "vary": "accept"})
    assert credible(mask, here) == Mask(words=frozenset({1}), headers=frozenset({"age"}))
