"""Which findings carry an edit that mends them: safe ones, each by itself, and never one that shows a secret."""

from pathlib import Path

import pytest

from imageopt.config import Config
from imageopt.dockerfile import parse
from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.model import Edit
from imageopt.evidence.join import join
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.rewrite.offers import with_edits
from imageopt.rules.check import judge
from imageopt.rules.policy import make_policy

POLICY = make_policy(Config(), Path(), examples=False)

# what is wrong, the Dockerfile, the rule, the file after its first edit (None: there is none)
OFFERS: list[tuple[str, str, str, str | None]] = [
    (
        "an instruction's word",
        "FROM node:22-slim\nADD a /b/\nUSER node\n",
        "add-instead-of-copy",
        "FROM node:22-slim\nCOPY a /b/\nUSER node\n",
    ),
    (
        "behind a byte order mark, in the first line",
        "\ufeffFROM node:22-slim as app\nUSER node\n",
        "deprecated-syntax",
        "\ufeffFROM node:22-slim AS app\nUSER node\n",
    ),
    (
        "with the line ends of Windows",
        "FROM node:22-slim\r\nUSER node\r\nCMD node server.js\r\n",
        "shell-form-cmd",
        'FROM node:22-slim\r\nUSER node\r\nCMD ["node", "server.js"]\r\n',
    ),
    ("one that changes what is built", "FROM node:22\nCMD [\"node\", 'a']\n", "invalid-json-form", None),
    (
        "a secret in the instruction",
        "FROM node:22\nENV NPM_TOKEN npm_0a1b2c3d4e5f6a7b8c9d0e\n",
        "deprecated-syntax",
        None,
    ),
    ("one for a person", 'FROM node:22-slim\nCMD ["node"]\n', "runs-as-root", None),
]


@pytest.mark.parametrize(("text", "rule", "after"), [row[1:] for row in OFFERS], ids=[row[0] for row in OFFERS])
def test_offers(text: str, rule: str, after: str | None) -> None:
    tree = parse(text.encode())
    evidence = join(None, tree, None, dockerfile_path="Dockerfile")
    found = with_edits(evidence, judge(evidence, POLICY.rules).findings, POLICY.rules)
    edits = [finding.fix.edits for finding in found if finding.rule == rule]
    if after is None:
        assert not any(edits)
        return
    made = [
        Edit(tree.offset(edit.line, edit.column), tree.offset(edit.end_line, edit.end_column), edit.text)
        for edit in edits[0]
    ]
    assert apply(tree.text, made) == after


def test_without_a_dockerfile_nothing_is_offered() -> None:
    nothing = Evidence(None, None, "Dockerfile", None, BaseImage(None, "unknown", None), (), (), ())
    assert with_edits(nothing, (), POLICY.rules) == ()


def test_places_and_offsets_are_one_another_s_inverse() -> None:
    tree = parse("\ufeffFROM a\r\nRUN é \\\n  b\n".encode())
    for offset in range(1, len(tree.text)):
        assert tree.offset(*tree.position(offset)) == offset
