"""A rule is only asked of a Dockerfile that has one of its words: nothing may be lost by that."""

from datetime import date

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import concerned, find_check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Rule
from imageopt.rules.suppress import REPORT

RULES = [rule for rule in load_rules() if rule.check != REPORT]
WRITTEN_OTHERWISE = [
    f"{start}FROM debian:12\n{line}\n"
    for start, line in (
        ("", "RUN yum update -y"),
        ("", "RUN /usr/bin/dnf up -y"),
        ("", "RUN microdnf update"),
        ("", 'RUN ap""t-get install -y git'),
        ("", "RUN c\\d /srv"),
        ("", "RUN s\\\nudo ls"),
        ("# escape=`\n", "RUN s` \r\nudo ls"),
    )
]
DOCKERFILES = sorted({*WRITTEN_OTHERWISE, *(example.dockerfile for rule in RULES for example in rule.examples)})


def names(dockerfile: str) -> set[str]:
    return {rule.name for rule in concerned(RULES, join(None, parse(dockerfile.encode()), None))}


def test_a_rule_that_is_not_asked_would_have_found_nothing() -> None:
    lost = []
    for text in DOCKERFILES:
        evidence = join(None, parse(text.encode()), None)
        asked = {rule.name for rule in concerned(RULES, evidence)}
        for rule in RULES:
            if rule.name not in asked:
                lost += [(rule.name, text) for _ in find_check(rule)(evidence, rule, date(2030, 1, 1))]
    assert lost == []


@pytest.mark.parametrize(
    "text", ["RUN pip3 install x", 'RUN ["/usr/bin/PIP", "install", "x"]', "run python -m pip install"]
)
def test_a_word_counts_in_any_case_and_beside_digits(text: str) -> None:
    assert "pip-gem-go-cache-left" in names(f"FROM debian:12\n{text}\n")


def test_what_no_dockerfile_alone_can_tell_is_not_asked() -> None:
    assert "junk-copied" not in names("FROM debian:12\nCOPY . .\n")


def test_with_an_image_or_a_project_every_rule_is_asked() -> None:
    without: list[Rule] = concerned(RULES, join(None, None, None))
    assert without == RULES
