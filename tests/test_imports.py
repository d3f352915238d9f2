"""Data flows one way: a package imports only from packages above it in docs/architecture.md, and the ground floor."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import imageopt

ROOT = Path(imageopt.__file__).parent
GROUND = (
    "errors",
    "units",
    "lazy_pattern",
    "process",
    "progress",
    "resources",
    "config",
    "folders",
    "masking",
    "toml_table",
)
ORDER = ("source", "image", "dockerfile", "project", "evidence", "rules", "rewrite", "build", "lockfile", "compare", "verify",
         "gate", "init", "report", "gitlab", "explore", "targets", "proposals", "api", "cli", "__main__")  # fmt: skip
MODULES = sorted(ROOT.rglob("*.py"))
HEAVY = {"docker", "textual", "gitlab", "jinja2", "rich", "requests", "tomlkit", "sqlite3", "urllib3"}
SCREENS = {ROOT / "explore" / "app.py"}  # made of what is heavy, and imported by its command alone
LONGEST = 400  # lines: past that a module is two things


def imports(path: Path, *, top_only: bool = False) -> Iterator[str]:
    """The dotted names that a module imports, those for type checkers aside."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in tree.body if top_only else ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module


def rank(part: str) -> int:
    return -1 if part in GROUND else ORDER.index(part)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_upwards(path: Path) -> None:
    own = path.relative_to(ROOT).with_suffix("").parts[0]
    if own == "__init__":
        return  # the public names, loaded on first use
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "imageopt" and len(parts) > 1:
            assert rank(parts[1]) <= rank(own), f"{own} must not import {name}"


@pytest.mark.parametrize("path", sorted({*MODULES} - SCREENS), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_modules_are_imported_where_they_are_used(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imports(path, top_only=True)} & HEAVY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_stays_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_only_one_module_starts_programs() -> None:
    assert [path.name for path in MODULES if "subprocess" in set(imports(path))] == ["process.py"]
