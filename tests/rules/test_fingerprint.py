"""A finding is known again when what is around it has changed, and two findings are never one."""

from datetime import date

import pytest
from evidence.small_images import image, record

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

RULES = load_rules()
FILE = "FROM debian:12\nUSER 1\nRUN apt-get update && \\\n    apt-get install -y git\n"


def prints(text: str, name: str = "Dockerfile") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    evidence = join(None, parse(text.encode()), None, dockerfile_path=name)
    for finding in check(evidence, RULES, now=date(2026, 3, 1)):
        found.setdefault(finding.rule, []).append(finding.fingerprint)
    return found


@pytest.mark.parametrize(
    "other",
    [
        FILE.replace("USER 1\n", "USER 1\n\n# a comment\n\n"),
        FILE.replace("&& \\\n    apt", "&&   apt"),
        FILE.replace("USER 1\n", "USER 1\nRUN true\n"),
        FILE.replace("\n", "\r\n"),
    ],
)
def test_it_is_the_same_when_the_finding_moves(other: str) -> None:
    before = prints(FILE)
    after = prints(other)
    assert before["apt-lists-left"] == after["apt-lists-left"]
    assert before["apt-recommends"] == after["apt-recommends"]


@pytest.mark.parametrize("other", [FILE.replace("git", "curl"), FILE.replace("RUN", "RUN --network=none")])
def test_it_is_another_when_the_instruction_is(other: str) -> None:
    assert prints(FILE)["apt-lists-left"] != prints(other)["apt-lists-left"]


def test_it_is_another_in_another_file() -> None:
    assert prints(FILE)["apt-lists-left"] != prints(FILE, "web/Dockerfile")["apt-lists-left"]


def test_equal_instructions_are_told_apart_by_their_order() -> None:
    twice = prints(FILE + "RUN apt-get update && apt-get install -y git\n")["apt-lists-left"]
    assert len(set(twice)) == 2
    assert prints(FILE)["apt-lists-left"] == [twice[0]]


def test_all_findings_of_a_file_differ() -> None:
    every = [
        one
        for found in prints("FROM node\nENV A_TOKEN=npm_0a1b2c B_TOKEN=npm_3d4e5f\n" + FILE).values()
        for one in found
    ]
    assert len(set(every)) == len(every) > 4
    assert all(len(one) == 64 for one in every)


def test_no_size_is_in_it() -> None:
    def of(size: int) -> list[str]:
        built = image(["base", "RUN /bin/sh -c npm ci"], [record("root/.npm/_cacache/a", size, 1)], user="node")
        return [finding.fingerprint for finding in check(join(built, None, None), RULES, now=date(2026, 3, 1))]

    assert of(500_000) == of(900_000) != []
