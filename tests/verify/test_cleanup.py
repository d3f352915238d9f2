"""What dead runs left is found and removed; what belongs to a living one stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from imageopt.build.cleaning import LABEL
from imageopt.build.temporary import left_by_dead_runs
from imageopt.verify import cleanup
from imageopt.verify.cleanup import (
    is_of_living_run,
    remove_labelled,
    remove_leftovers,
)


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    return process.pid


def test_a_run_lives_as_long_as_its_process(dead: int) -> None:
    assert is_of_living_run(f"{os.getpid()}-x")
    assert is_of_living_run("1-x")
    assert not is_of_living_run(f"{dead}-x")
    assert not is_of_living_run("nonsense")
    assert not is_of_living_run(f"{10**30}-x")


def test_folders_of_dead_runs_are_found(dead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    names = (f"imageopt-project-{dead}-a", f"imageopt-trivy-{os.getpid()}-b", "imageopt-notes", "other")
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / f"imageopt-project-{dead}-link").symlink_to(tmp_path / "other")
    (tmp_path / f"imageopt-project-{dead}-file").touch()
    assert list(left_by_dead_runs()) == [tmp_path / names[0]]


@pytest.mark.engine
def test_containers_are_removed_by_their_run_and_others_stay(engine: str, dead: int) -> None:
    from imageopt.source.engine import connect

    gone, here = f"{dead}-0000test", f"{os.getpid()}-0000test"
    client = connect()
    try:
        for run_id in (gone, here):
            client.containers.create("node:20-alpine", name=f"imageopt-{run_id}", labels={LABEL: run_id})
        # the engine may be shared: nothing but this test's own is asked for
        removed = remove_labelled(client, lambda run_id: run_id in (gone, here) and not is_of_living_run(run_id))
        assert removed == (f"container imageopt-{gone}",)
    finally:
        assert remove_labelled(client, lambda run_id: run_id == here) == (f"container imageopt-{here}",)
        client.close()


def test_leftovers_are_what_the_engine_and_the_temporary_folder_hold(
    dead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    folder = tmp_path / f"imageopt-project-{dead}-a"
    folder.mkdir()

    def list_nothing(_client: object, _wanted: object) -> tuple[str, ...]:
        return ("image x",)

    monkeypatch.setattr(cleanup, "remove_labelled", list_nothing)
    assert remove_leftovers(MagicMock()) == (f"folder {folder}", "image x")
    assert not folder.exists()
