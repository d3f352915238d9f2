"""Data flows one way: a package imports only from packages above it in docs/architecture.md, and the ground floor."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import imageopt

ROOT = Path(imageopt.__file__).parent
GROUND = (
    "errors",
    "units",
    "instant",
    "later",
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
         "gate", "init", "report", "gitlab", "explore", "remembered", "targets", "proposals", "comparison", "api", "cli", "__main__")  # fmt: skip
MODULES = sorted(ROOT.rglob("*.py"))
HEAVY = {"docker", "textual", "gitlab", "jinja2", "rich", "requests", "tomlkit", "sqlite3", "urllib3"}
SCREENS = {ROOT / "explore" / "app.py"}  # made of what is heavy, and imported by its command alone
LONGEST = 400  # lines: past that a module is two things


class Module(NamedTuple):
    """What a module says of itself, and the dotted names that it imports, those for type checkers aside."""

    says: bool
    at_its_top: tuple[str, ...]
    anywhere: tuple[str, ...]


@cache
def read(path: Path) -> Module:
    tree = ast.parse(path.read_text("utf-8"))
    found: dict[bool, list[str]] = {True: [], False: []}
    pending: list[tuple[ast.AST, bool]] = [(node, True) for node in tree.body]
    while pending:
        node, top = pending.pop()
        if isinstance(node, ast.Import):
            found[top] += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found[top].append(node.module)
        elif isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)) and not (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            pending += [(inner, False) for inner in ast.iter_child_nodes(node) if not isinstance(inner, ast.expr)]
    says = not tree.body or ast.get_docstring(tree) is not None
    return Module(says, tuple(found[True]), (*found[True], *found[False]))


def rank(part: str) -> int:
    return -1 if part in GROUND else ORDER.index(part)


def test_imports_point_upwards() -> None:
    wrong = []
    for path in MODULES:
        own = path.relative_to(ROOT).with_suffix("").parts[0]
        if own == "__init__":
            continue  # the public names, loaded on first use
        for name in read(path).anywhere:
            first, _, rest = name.partition(".")
            if first == "imageopt" and rest and rank(rest.partition(".")[0]) > rank(own):
                wrong.append(f"{path.relative_to(ROOT)} must not import {name}")
    assert not wrong


def test_heavy_modules_are_imported_where_they_are_used() -> None:
    wrong = {
        path.relative_to(ROOT): heavy
        for path in MODULES
        if path not in SCREENS
        if (heavy := {name.partition(".")[0] for name in read(path).at_its_top} & HEAVY)
    }
    assert not wrong


def test_a_module_says_what_it_is() -> None:
    assert not [path.relative_to(ROOT) for path in MODULES if not read(path).says]


def test_a_module_stays_short() -> None:
    lines = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert not {path: count for path, count in lines.items() if count > LONGEST}


def test_only_one_module_starts_programs() -> None:
    assert [path.name for path in MODULES if "subprocess" in read(path).anywhere] == ["process.py"]
