"""Variables in words, by BuildKit's rules."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageopt.dockerfile.expand import LONGEST, expand, expansion

VARIABLES = {"x": "value", "empty": "", "path": "/usr/local/bin", "version": "1.2.3", "star": "a*b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$x", "value"),
        ("${x}", "value"),
        ("a$x.b", "avalue.b"),
        ("a${x}b", "avalueb"),
        ("$xb", ""),
        ("$unset", ""),
        ("$", "$"),
        ("$ x", "$ x"),
        ("a$.b", "a$.b"),
        ("\\$x", "$x"),
        ("'$x'", "$x"),
        ('"$x"', "value"),
        ('"\\$x"', "$x"),
        ('"a\\b"', "a\\b"),
        ("a\\b", "ab"),
        ("'a'\"b\"c", "abc"),
        ("${x:-y}", "value"),
        ("${unset:-y}", "y"),
        ("${empty:-y}", "y"),
        ("${empty-y}", ""),
        ("${unset-y}", "y"),
        ("${x:+y}", "y"),
        ("${empty:+y}", ""),
        ("${empty+y}", "y"),
        ("${unset+y}", ""),
        ("${x:?bad}", "value"),
        ("${empty?bad}", ""),
        ("${unset:-$x}", "value"),
        ("${unset:-${other:-deep}}", "deep"),
        ("${unset:-'a}b'}", "a}b"),
        ("${unset:-a\\}b}", "a}b"),
        ("${path#*/}", "usr/local/bin"),
        ("${path##*/}", "bin"),
        ("${path%/*}", "/usr/local"),
        ("${path%%/*}", ""),
        ("${version%.*}", "1.2"),
        ("${version%%.*}", "1"),
        ("${version#?.}", "2.3"),
        ("${version#x}", "1.2.3"),
        ("${star#a\\*}", "b"),
        ("${version/./-}", "1-2.3"),
        ("${version//./-}", "1-2-3"),
        ("${version/?./-}", "-2.3"),
        ("${version//?./-}", "--3"),
        ("${version/*/-}", "-"),
        ("${version//*/-}", "-"),
        ("${path//\\//:}", ":usr:local:bin"),
        ("${unset/a/b}", ""),
        ("${1}", ""),
        ("$1x", "x"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    result = expansion(text, VARIABLES)
    assert (result.text, result.error) == (expected, None)
    assert expand(text, VARIABLES) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("${x", "${}", "${:x}", "${{x}", "${x!y}", "${x[0]}", "'a", '"a', "${unset:?bad}", "${unset?}"),
        *("${empty:?bad}", "${x:-", "${x/a", "${x/a/b", "${x#a\\b}", "${x:x}"),
    ],
)
def test_what_cannot_be_expanded_stays_and_says_why(text: str) -> None:
    result = expansion(text, VARIABLES)
    assert result.text == text
    assert result.error


def test_the_message_of_a_required_variable_is_the_error() -> None:
    assert expansion("${v:?give a version}", {}).error == "v: give a version"


def test_missing_names_are_told_apart() -> None:
    result = expansion("$hole ${optional:-x} ${hole} ${also#x} $x", VARIABLES)
    assert result.undefined == ("hole", "also")
    assert result.absent == ("hole", "optional", "also")


def test_the_escape_of_the_file_counts() -> None:
    assert expand("`$x \\$x", VARIABLES, escape="`") == "$x \\value"


class TestStrangersFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "${a:-" * 5000,
            "${a##" + "*a" * 200 + "b}",
            "${a//" + "*a" * 20 + "b/x}",
            '"' * 9999,
            "$a" * 50_000,
        ],
    )
    def test_take_no_time(self, text: str) -> None:
        begin = time.process_time()
        expansion(text, {"a": "a" * 3000})
        assert time.process_time() - begin < 2

    def test_values_cannot_grow_without_end(self) -> None:
        result = expansion("$a$a", {"a": "x" * (LONGEST - 1)})
        assert "longer than" in (result.error or "")


@given(st.text("ab$ {}", max_size=12).filter(lambda text: "$" not in text))
def test_a_text_without_marks_is_its_own_expansion(text: str) -> None:
    assert expand(text, VARIABLES) == text


@given(st.text("x${}:-+?#%/'\"\\ab* ", max_size=20))
def test_it_never_raises(text: str) -> None:
    expansion(text, VARIABLES)


@given(st.text("ab.", max_size=8), st.text("ab.*?", max_size=4))
def test_the_longest_cut_is_never_shorter_than_the_shortest(value: str, pattern: str) -> None:
    variables = {"v": value}
    assert len(expand(f"${{v##{pattern}}}", variables)) <= len(expand(f"${{v#{pattern}}}", variables))
    assert len(expand(f"${{v%%{pattern}}}", variables)) <= len(expand(f"${{v%{pattern}}}", variables))
