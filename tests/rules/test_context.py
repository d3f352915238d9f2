"""What the build context sends, and where a finding about it points."""

from pathlib import Path

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.project.read import read_project
from imageopt.rewrite.fix import fix
from imageopt.rules.check import check
from imageopt.rules.checks.context import lives_on_the_contexts_packages
from imageopt.rules.load import load_rules


def test_a_weak_ignore_file_is_named_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:20\nCOPY . /app\n")
    (tmp_path / ".dockerignore").write_text("dist\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    project = read_project(tmp_path)
    evidence = join(None, parse((tmp_path / "Dockerfile").read_bytes()), project)
    rules = [rule for rule in load_rules() if rule.name == "dockerignore-missing-or-weak"]
    (found,) = check(evidence, rules)
    assert found.location is not None
    assert (found.location.file, found.location.line) == (".dockerignore", 1)
    assert found.message == ".dockerignore lets through what no image needs: .git."


def test_a_pattern_that_no_build_takes_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:22-slim\nUSER node\n")
    (tmp_path / ".dockerignore").write_text("dist\n\n![a-\n")
    evidence = join(None, parse((tmp_path / "Dockerfile").read_bytes()), read_project(tmp_path))
    (found,) = [found for found in check(evidence, load_rules()) if found.severity == "error"]
    assert found.location is not None
    assert (found.rule, found.location.file, found.location.line) == ("parse-error", ".dockerignore", 3)
    assert found.message == "'![a-' is not a pattern."


@pytest.mark.parametrize(
    ("dockerfile", "needed"),
    [
        ('FROM node:24-slim\nCOPY . .\nCMD ["node", "a.js"]\n', True),  # a job of the pipeline installed them
        ("FROM example.org/base:1\nCOPY . .\nCMD npx next start\n", True),
        ("FROM node:24-slim\nCOPY . .\nRUN npm ci\n", False),
        ("FROM node:24-slim AS deps\nRUN yarn install\nFROM node:24-slim\nCOPY --from=deps /a /b\nCOPY . .\n", False),
        ("FROM php:8.4-fpm\nCOPY . .\n", False),
        ("FROM nginx:1\nCOPY . /usr/share/nginx/html\n", False),
    ],
)
def test_whether_the_context_s_packages_are_the_image_s(dockerfile: str, *, needed: bool) -> None:
    assert lives_on_the_contexts_packages(parse(dockerfile.encode())) is needed


def test_packages_that_nothing_installs_are_left_in_the_context(tmp_path: Path) -> None:
    text = 'FROM node:24-slim\nWORKDIR /app\nCOPY . .\nUSER node\nCMD ["node", "a.js"]\n'
    for name in ("package.json", "node_modules/a/package.json", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "Dockerfile").write_text(text)
    evidence = join(None, parse(text.encode()), read_project(tmp_path))
    rules = load_rules()
    (change,) = fix(evidence, check(evidence, rules), rules).changes
    assert change.path == ".dockerignore"
    assert b".git\n" in change.after
    assert b"node_modules" not in change.after
