"""The patient's leftovers: bulky, the same each time, and only where they were asked for."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "sample_projects" / "agent-buildkit"


def make_leftovers(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(PROJECT / "make_leftovers.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def contents(folder: Path) -> dict[str, str]:
    """Every file's name and digest."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("folder", [PROJECT, PROJECT / "src", PROJECT / "not" / "there"])
def test_never_writes_into_the_project_itself(folder: Path) -> None:
    before = sorted(PROJECT.rglob("*"))
    answer = make_leftovers(folder)
    assert answer.returncode == 2
    assert "is the project itself" in answer.stderr
    assert sorted(PROJECT.rglob("*")) == before


@pytest.mark.slow
def test_the_same_bytes_each_time_and_a_history_that_works(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        assert make_leftovers(folder).returncode == 0
    made = contents(first)
    assert contents(second) == made
    (second / "logs" / "app-2026-01-05.log").unlink()
    assert make_leftovers(second).returncode == 0
    assert contents(second) == made, "a second run completes what is missing and touches nothing else"

    assert 110e6 < sum(path.stat().st_size for path in first.rglob("*") if path.is_file()) < 140e6
    log = subprocess.run(
        ["git", "-C", first, "log", "--format=%s"], capture_output=True, text=True, check=True, timeout=30
    )
    assert "Fetch the scheduling model at start-up" in log.stdout.splitlines()
    subprocess.run(["git", "-C", first, "fsck", "--strict"], capture_output=True, check=True, timeout=60)
    assert not (first / "make_leftovers.py").exists()


def test_the_lock_file_names_no_host_and_every_dependency() -> None:
    manifest = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    text = (PROJECT / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(text)
    assert lock["lockfileVersion"] == 3
    for kind in ("dependencies", "devDependencies"):
        assert lock["packages"][""][kind] == manifest[kind]
    assert set(re.findall(r'"resolved": "https?://([^/"]+)', text)) <= {"registry.npmjs.org"}


def test_each_runtime_dependency_is_imported_by_the_service() -> None:
    manifest = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "src").rglob("*.ts"))
    assert [name for name in manifest["dependencies"] if f"from '{name}'" not in sources] == []
