"""What holds for every Dockerfile, whatever its bytes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.shell import run_commands

LINES = ["FROM a\n", "FROM a AS b\n", "ARG x=${y:-z}\n", "# c\n", "# escape=`\n", "\n", "EOF\n", "\tE\n", "{{ x }}\n"]
WORDS = ["RUN ", "COPY ", "ENV a=b ", "ONBUILD ", "HEALTHCHECK CMD ", "<<EOF", "<<-'E'", '["a", "b"]', "--x=y ", "-- "]
MARKS = ["\r\n", "\r", "\\\n", "`\n", " ", "\t", '"', "'", "\\", "$x", "${x:-", "}", "[", "\0", "\ufeff", "é", "\u3000"]
FRAGMENTS = st.sampled_from([*LINES, *WORDS, *MARKS])
BYTES = st.binary(max_size=60) | st.lists(FRAGMENTS, max_size=14).map(lambda parts: "".join(parts).encode())


@given(BYTES)
def test_render_gives_the_same_bytes(data: bytes) -> None:
    assert parse(data).render() == data


@given(BYTES)
def test_nodes_cover_the_text_without_gap_or_overlap(data: bytes) -> None:
    dockerfile = parse(data)
    assert all(left.end == right.start for left, right in pairwise(dockerfile.nodes))
    assert "".join(dockerfile.text[node.start : node.end] for node in dockerfile.nodes) == dockerfile.text


@given(BYTES)
def test_arguments_and_words_can_be_found_in_the_text(data: bytes) -> None:
    dockerfile = parse(data)
    for instruction in dockerfile.instructions:
        located = "".join(dockerfile.text[instruction.locate(at)] for at in range(len(instruction.arguments)))
        assert located == instruction.arguments
        for word in instruction.words:
            assert instruction.start <= word.start < word.end <= instruction.end
            assert dockerfile.text[word.start] == word.raw[0]
            assert dockerfile.text[word.end - 1] == word.raw[-1]
        assert instruction.is_bare == (not instruction.words)
        for heredoc in instruction.heredocs:
            assert dockerfile.text[heredoc.start : heredoc.end] == heredoc.body


@given(BYTES)
def test_every_instruction_is_in_the_stage_it_says(data: bytes) -> None:
    dockerfile = parse(data)
    for stage in dockerfile.stages:
        assert {dockerfile.stage_of(i) for i in (stage.from_instruction, *stage.instructions)} == {stage}
        assert len(list(environments(dockerfile, stage))) == len(stage.instructions) + 1


@given(BYTES)
def test_commands_lie_within_their_instruction(data: bytes) -> None:
    for instruction in parse(data).instructions:
        for command in run_commands(instruction):
            assert instruction.start <= command.start <= command.end <= instruction.end


@given(BYTES)
def test_lines_agree_with_the_text(data: bytes) -> None:
    dockerfile = parse(data)
    for instruction in dockerfile.instructions:
        assert dockerfile.text.count("\n", 0, instruction.start) + 1 == instruction.line
        assert dockerfile.text.count("\n", 0, instruction.end - 1) + 1 == instruction.end_line
