"""The only place that starts programs: argument lists, never a shell, always a timeout.

A program gets a process group of its own, so that a Ctrl-C or a timeout ends it with its children.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from imageopt.errors import ToolFailed, ToolMissing

_Result = TypeVar("_Result")
_TAIL_LINES = 40
_running: "set[subprocess.Popen[bytes]]" = set()  # so that what runs in other threads can be ended


@dataclass(frozen=True, slots=True)
class Completed:
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
            for process in _running - before:
                _kill_group(process)
            raise


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
