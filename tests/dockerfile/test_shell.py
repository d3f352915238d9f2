"""The commands of shell scripts and of RUN instructions."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Command
from imageopt.dockerfile.shell import is_flat, is_posix_shell, run_commands, split


def names(script: str) -> list[str]:
    return [command.name for command in split(script)]


def shape(script: str) -> list[tuple[str, str, str]]:
    return [(command.operator, command.name, command.nesting) for command in split(script)]


def run(text: str) -> tuple[Command, ...]:
    return run_commands(parse(text.encode()).instructions[-1])


@pytest.mark.parametrize(
    ("script", "values"),
    [
        ("apt-get install -y curl", ["apt-get", "install", "-y", "curl"]),
        ("echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]),
        ("echo a\"b\"'c'", ["echo", "abc"]),
        ('echo "a\\"b\\c\\$d"', ["echo", 'a"b\\c$d']),
        ('echo $x ${x:-a b} "${y}"', ["echo", "$x", "${x:-a b}", "${y}"]),
        ("echo $(a b) `c d` $((1 + 2))", ["echo", "$(a b)", "`c d`", "$((1 + 2))"]),
        ("echo $'a\\nb' $\"c d\"", ["echo", "a\\nb", "c d"]),
        ("echo a#b # c && d", ["echo", "a#b"]),
        ("a \\\n b\\\nc", ["a", "bc"]),
        ("rm -rf !(keep|this) *.@(a|b)", ["rm", "-rf", "!(keep|this)", "*.@(a|b)"]),
        ("find . -name '*.c' \\; {}", ["find", ".", "-name", "*.c", ";", "{}"]),
        ("diff <(a) b", ["diff", "<(a)", "b"]),
        ('echo "it\'s" "${x:-it\'s}"', ["echo", "it's", "${x:-it's}"]),
        ("echo ${x:-'}'} y", ["echo", "${x:-'}'}", "y"]),
        ("[[ -f a && ( b < c ) ]]", ["[[", "-f", "a", "&&", "(", "b", "<", "c", ")", "]]"]),
        ("((i++))", ["((i++))"]),
    ],
)
def test_words(script: str, values: list[str]) -> None:
    first = split(script)[0]
    assert [word.value for word in first.words] == values
    assert first.complete
    assert [script[word.start : word.end] for word in first.words] == [word.raw for word in first.words]


class TestParts:
    def test_assignments_stand_before_the_command_only(self) -> None:
        (command,) = split("A=1 B+='x y' C=(1 \"2 3\") npm ci D=4")
        assert [word.raw for word in command.assignments] == ["A=1", "B+='x y'", 'C=(1 "2 3")']
        assert [word.value for word in command.words] == ["npm", "ci", "D=4"]
        assert [word.value for word in command.arguments] == ["ci", "D=4"]

    def test_an_assignment_alone_has_no_name(self) -> None:
        (command,) = split("A=1")
        assert (command.name, command.words) == ("", ())

    def test_redirects(self) -> None:
        (command,) = split("2>&1 a >/x 2>> 'y z' b < in <<< word &> all 3<>io >|f")
        assert [(r.descriptor, r.operator, r.target.value) for r in command.redirects] == [
            ("2", ">&", "1"),
            ("", ">", "/x"),
            ("2", ">>", "y z"),
            ("", "<", "in"),
            ("", "<<<", "word"),
            ("", "&>", "all"),
            ("3", "<>", "io"),
            ("", ">|", "f"),
        ]
        assert [word.value for word in command.words] == ["a", "b"]

    def test_a_redirect_alone_is_a_command_without_a_name(self) -> None:
        (command,) = split("> /var/log/x")
        assert (command.name, command.redirects[0].target.value) == ("", "/var/log/x")

    def test_the_span_goes_from_the_first_part_to_the_last(self) -> None:
        script = " a b  && X=1 c d > e ; f"
        assert [script[c.start : c.end] for c in split(script)] == ["a b", "X=1 c d > e", "f"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "a && b || c; d | e |& f & g",
            [("", "a"), ("&&", "b"), ("||", "c"), (";", "d"), ("|", "e"), ("|&", "f"), ("&", "g")],
        ),
        ("a\nb\n\n# c\nd", [("", "a"), (";", "b"), (";", "d")]),
        ("a &&\n b |\n c", [("", "a"), ("&&", "b"), ("|", "c")]),
        ("a; b;", [("", "a"), (";", "b")]),
    ],
)
def test_operators(script: str, expected: list[tuple[str, str]]) -> None:
    commands = split(script)
    assert [(command.operator, command.name) for command in commands] == expected
    assert [command.after for command in commands][:-1] == [operator for operator, _ in expected][1:]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("{ a; b; } && c", [("", "a", "group"), (";", "b", "group"), ("&&", "c", "")]),
        ("(a; b) | c", [("", "a", "subshell"), (";", "b", "subshell"), ("|", "c", "")]),
        (
            "if a; then b; elif c; then d; else e; fi && f",
            [("", "a", "if"), (";", "b", "if"), (";", "c", "if"), (";", "d", "if"), (";", "e", "if"), ("&&", "f", "")],
        ),
        ("for x in 1 $(a) 3; do b $x; done; c", [("", "a", "substitution"), ("", "b", "loop"), (";", "c", "")]),
        ("for x\ndo a; done", [("", "a", "loop")]),
        ("for ((i=0;i<3;i++)); do a; done", [("", "a", "loop")]),
        ("while a; do b; done < f | c", [("", "a", "loop"), (";", "b", "loop"), ("|", "c", "")]),
        ("until a; do b; done", [("", "a", "loop"), (";", "b", "loop")]),
        (
            "case $x in a|b) c;; (d) e ;& *) f; esac; g",
            [("", "c", "case"), (";", "e", "case"), (";", "f", "case"), (";", "g", "")],
        ),
        ("case x in y) esac; a", [(";", "a", "")]),
        ("f() { a; }; b", [("", "a", "function"), (";", "b", "")]),
        ("function f { a; }\nfunction g() ( b )", [("", "a", "function"), (";", "b", "function")]),
        ("! a && b", [("", "a", "negation"), ("&&", "b", "")]),
        ("time a && b", [("", "a", ""), ("&&", "b", "")]),
        ("a $(b | c) && d", [("", "a", ""), ("", "b", "substitution"), ("|", "c", "substitution"), ("&&", "d", "")]),
        (
            'a "x $(b "c $(d)") y" `e`',
            [("", "a", ""), ("", "b", "substitution"), ("", "d", "substitution"), ("", "e", "substitution")],
        ),
        ('a "${x:-$(b)}"', [("", "a", ""), ("", "b", "substitution")]),
        ("a <(b) > $(c)", [("", "a", ""), ("", "b", "substitution"), ("", "c", "substitution")]),
        ("a $(case x in y) b;; esac) c", [("", "a", ""), ("", "b", "case")]),
        ("x=(1 $(a)) b", [("", "b", ""), ("", "a", "substitution")]),
        ("echo if then fi", [("", "echo", "")]),
    ],
)
def test_nesting(script: str, expected: list[tuple[str, str, str]]) -> None:
    assert shape(script) == expected
    assert all(command.complete for command in split(script))


class TestHeredocsOfTheShell:
    def test_the_body_is_no_command(self) -> None:
        assert names("cat <<EOF > x && b\nrm -rf /\nEOF\nc") == ["cat", "b", "c"]

    def test_several_and_with_tabs(self) -> None:
        assert names("cat <<-A <<'B C'\n\ta\n\tA\nb\nB C\nd") == ["cat", "d"]

    def test_inside_a_substitution(self) -> None:
        assert names("a $(cat <<E\nrm\nE\n) && b") == ["a", "cat", "b"]

    def test_without_an_end_is_incomplete(self) -> None:
        assert not split("cat <<E\nx")[0].complete


@pytest.mark.parametrize(
    ("script", "flat"),
    [
        ("a", True),
        ("a && b; c", True),
        ("a\nb", True),
        ("X=1 a > f && b $(c | d)", True),
        ("a || b", False),
        ("a | b", False),
        ("a & b", False),
        ("a && b &", False),
        ("(a)", False),
        ("{ a; }", False),
        ("! a", False),
        ("if a; then b; fi", False),
        ("a 'b", False),
        ("a $(b", False),
        ("a )", False),
        ("a && { b", False),
        ("fi", False),
        ("", False),
        ("# c", False),
    ],
)
def test_flat(script: str, flat: bool) -> None:
    assert is_flat(split(script)) is flat


@pytest.mark.parametrize(
    "script",
    [
        *("a 'b", 'a "b', "a `b", "a $(b", "a ${b", "a $((b", "(a", "{ a", "if a; then b", "a=(b", "a; }", "a )"),
        *("a b (c)", "[[ a", "a; done", "{ ( a; }", "$(a; { b)", "`a $(b `c`)"),
    ],
)
def test_what_does_not_match_up_is_incomplete(script: str) -> None:
    commands = split(script)
    assert commands
    assert not any(command.complete for command in commands)


class TestRun:
    def test_spans_count_in_the_dockerfile_across_lines(self) -> None:
        text = "FROM a\nRUN apt-get update \\\n  # why\n  && apt-get \\\n  install -y cu\\\nrl\n"
        commands = run(text)
        assert [text[c.start : c.end] for c in commands] == ["apt-get update", "apt-get \\\n  install -y cu\\\nrl"]
        assert [word.value for word in commands[1].words] == ["apt-get", "install", "-y", "curl"]
        assert text[commands[1].words[2].start : commands[1].words[2].end] == "-y"

    def test_flags_are_no_commands(self) -> None:
        assert [c.name for c in run("RUN --mount=type=cache,target=/x npm ci")] == ["npm"]

    def test_a_comment_sign_hides_the_joined_rest(self) -> None:
        assert [c.name for c in run("RUN a # b \\\n && c")] == ["a"]

    def test_the_exec_form_is_one_command(self) -> None:
        (command,) = run('RUN ["sh", "-c", "a && b"]')
        assert ([word.value for word in command.words], command.nesting) == (["sh", "-c", "a && b"], "exec")

    def test_a_heredoc_can_be_the_script(self) -> None:
        text = "RUN <<EOF\nset -e\napt-get update\n\tnpm ci\nEOF\n"
        commands = run(text)
        assert [text[c.start : c.end] for c in commands] == ["set -e", "apt-get update", "npm ci"]
        assert is_flat(commands)

    @pytest.mark.parametrize(
        ("shebang", "expected"),
        [
            ("#!/bin/bash -e", ["a"]),
            ("#!/usr/bin/env sh", ["a"]),
            ("#!/usr/bin/python3", []),
            ("#!/usr/bin/env node", []),
        ],
    )
    def test_the_interpreter_decides(self, shebang: str, expected: list[str]) -> None:
        assert [c.name for c in run(f"RUN <<E\n{shebang}\na\nE\n")] == expected

    def test_a_heredoc_for_a_shell_is_read_too(self) -> None:
        commands = run("RUN bash -e <<E\na\nb\nE\n")
        assert [(c.name, c.nesting) for c in commands] == [("bash", ""), ("a", "heredoc"), ("b", "heredoc")]
        assert not is_flat(commands)

    def test_a_heredoc_for_another_program_is_not(self) -> None:
        assert [c.name for c in run("RUN cat <<E > /x && b\na\nE\n")] == ["cat", "b"]
        assert [c.name for c in run("RUN python3 <<E\nimport os\nE\n")] == ["python3"]

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("CMD a b", ["a"]),
            ("ENTRYPOINT a", ["a"]),
            ("ONBUILD RUN a && b", ["a", "b"]),
            ("COPY a b", []),
            ("RUN", []),
        ],
    )
    def test_instructions(self, line: str, expected: list[str]) -> None:
        assert [c.name for c in run(line)] == expected


@pytest.mark.parametrize(
    ("program", "expected"), [("/bin/sh", True), ("bash", True), ("powershell", False), ("cmd", False), ("", False)]
)
def test_posix_shells(program: str, expected: bool) -> None:
    assert is_posix_shell(program) is expected


@given(st.text(alphabet="ab \n\t'\"\\`$(){}<>&|;#=![]*E1", max_size=30))
def test_it_never_raises_and_its_spans_fit(script: str) -> None:
    for command in split(script):
        assert 0 <= command.start <= command.end <= len(script)
        for word in (*command.words, *command.assignments, *(redirect.target for redirect in command.redirects)):
            assert script[word.start : word.end] == word.raw


@pytest.mark.parametrize(
    "unit", ["$(", "${x:-", '"$(', "`", "(", "{ ", "a=(", "if ", "<(", "$((", "case x in ", "{ ) "]
)
def test_the_time_stays_linear(unit: str) -> None:
    begin = time.process_time()
    split(unit * 10_000)
    assert time.process_time() - begin < 5
