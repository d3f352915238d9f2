"""Versions of a mapping and of a list that share their storage."""

import pytest

from imageopt.dockerfile.versions import Growing, Versions


def test_each_version_keeps_what_it_had() -> None:
    first = Versions.of({"a": "1"})
    second = first.changed("a", "2").changed("b", "3")
    third = second.without("a")
    assert [dict(version) for version in (first, second, third)] == [{"a": "1"}, {"a": "2", "b": "3"}, {"b": "3"}]
    assert [len(version) for version in (first, second, third)] == [1, 2, 1]
    assert repr(third) == "{'b': '3'}"


def test_a_second_change_of_one_version_does_not_touch_the_first() -> None:
    start = Versions.of({"a": "1"})
    left, right = start.changed("a", "left"), start.changed("b", "right")
    assert [dict(version) for version in (start, left, right)] == [{"a": "1"}, {"a": "left"}, {"a": "1", "b": "right"}]


def test_none_is_a_value_and_what_is_gone_is_not() -> None:
    there = Versions[str | None].of({}).changed("a", None)
    assert there["a"] is None
    with pytest.raises(KeyError):
        there.without("a")["a"]
    assert there.without("b") is there


def test_a_list_grows_without_changing_its_shorter_versions() -> None:
    empty = Growing([], 0)
    one = empty.added("a")
    two, other = one.added("b"), one.added("c")
    assert [tuple(version) for version in (empty, one, two, other)] == [(), ("a",), ("a", "b"), ("a", "c")]
    assert (two[1], two[-1], two[:1], repr(two)) == ("b", "b", ("a",), "('a', 'b')")
    assert hash(two) == hash(one.added("b"))
    assert two != 3
    with pytest.raises(IndexError):
        one[1]
