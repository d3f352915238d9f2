"""What holds at an instruction: variables, arguments, shell, folder, user."""

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import Environment, environments, stage_environment
from imageopt.dockerfile.pairs import pairs


def at_end(text: str, **build_args: str) -> Environment:
    dockerfile = parse(text.encode())
    return stage_environment(dockerfile, dockerfile.stages[-1], build_args)


class TestArguments:
    def test_are_listed_in_the_order_of_declaration_as_history_does(self) -> None:
        end = at_end("FROM a\nARG B=2\nARG A\nARG B=3\nENV A=env\n")
        assert end.arguments == (("B", "3"), ("A", "env"), ("B", "3"))

    def test_without_a_value_are_unknown(self) -> None:
        assert at_end("FROM a\nARG A\n").arguments == (("A", None),)

    def test_come_from_outside_where_given(self) -> None:
        assert at_end("FROM a\nARG A=1\nARG B\n", A="x", B="y", C="z").variables == {"A": "x", "B": "y"}

    def test_an_empty_one_counts(self) -> None:
        assert at_end("FROM a\nARG A=1\n", A="").variables == {"A": ""}

    def test_are_no_part_of_the_image(self) -> None:
        assert at_end("FROM a\nARG A=1\n").env == {}

    def test_above_from_count_only_when_declared_again(self) -> None:
        head = "ARG V=1\nFROM a\n"
        assert at_end(head).variables == {}
        assert at_end(head + "ARG V\n").variables == {"V": "1"}
        assert at_end(head + "ARG V=2\n").variables == {"V": "2"}

    def test_are_inherited_by_a_stage_built_on_theirs(self) -> None:
        child = at_end("FROM a AS x\nARG A=1\nFROM x\n")
        assert (dict(child.variables), child.arguments) == ({"A": "1"}, ())
        assert at_end("FROM a AS x\nARG A=1\nFROM b\n").variables == {}

    def test_may_use_each_other(self) -> None:
        assert at_end("FROM a\nARG A=1\nARG B=$A.2\n").variables == {"A": "1", "B": "1.2"}

    def test_of_one_instruction_see_each_other_or_not_depending_on_the_builder(self) -> None:
        assert at_end("FROM a\nARG A=1\nARG A=2 B=$A C=c\n").variables == {"A": "2", "C": "c"}


class TestVariables:
    def test_the_later_of_arg_and_env_wins_but_env_is_what_stays(self) -> None:
        end = at_end("FROM a\nARG A=1\nENV A=2\nARG A=3\n")
        assert (dict(end.variables), dict(end.env)) == ({"A": "3"}, {"A": "2"})

    def test_an_arg_without_a_value_leaves_the_variable_alone(self) -> None:
        assert at_end("FROM a\nENV A=2\nARG A\n").variables == {"A": "2"}

    def test_all_of_one_instruction_see_the_state_before_it(self) -> None:
        assert at_end("FROM a\nENV x=hello\nENV x=bye y=$x\n").env == {"x": "bye", "y": "hello"}

    def test_the_old_form_has_one_pair(self) -> None:
        assert at_end("FROM a\nENV x a b=c\n").env == {"x": "a b=c"}

    def test_what_rests_on_the_base_image_is_unknown(self) -> None:
        end = at_end("FROM a\nENV PATH=/x:$PATH P=$PATH\nENV Q=$P R=r\n")
        assert end.env == {"PATH": None, "P": None, "Q": None, "R": "r"}
        assert end.variables == {"R": "r"}
        assert end.known("$Q") is None
        assert end.known("$R") == "r"

    def test_an_unknown_env_hides_a_known_arg(self) -> None:
        assert at_end("FROM a\nARG P=1\nENV P=$PATH\n").variables == {}
        assert at_end("FROM a\nENV P=$PATH\nARG P=1\n").variables == {"P": "1"}

    def test_a_default_for_a_name_that_the_base_image_may_set_is_unknown(self) -> None:
        assert at_end("FROM a\n").known("${HOME:-/root}") is None
        assert at_end("FROM scratch\n").known("${HOME:-/root}") == "/root"

    def test_the_base_images_variables_may_be_given(self) -> None:
        dockerfile = parse(b"FROM a\nENV PATH=/x:$PATH\n")
        end = stage_environment(dockerfile, dockerfile.stages[0], base_env={"PATH": "/bin"})
        assert end.env == {"PATH": "/x:/bin"}
        assert end.known("$PATH$OTHER") == "/x:/bin"

    def test_on_scratch_a_missing_name_is_empty(self) -> None:
        assert at_end("FROM scratch\nENV P=x$PATH\n").env == {"P": "x"}

    def test_an_argument_without_a_value_is_not_known_to_be_empty(self) -> None:
        end = at_end("FROM scratch\nARG V\nENV P=x$V\n")
        assert end.env == {"P": None}
        assert end.unknown == {"V", "P"}

    def test_the_file_escape_is_used(self) -> None:
        assert at_end("# escape=`\nFROM a\nENV A=`$x B=\\\n").env == {"A": "$x", "B": "\\"}


def test_each_instruction_has_the_state_it_meets() -> None:
    dockerfile = parse(b"FROM a\nARG A=1\nRUN x\nENV A=2\nRUN y\n")
    stage = dockerfile.stages[0]
    assert [state.variables for state in environments(dockerfile, stage)] == [
        {},
        {"A": "1"},
        {"A": "1"},
        {"A": "2"},
        {"A": "2"},
    ]
    run = stage.instructions[1]
    assert stage_environment(dockerfile, stage, at=run).variables == {"A": "1"}


def test_an_instruction_of_another_stage_is_refused() -> None:
    dockerfile = parse(b"FROM a\nRUN x\nFROM b\n")
    with pytest.raises(ValueError, match="not in the stage"):
        stage_environment(dockerfile, dockerfile.stages[1], at=dockerfile.instructions[1])


@pytest.mark.parametrize(
    ("text", "workdir"),
    [
        ("FROM a", None),
        ("FROM a\nWORKDIR app", None),
        ("FROM scratch\nWORKDIR app", "/app"),
        ("FROM a\nWORKDIR /app", "/app"),
        ("FROM a\nWORKDIR /app\nWORKDIR src/../lib", "/app/lib"),
        ("FROM a\nENV D=/srv\nWORKDIR $D/x", "/srv/x"),
        ("FROM a\nWORKDIR /a\nWORKDIR $HOME/x", None),
        ("FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y", "/x/y"),
        ("FROM a\nWORKDIR //x", "/x"),
    ],
)
def test_the_folder(text: str, workdir: str | None) -> None:
    assert at_end(text).workdir == workdir


@pytest.mark.parametrize(
    ("text", "user"),
    [("FROM a", None), ("FROM scratch", ""), ("FROM a\nARG U=node\nUSER $U", "node"), ("FROM a\nUSER $U", None)],
)
def test_the_user(text: str, user: str | None) -> None:
    assert at_end(text).user == user


def test_the_shell_lasts_until_it_is_changed_and_passes_to_children() -> None:
    text = 'FROM a AS b\nSHELL ["/bin/bash", "-c"]\nARG x\nENV y=z\nFROM b\n'
    assert at_end(text).shell == ("/bin/bash", "-c")
    assert at_end("FROM a\nSHELL bash\n").shell == ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ENV a=b c='d e'", [("a", "b"), ("c", "'d e'")]),
        ("ENV a b c", [("a", "b c")]),
        ("ENV a", []),
        ("LABEL a=b c", [("a", "b")]),
        ("ARG a b= c=d=e", [("a", None), ("b", ""), ("c", "d=e")]),
    ],
)
def test_pairs(line: str, expected: list[tuple[str, str | None]]) -> None:
    (instruction,) = parse(line.encode()).instructions
    assert [(pair.name, pair.value) for pair in pairs(instruction)] == expected
