"""Where a finding points: line and column of the word that matters, in characters, from 1."""

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import check
from imageopt.rules.finding import Span, location
from imageopt.rules.load import load_rules
from imageopt.rules.model import Location

RULES = {rule.name: rule for rule in load_rules()}

# The word that matters stands between » and «, which are taken out before the file is read.
PLACES = [
    ("the command", "apt-lists-left", "FROM debian:12\nRUN set -e; »apt-get update« && apt-get install -y x\n"),
    ("a command further down", "apt-lists-left", "FROM debian:12\nRUN true && \\\n    »apt-get update«\n"),
    ("behind a comment", "apt-lists-left", "FROM debian:12\nRUN true && \\\n# why\n  »apt-get update«\n"),
    ("a tab is a character", "apt-lists-left", "FROM debian:12\nRUN true;\t»apt-get update«\n"),
    ("so is an umlaut", "apt-lists-left", "FROM debian:12\nRUN echo äöü😀 && »apt-get update«\n"),
    ("in a heredoc", "apt-lists-left", "FROM debian:12\nRUN <<EOF\nset -e\n  »apt-get update«\nEOF\n"),
    ("Windows line ends", "apt-lists-left", "FROM debian:12\r\nRUN true && \\\r\n  »apt-get update«\r\n"),
    ("the variable", "secret-in-arg-or-env", "FROM node:22-slim\nENV A=b \\\n    »NPM_TOKEN«=npm_0a1b2c3d4e5f\n"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "marked"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_a_finding_points_at_the_word_that_matters(rule: str, marked: str) -> None:
    before, word, _ = marked.replace("«", "»").split("»")
    text = marked.replace("»", "").replace("«", "")
    (found,) = check(join(None, parse(text.encode()), None), [RULES[rule]])
    assert found.location is not None
    assert slice_of(text, found.location)[: len(word)] == word
    place = (found.location.line, found.location.column)
    assert place == (before.count("\n") + 1, len(before) - before.rfind("\n"))


def test_a_byte_order_mark_is_no_column() -> None:
    dockerfile = parse(b"\xef\xbb\xbfFROM a\n")
    evidence = join(None, dockerfile, None)
    (instruction,) = dockerfile.instructions
    assert location(evidence, instruction, instruction.words[0]) == Location("Dockerfile", 1, 6, 1, 7)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("FROM a\n", (1, 1, 1, 7)),
        ("FROM a", (1, 1, 1, 7)),
        ("  FROM a  \n", (1, 3, 1, 9)),
        ("FROM \\\n  a\r\n", (1, 1, 2, 4)),
    ],
)
def test_an_instruction_is_its_text_without_what_is_around_it(text: str, place: tuple[int, int, int, int]) -> None:
    dockerfile = parse(text.encode())
    (instruction,) = dockerfile.instructions
    for spot in (None, instruction):
        assert location(join(None, dockerfile, None), instruction, spot) == Location("Dockerfile", *place)


def test_a_spot_may_end_lines_below() -> None:
    dockerfile = parse(b"FROM a\nRUN x \\\n y\n")
    spot = Span(11, 17)
    assert location(join(None, dockerfile, None), dockerfile.instructions[1], spot) == Location(
        "Dockerfile", 2, 5, 3, 3
    )


def slice_of(text: str, place: Location) -> str:
    """What stands between the first and the last column."""
    lines = text.split("\n")
    assert place.end_column is not None
    if place.line == place.end_line:
        return lines[place.line - 1][place.column - 1 : place.end_column - 1]
    inner = lines[place.line : place.end_line - 1]
    first, last = lines[place.line - 1][place.column - 1 :], lines[place.end_line - 1][: place.end_column - 1]
    return "\n".join((first, *inner, last))
