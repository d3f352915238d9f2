"""A rewrite that is broken off at any of its steps: the machine stops, the disk is full, the folder is read-only.

Each step is a call that changes something on disk. The process is killed in the middle of it (of what it writes, half is
written) or just after it; or the call fails as the system lets it fail.
"""

import errno
import itertools
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageopt.errors import InputError
from imageopt.rewrite.apply import apply, recover, undo
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.rewrite.undo import newest, state_folder

pytestmark = pytest.mark.slow  # whole processes, or a whole screen

STEPS = ("open", "write", "fsync", "fchmod", "replace", "rename", "unlink")
BEFORE = b"FROM a\r\n\xff"
CHANGES = (FileChange("Dockerfile", BEFORE, b"FROM b\n"), FileChange(".dockerignore", None, b"node_modules\n"))
PROPOSED = Rewrite("proposed", CHANGES, (), (), None, "unknown", ())
Contents = dict[str, tuple[bytes, int]]
OLD: Contents = {"Dockerfile": (BEFORE, 0o754)}
NEW: Contents = {"Dockerfile": (b"FROM b\n", 0o754), ".dockerignore": (b"node_modules\n", 0o644)}


def fresh(folder: Path) -> Path:
    """A project, and a state folder that is empty, both in the folder."""
    root = folder / "project"
    root.mkdir(parents=True)
    (root / "Dockerfile").write_bytes(BEFORE)
    (root / "Dockerfile").chmod(0o754)
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    return root


def apply_it(root: Path) -> object:
    return apply(root, PROPOSED)


def project_files(root: Path) -> Contents:
    """The contents without a spare file that could not be deleted."""
    return {name: found for name, found in contents(root).items() if not name.startswith(".imageopt-")}


def contents(root: Path) -> Contents:
    return {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in root.iterdir()}


def fault(step: int, act: Callable[[Callable[..., Any], tuple[Any, ...]], Any]) -> dict[str, Callable[..., Any]]:
    """The steps of `os`, of which the one with this number (of all, in the order they are called) is given to `act`."""
    count = itertools.count()

    def faulty(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if real is os_open and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)  # it changes nothing
            return act(real, arguments) if next(count) == step else real(*arguments, **options)

        return call

    os_open = os.open
    return {name: faulty(getattr(os, name)) for name in STEPS}


def kill(real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        if real.__name__ == "write":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        else:
            real(*arguments)
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


def without_waiting(fd: object) -> None:
    """In place of os.fsync: a process that is killed leaves to the system what it wrote."""


def until_it_ends(run: Callable[[Path], object], root: Path, step: int) -> bool:
    """Whether `run`, in a process of its own with a fault at the step, came to its end without being killed."""
    child = os.fork()
    if child == 0:
        try:
            for name, replacement in fault(step, kill).items():
                setattr(os, name, replacement)
            run(root)
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code == 0


def killed_everywhere(folder: Path) -> None:
    """Runs in a process of its own, which has one thread, so that it may fork."""
    os.umask(0o022)
    os.fsync = without_waiting
    os.environ["PATH"] = ""
    for step in itertools.count():
        root = fresh(folder / f"apply-{step}")
        ended = until_it_ends(apply_it, root, step)
        for name, found in project_files(root).items():  # each is the old one or the new one, whole
            assert found in (OLD.get(name), NEW.get(name)), (step, name)
        if newest(root) is not None:
            undo(root)
        assert contents(root) == OLD, step
        if ended:
            break
        apply(root, PROPOSED)
        assert contents(root) == NEW, step
        undo(root)
        assert contents(root) == OLD, step
    assert step > 12
    for step in itertools.count():
        root = fresh(folder / f"recover-{step}")
        ended = until_it_ends(apply_it, root, step)
        recover(root)
        assert contents(root) == (OLD if newest(root) is None else NEW), step
        if ended:
            break
    for step in itertools.count():
        root = fresh(folder / f"undo-{step}")
        apply(root, PROPOSED)
        ended = until_it_ends(undo, root, step)
        if newest(root) is not None:
            undo(root)
        assert contents(root) == OLD, step
        if ended:
            break
        apply(root, PROPOSED)
        assert contents(root) == NEW, step
    assert step > 8


@pytest.mark.slow
def test_a_killed_apply_or_undo_is_taken_back_to_the_byte(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; import test_broken_off as t; t.killed_everywhere(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # and back again, for `fresh` sets it
    monkeypatch.setenv("PATH", "")  # no git: only the steps of this process are counted
    monkeypatch.setattr(os, "fsync", without_waiting)
    return tmp_path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize(("action", "old", "new"), [(apply_it, OLD, NEW), (undo, NEW, OLD)], ids=["apply", "undo"])
def test_a_step_that_fails_leaves_everything_as_it_was(
    state: Path, action: Callable[[Path], object], old: Contents, new: Contents, number: int
) -> None:
    failed_at: list[int] = []

    def fail(real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        failed_at.append(step)
        if real.__name__ == "write":
            real(arguments[0], arguments[1][:3])
        raise OSError(number, os.strerror(number))

    refusals = 0
    for step in itertools.count():
        root = fresh(state / str(step))
        if old is NEW:
            apply(root, PROPOSED)
        cause = caught(action, root, fault(step, fail))
        if cause is None:  # done, whatever it was that failed: to tidy up, to close the record
            assert project_files(root) == new, step
        else:
            refusals += 1
            assert os.strerror(number) in cause, step
            assert project_files(root) == old, step
        record = newest(root)
        assert (record is None or record.begun) if project_files(root) == OLD else record is not None, step
        if step not in failed_at:
            assert contents(root) == new
            break
        if record is not None:  # and the way back is still there
            undo(root)
        assert project_files(root) == OLD, step
    assert refusals > 5


def caught(action: Callable[[Path], object], root: Path, faults: dict[str, Callable[..., Any]]) -> str | None:
    """The cause of the error that the action ends with, None without one."""
    with pytest.MonkeyPatch.context() as patch:
        for name, replacement in faults.items():
            patch.setattr(os, name, replacement)
        try:
            action(root)
        except InputError as error:
            return error.cause
    return None


def test_what_was_edited_after_a_crash_is_left_to_its_author(state: Path) -> None:
    root = fresh(state / "edited")
    apply(root, PROPOSED)
    record = next(state_folder(root).glob("*.json"))
    record.rename(record.with_suffix(".begun"))
    (root / "Dockerfile").write_bytes(b"mine")
    for action in (recover, undo, apply_it):
        with pytest.raises(InputError, match="Dockerfile was edited since"):
            action(root)
    assert (root / "Dockerfile").read_bytes() == b"mine"
    undo(root, force=True)
    assert contents(root) == OLD


def test_there_is_nothing_to_recover_where_nothing_was_broken_off(state: Path) -> None:
    root = fresh(state / "whole")
    assert recover(root) == ()
    apply(root, PROPOSED)
    assert recover(root) == ()
    assert contents(root) == NEW
