"""Each rule's own examples: what it calls bad must fire, what it calls good or tricky must not."""

from datetime import date
from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Dockerfile
from imageopt.evidence import causes
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.masking import masked
from imageopt.project.read import read_project
from imageopt.rewrite.worth import ORDER
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Example, Rule

RULES = load_rules()
CASES = [(rule, example, number) for rule in RULES for number, example in enumerate(rule.examples, 1)]
NOW = date(2026, 6, 1)


@pytest.mark.parametrize(("rule", "example", "number"), CASES, ids=[f"{r.name}-{n}-{e.kind}" for r, e, n in CASES])
def test_it_fires_on_bad_examples_only(rule: Rule, example: Example, number: int, tmp_path: Path) -> None:
    rules = [switched_on(each) if each is rule else each for each in RULES]
    findings = check(evidence(example, tmp_path), rules, now=NOW)
    found = [finding.rule for finding in findings]
    assert (rule.name in found) == (example.kind == "bad"), f"{found}: {example.note}"
    for finding in findings:  # a report hides what looks like a secret's value: no word of a message may
        assert masked(finding.message) == finding.message


def switched_on(rule: Rule) -> Rule:
    """The rule as it is where a configuration asks for it."""
    return replace(rule, severity="info") if rule.severity == "off" else rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_it_says_what_why_and_what_to_do(rule: Rule) -> None:
    for text in (rule.title, rule.message, rule.what, rule.why, rule.better, rule.when_not, rule.fix.text):
        assert len(text) > 6
    kinds = [example.kind for example in rule.examples]
    assert "bad" in kinds
    assert kinds.count("bad") <= len(kinds) - kinds.count("bad")
    assert rule.fix.transform is None or rule.fix.transform in ORDER


def test_each_cause_is_a_rule() -> None:
    assert {rule.name for rule in RULES} >= causes.ALL


def evidence(example: Example, folder: Path) -> Evidence:
    """The example's Dockerfile, with its project and its image where it has one."""
    text = f"{example.dockerfile}\n".encode()
    project = None
    if example.files:
        for name, content in {**example.files, "Dockerfile": text.decode()}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        project = read_project(folder)
    dockerfile = parse(text)
    return join(_image(example, dockerfile) if example.leaves else None, dockerfile, project)


def _image(example: Example, dockerfile: Dockerfile) -> Image:
    """One layer for the base image and one for each RUN, COPY and ADD of the last stage."""
    stage = dockerfile.stages[-1]
    makers = [item for item in stage.instructions if item.keyword in ("RUN", "COPY", "ADD")]
    layer = {stage.from_instruction.line: 0} | {item.line: number for number, item in enumerate(makers, 1)}
    files = [
        record(left.path, left.bytes, layer[left.line], left.fate, layer[left.until] if left.until else None)._replace(
            checksum=left.content.encode()
        )
        for left in example.leaves
    ]
    texts = [
        f"RUN /bin/sh -c {item.arguments} # buildkit"
        if item.keyword == "RUN"
        else f"{item.keyword} {item.arguments} # buildkit"
        for item in makers
    ]
    return image(["base", *texts], files)
