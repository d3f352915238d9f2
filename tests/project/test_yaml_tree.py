"""YAML as a tree with lines, and what a hostile file gets."""

import pytest

from imageopt.errors import InputError
from imageopt.project.yaml_tree import parse_yaml, plain


def only(text: str) -> object:
    (document,) = parse_yaml(text, "a.yml")
    return plain(document)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, {c: 8.10}]\n", {"a": "1", "b": ["x", {"c": "8.10"}]}),  # scalars stay as written
        ("on: yes\n", {"on": "yes"}),
        ("base: &b {a: 1, c: 2}\nd:\n  <<: *b\n  a: 3\n", {"base": {"a": "1", "c": "2"}, "d": {"a": "3", "c": "2"}}),
        ("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}", {"x": {"a": "1"}, "y": {"a": "2", "b": "2"}, "z": {"a": "1", "b": "2"}}),
        ("? [a]\n: b\nc: d\n", {"c": "d"}),  # a key that is no text is nobody's
        ("a: |\n  b\n  c\n", {"a": "b\nc\n"}),
        ("[]", []),
    ],
)  # fmt: skip
def test_values(text: str, value: object) -> None:
    assert only(text) == value


def test_each_value_knows_its_line_and_documents_stay_apart() -> None:
    first, second = parse_yaml("a:\n  b: x\n---\nimage:\n  - !reference [y, z]\n", "a.yml")
    assert (first.at("a", "b").text, first.at("a", "b").line) == ("x", 2)
    (item,) = second.at("image").items
    assert (item.line, item.tag, [part.text for part in item.items]) == (5, "!reference", ["y", "z"])
    assert parse_yaml("", "a.yml") == ()


def test_what_is_not_there_is_empty() -> None:
    (document,) = parse_yaml("a: ~\nb: null\nc: text\n", "a.yml")
    assert [document.at(key).text for key in ("a", "b", "no")] == ["", "", ""]
    assert (document.at("c", "d").text, document.at("c").items, document.at("c").pairs) == ("", (), {})


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("a: b\nc: [\n", "a.yml:3: did not find expected node content"),
        ("a: *b\n", "a.yml:1: nothing before it is named &b"),
        ("a: &a [*a]\n", "a.yml:1: nothing before it is named &a"),
        ("a: &a x\n---\nb: *a\n", "a.yml:3: nothing before it is named &a"),
        ("a: 1\nb: " + "[" * 100 + "]" * 100, "a.yml:2: it nests deeper than 100 levels"),
        ("[" * 200_000, "a.yml:1: exceeded maximum nesting depth"),
        (BOMB, "a.yml:6: it holds more than 500000 values"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\n>>>>>>> x\n", "a.yml:2: it holds the marks of an unsolved merge"),
        ("a: \x00\n", "a.yml:1: "),
    ],
)
def test_hostile_texts_are_one_line_with_file_and_line(text: str, cause: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "a.yml")
    assert caught.value.cause.startswith(cause)
    assert caught.value.remedy.startswith("mend line ")
