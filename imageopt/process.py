"""The only place that starts programs: argument lists, always a timeout; a shell for one fixed line (`paused`).

A program gets a process group of its own, so that a Ctrl-C or a timeout ends it with its children.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from imageopt.errors import ToolFailed, ToolMissing

if TYPE_CHECKING:
    from concurrent.futures import Future

_Result = TypeVar("_Result")
_TAIL_LINES = 40
_BETWEEN_KILLS_SECONDS = 0.1
_running: "set[subprocess.Popen[bytes]]" = set()  # so that what runs in other threads can be ended


class Completed(Struct, frozen=True):
    """`stdout` is whole; `stderr` is the last 40 lines. Text that is not UTF-8 is replaced."""

    exit_code: int
    stdout: str
    stderr: str


def find_program(name: str) -> str | None:
    """Absolute path of a program on PATH, or of one named by its path; None where there is none."""
    found = shutil.which(name)
    return None if found is None else str(Path(found).absolute())


def run(
    arguments: Sequence[str],
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    stdin: bytes = b"",
) -> Completed:
    """Runs a program to its end; a non-zero exit code is the caller's to judge.

    `timeout` in seconds. `environment` is added to the current one. `on_line` sees each line of stderr as
    it comes. `stdin` is what the program reads, a few hundred bytes at most. Raises ToolMissing if there is no such
    program, ToolFailed on the timeout.
    """
    name = Path(arguments[0]).name
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ToolMissing(f"{name} is not installed", f"install {name} and put it on PATH") from None
    except PermissionError:
        raise ToolFailed(f"{name} may not be executed", f"check the permissions of {arguments[0]}") from None
    _running.add(process)
    assert process.stdout is not None
    assert process.stderr is not None
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    stderr = process.stderr

    def drain() -> None:
        for raw in stderr:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            tail.append(line)
            if on_line is not None:
                on_line(line)

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # a program that does not read is judged by its exit code
            process.stdin.write(stdin)
            process.stdin.close()
    timer = threading.Timer(timeout, _kill_group, [process])
    timer.start()
    try:
        stdout = process.stdout.read().decode("utf-8", "replace")
        process.wait()
    except BaseException:
        _kill_group(process)
        raise
    finally:
        timed_out = not timer.is_alive()
        timer.cancel()
        reader.join(5)
        process.stdout.close()
        process.wait()
        _running.discard(process)
    if timed_out:
        raise ToolFailed(f"{name} did not end within {timeout:.0f} s", "run it by hand to see what it waits for")
    return Completed(process.returncode, stdout, "\n".join(tail))


def together(*works: Callable[[], _Result]) -> list[_Result]:
    """What the works give, in their order; they are done at the same time, each in a thread of its own.

    Whatever ends one of them, or a Ctrl-C, ends the programs of all.
    """
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    before = set(_running)
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in works]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            _end(futures, before)
            raise


@contextlib.contextmanager
def beside(work: Callable[[], _Result]) -> Iterator[Callable[[], _Result]]:
    """Does the work in a thread of its own while the block runs; what the block gets waits for it and gives its result.

    A block that is broken off ends the programs of the work.
    """
    from concurrent.futures import ThreadPoolExecutor

    before = set(_running)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            yield future.result
        except BaseException:
            _end([future], before)
            raise


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """What runs when the block begins stands still until it ends, and so takes nothing from what the block times.

    The clock of its timeout goes on. Should this process be killed meanwhile, they go on as well.
    """
    standing = list(_running)
    if not standing:
        yield
        return
    groups = [f"-{process.pid}" for process in standing]
    # reads until whoever holds the other end of its pipe, which is this process alone, is gone or closes it
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; exec kill -s CONT -- "$@"', "sh", *groups],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for process in standing:
            _signal_group(process, signal.SIGSTOP)
        yield
    finally:
        for process in standing:
            _signal_group(process, signal.SIGCONT)
        watcher.communicate()


def _end(works: "Sequence[Future[_Result]]", before: "set[subprocess.Popen[bytes]]") -> None:
    """Ends the programs that the works have started since, and those that they start upon that."""
    from concurrent.futures import wait

    left = set(works)
    while left:
        for process in _running - before:
            _kill_group(process)
        left = wait(left, timeout=_BETWEEN_KILLS_SECONDS).not_done


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
