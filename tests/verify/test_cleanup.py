"""What dead runs left is found and removed; what belongs to a living one stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from docker.errors import NotFound

from imageopt.build.cleaning import LABEL, new_run_id
from imageopt.build.temporary import left_by_dead_runs
from imageopt.verify import cleanup
from imageopt.verify.cleanup import (
    is_of_dead_run_here,
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


def test_only_what_was_started_here_is_known_to_be_dead(dead: int) -> None:
    """Two jobs of a runner share an engine, and each counts its processes from one."""
    mine = new_run_id()
    gone = "-".join((str(dead), *mine.split("-")[1:]))
    assert is_of_dead_run_here(gone)
    assert not is_of_dead_run_here(mine)
    assert not is_of_dead_run_here(f"{dead}-00000000-aaaaaaaa")
    assert not is_of_dead_run_here(f"{dead}-aaaaaaaa")
    assert not is_of_living_run(f"{dead}-00000000-aaaaaaaa")  # `imageopt clean` is told to


def test_what_another_run_has_just_removed_does_not_end_the_work() -> None:
    client = MagicMock()
    client.api.containers.return_value = [{"Id": "a", "Names": ["/one"], "Labels": {LABEL: "1-x"}}]
    client.api.networks.return_value = [{"Name": "two", "Labels": {LABEL: "1-x"}}]
    client.api.volumes.return_value = {"Volumes": None}
    gone = {"Id": "i", "RepoTags": ["three:1"], "Labels": {LABEL: "1-x"}}
    client.api.images.side_effect = [[gone, {**gone, "RepoTags": None}, {"Id": "j", "Labels": {LABEL: "2-x"}}], []]
    client.api.remove_container.side_effect = NotFound("it is gone")
    client.api.remove_image.side_effect = [NotFound("it is gone"), None]
    assert remove_labelled(client, lambda run_id: run_id == "1-x") == ("image i", "network two")
    assert client.images.list.call_count == 0  # it asks for each image again


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
