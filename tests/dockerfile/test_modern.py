"""Dockerfiles as people write them today, by hand, each for one thing: BuildKit's parser and ours must agree.

`%% name` begins one in `modern.txt`; `[crlf]`, `[bom]` and `[cut]` (no line end at the end) say what is done to it.
"""

import re
from pathlib import Path

import pytest
from buildkitparser import differ_on_purpose, ours, theirs

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.shell import run_commands

PIECES = re.split(r"^%% (.+)\n", Path(__file__).with_name("modern.txt").read_text("utf-8"), flags=re.MULTILINE)[1:]


def prepared(name: str, text: str) -> str:
    marks = re.findall(r"\w+", " ".join(re.findall(r"\[([a-z ]+)\]", name)))
    text = text.removesuffix("\n") if "cut" in marks else text
    text = text.replace("\n", "\r\n") if "crlf" in marks else text
    return f"\ufeff{text}" if "bom" in marks else text


FILES = {name: prepared(name, text) for name, text in zip(PIECES[::2], PIECES[1::2], strict=True)}

COMPARED = [name for name, text in FILES.items() if not differ_on_purpose(text)]


def test_there_are_two_hundred_of_them() -> None:
    assert len(FILES) == len(PIECES) // 2
    assert len(COMPARED) >= 200


@pytest.mark.oracle
@pytest.mark.parametrize("name", COMPARED)
def test_buildkit_reads_the_same(name: str) -> None:
    assert ours(FILES[name]) == theirs(FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_it_is_read_without_loss_and_understood_to_the_end(name: str) -> None:
    data = FILES[name].encode()
    dockerfile = parse(data)
    assert dockerfile.render() == data
    for stage in dockerfile.stages:
        assert len(list(environments(dockerfile, stage))) == len(stage.instructions) + 1
    for instruction in dockerfile.instructions:
        for command in run_commands(instruction):
            assert instruction.start <= command.start <= command.end <= instruction.end
