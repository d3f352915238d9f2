"""Everything is removed, whatever happens, and a second Ctrl-C does not cut it short."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from imageopt.build.cleaning import LABEL, CleanUp, cleaning, new_run_id
from imageopt.build.temporary import left_by_dead_runs
from imageopt.verify import cleanup
from imageopt.verify.cleanup import (
    is_of_living_run,
    remove_labelled,
    remove_leftovers,
)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_the_last_registered_is_undone_first_and_a_failure_stops_nothing() -> None:
    done: list[str] = []

    def fails() -> None:
        done.append("fails")
        raise OSError

    with cleaning("1-a") as stack:
        stack.add(lambda: done.append("first"))
        stack.add(fails)
        stack.add(lambda: done.append("last"))
        assert done == []
        assert stack.labels == {LABEL: "1-a"}
    assert done == ["last", "fails", "first"]


def test_it_is_undone_after_an_error_too() -> None:
    done: list[str] = []

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(lambda: done.append("undone"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 (any will do)
        work()
    assert done == ["undone"]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_and_the_next_ones_are_ignored(number: signal.Signals) -> None:
    done: list[str] = []
    # whoever started the tests may ignore some of them
    before = {each: signal.signal(each, signal.default_int_handler) for each in SIGNALS}

    def undo() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("undone")

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(undo)
            os.kill(os.getpid(), number)
            done.append("not reached")

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["undone"]
        assert {signal.getsignal(each) for each in SIGNALS} == {signal.default_int_handler}
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with cleaning("1-a"):
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_the_handlers_are_left_alone() -> None:
    done: list[str] = []

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(lambda: done.append("undone"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["undone"]


def test_run_ids_are_unlike_and_name_their_process() -> None:
    assert new_run_id() != new_run_id()
    assert new_run_id().startswith(f"{os.getpid()}-")
    assert CleanUp("7-x").labels == {LABEL: "7-x"}


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
