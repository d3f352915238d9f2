"""A lazy pattern is what `re.compile` gives, and nothing is compiled before it is used."""

import re

import pytest

from imageopt.lazy_pattern import lazy_pattern


def test_it_works_as_a_compiled_one() -> None:
    pattern = lazy_pattern(r"a(b+)", re.IGNORECASE)
    assert pattern.sub(r"<\1>", "xABBx abb") == "x<BB>x <bb>"
    assert [match[1] for match in pattern.finditer("ab abb")] == ["b", "bb"]
    assert pattern.pattern == r"a(b+)"
    assert lazy_pattern(rb"\d").search(b"a1") is not None


def test_it_is_compiled_at_its_first_use_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = lazy_pattern("(")  # no error yet
    with pytest.raises(re.error):
        wrong.match("x")
    pattern = lazy_pattern("a")
    assert pattern.match("a")
    monkeypatch.setattr(re, "compile", None)
    assert pattern.search("ba")
    assert pattern.groups == 0
