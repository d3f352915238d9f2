"""What the build context sends, and where a finding about it points."""

from pathlib import Path

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.project.read import read_project
from imageopt.rules.check import check
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
