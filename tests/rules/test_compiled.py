"""What is kept of the rule files: the same rules, and never those of files that were changed since."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imageopt.resources import data_folder
from imageopt.rules.compiled import compiled
from imageopt.rules.load import load_rules
from imageopt.rules.model import Rule

RULES = load_rules(examples=False)


def unread() -> tuple[Rule, ...]:
    raise AssertionError("the files were read again")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    shutil.copytree(data_folder("rules"), tmp_path / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "rules"


def test_the_second_time_no_rule_file_is_read(folder: Path) -> None:
    assert compiled(folder, lambda: RULES) == RULES
    assert compiled(folder, unread) == RULES


def test_another_version_reads_them_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(folder, lambda: RULES)
    monkeypatch.setattr("imageopt.rules.compiled.__version__", "0.0.0")
    assert compiled(folder, lambda: RULES[:1]) == RULES[:1]


def added(folder: Path) -> None:
    (folder / "size" / "more.toml").write_text("")


def removed(folder: Path) -> None:
    next(folder.rglob("*.toml")).unlink()


def grown(folder: Path) -> None:
    with next(folder.rglob("*.toml")).open("a") as file:
        file.write("\n")


def written_again(folder: Path) -> None:
    os.utime(next(folder.rglob("*.toml")), (1, 1))


def damaged(folder: Path) -> None:
    kept(folder).write_bytes(kept(folder).read_bytes()[:1000])


def of_something_else(folder: Path) -> None:
    kept(folder).write_bytes(b"i\x01\x00\x00\x00")


def kept(folder: Path) -> Path:
    return next((folder / "__pycache__").iterdir())


@pytest.mark.parametrize("change", [added, removed, grown, written_again, damaged, of_something_else])
def test_after_any_change_the_files_are_read_again(folder: Path, change: Callable[[Path], None]) -> None:
    compiled(folder, lambda: RULES)
    change(folder)
    assert compiled(folder, lambda: RULES[:1]) == RULES[:1]
    assert compiled(folder, unread) == RULES[:1]


def test_nothing_is_kept_where_python_is_to_write_no_bytecode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled(folder, lambda: RULES) == RULES
    assert not (folder / "__pycache__").exists()


def test_where_it_cannot_be_kept_the_rules_are_read(folder: Path) -> None:
    (folder / "__pycache__").write_text("a file in the way")
    assert compiled(folder, lambda: RULES) == RULES
