"""Which paths of the project go into `.dockerignore` because the image shows that nothing needs them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from evidence.small_images import image, record

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.project.read import read_project
from imageopt.rewrite.junk import junk_paths
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

DOCKERFILE = b'FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nCMD ["node", "main.js"]\n'
HISTORY = ["ADD rootfs.tar / # buildkit", "WORKDIR /app", "COPY . . # buildkit"]


def evidence_of(root: Path, paths: Sequence[str]) -> Evidence:
    """A project with these files, and the image that `COPY . .` makes of it."""
    (root / "Dockerfile").write_bytes(DOCKERFILE)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x" * 1000)
    files = [record(f"app/{path}", 1000, 2) for path in paths]
    return join(image(HISTORY, files), parse(DOCKERFILE), read_project(root))


@pytest.mark.parametrize(
    ("paths", "needed", "expected"),
    [
        (["main.js", "docs/a.md", "docs/b.md"], [], ["docs"]),
        (["main.js", "db/dumps/a.sql.gz", "db/migrations/1.sql"], [], ["db/dumps"]),
        (["main.js", "logs/a.log", "logs/b.log"], [], ["logs"]),
        (["main.js", "app.log", "lib/deep/notes.md", "lib/x.js"], [], ["app.log", "lib/deep"]),
        (["main.js", "docs/a.md", "docs/served.md"], ["docs/served.md"], ["docs/a.md"]),
        (["main.js", "docs/a.md"], ["docs"], []),
        (["main.js"], [], []),
    ],
    ids=["a folder as a whole", "not what lies beside it", "logs", "single files", "one of them is needed",
         "the folder is needed", "nothing useless"],
)  # fmt: skip
def test_names_the_highest_folder_that_is_all_useless(
    tmp_path: Path, paths: list[str], needed: list[str], expected: list[str]
) -> None:
    evidence = evidence_of(tmp_path, paths)
    assert list(junk_paths(evidence, check(evidence, load_rules()), needed)) == expected


def test_without_an_image_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(DOCKERFILE)
    evidence = join(None, parse(DOCKERFILE), read_project(tmp_path))
    assert junk_paths(evidence, check(evidence, load_rules()), []) == ()


def test_what_is_no_longer_in_the_project_is_not_named(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, ["main.js", "docs/a.md"])
    (tmp_path / "docs" / "a.md").unlink()
    (tmp_path / "docs").rmdir()
    assert junk_paths(evidence, check(evidence, load_rules()), []) == ()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('import start from "../docs/a.md?raw";', ["docs/b.md"]),
        ("const pages = import.meta.glob('../docs/a*.md');", []),
        ("const pages = `../docs/${name}.md`;", []),
        ("const docs = '../docs';", ["docs"]),
        ("import '../../docs/a.md';", ["docs"]),
    ],
    ids=[
        "one file",
        "all that fit a pattern",
        "a computed name",
        "a folder alone tells too little",
        "out of the project",
    ],
)
def test_what_a_bundler_takes_in_by_its_path_is_no_junk(tmp_path: Path, source: str, expected: list[str]) -> None:
    evidence = evidence_of(tmp_path, ["src/main.js", "docs/a.md", "docs/b.md"])
    (tmp_path / "src" / "main.js").write_text(source)
    assert list(junk_paths(evidence, check(evidence, load_rules()), [])) == expected
