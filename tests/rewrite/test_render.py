"""Values reach the Dockerfile checked for their place, and templates cannot reach anything else."""

from pathlib import Path

import pytest

from imageopt.errors import InputError
from imageopt.rewrite import render as module
from imageopt.rewrite.render import Unsafe, assignment, copy, exec_form, owner, render, word


def test_plain_values_stay_as_they_are() -> None:
    assert word("/app/a-b_c.d") == "/app/a-b_c.d"
    assert owner("node:node") == "node:node"
    assert owner("1000") == "1000"
    assert copy(["a", "b"], "./", "--chown=node") == "COPY --chown=node a b ./"
    assert assignment("A", "x") == "A=x"


def test_others_are_quoted() -> None:
    assert copy(["a b"], "./é") == 'COPY ["a b", "./é"]'
    assert exec_form(["node", 'a"b']) == '["node", "a\\"b"]'
    assert assignment("A", 'say "$HOME\\" now') == 'A="say \\"\\$HOME\\\\\\" now"'


@pytest.mark.parametrize("value", ["a b", "a\nRUN x", "$A", "", "é", "a;b", "`x`"])
def test_a_word_that_needs_quotes_is_unsafe(value: str) -> None:
    with pytest.raises(Unsafe):
        word(value)
    with pytest.raises(Unsafe):
        owner(value)


@pytest.mark.parametrize("value", ["$A b", "a\\b", "a\nb", "a\x1bb"])
def test_a_path_that_would_change_in_quotes_is_unsafe(value: str) -> None:
    with pytest.raises(Unsafe):
        copy([value], "./")


def test_control_characters_are_unsafe_everywhere() -> None:
    with pytest.raises(Unsafe):
        exec_form(["a\n"])
    with pytest.raises(Unsafe):
        assignment("A", "a\nb")
    with pytest.raises(Unsafe):
        assignment("A B", "a")


@pytest.mark.parametrize("text", ["{{ absent }}", "{{ x.__class__.__mro__ }}", "{% if %}", "{{ x.append(1) }}"])
def test_a_template_that_reaches_too_far_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "t.Dockerfile.j2").write_text(text)
    monkeypatch.setattr(module, "data_folder", lambda _: tmp_path)
    with pytest.raises(InputError, match="cannot be used"):
        render("t", {"x": []})


def test_a_missing_template_is_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot be used"):
        render("absent", {})
