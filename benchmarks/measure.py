"""Whole processes to what they took: wall time, CPU time and peak memory, the best of runs in turns.

A process is what a user starts, so the start of the interpreter counts; what the engine does for it counts in the wall
time only. Memory is that of the whole process tree: pages that its processes share are counted once.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from msgspec import Struct, field

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_SECONDS = 0.05
T = TypeVar("T")


class Command(Struct, frozen=True):
    """What is started, in an environment without caches of earlier runs unless `environment` names one.

    `{fresh}` in an argument is a folder that goes after the run. `prints_seconds`: the command knows its time better.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    rounds: int | None = None  # fewer than the others have, for what takes minutes
    prints_seconds: bool = False


class Cost(Struct, frozen=True):
    """Of one run, or the best of several (of memory the worst); `cpu_seconds` is user and system time together."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, Cost]:
    """The best of `rounds` runs of each command: A B C, A B C, so that a busy minute hits all of them."""
    runs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            if command.rounds is None or number < command.rounds:
                cost = run(command)
                say(f"round {number + 1} of {rounds}: {name}: {cost.wall_seconds:.2f} s")
                runs[name].append(cost)
    return {name: best(costs) for name, costs in runs.items()}


def best(costs: Sequence[Cost]) -> Cost:
    """The least time, and the most memory."""
    return Cost(
        min(cost.wall_seconds for cost in costs),
        min(cost.cpu_seconds for cost in costs),
        max(cost.peak_bytes for cost in costs),
    )


def run(command: Command) -> Cost:
    """One run. Raises RuntimeError where it fails."""
    with (
        tempfile.TemporaryDirectory(prefix="imageopt-benchmark-") as fresh,
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as output,
    ):
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "",
            "XDG_CACHE_HOME": fresh,
            "IMAGEOPT_CACHE": "",
            **command.environment,
        }
        arguments = [argument.replace("{fresh}", fresh) for argument in command.arguments]
        begin = time.perf_counter()
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output if command.prints_seconds else subprocess.DEVNULL,
            stderr=errors,
        )
        with _Watch(process.pid) as watch:
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            tail = errors.read()[-2000:].decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(arguments)[:200]} ended with {process.returncode}:\n{tail}")
        if command.prints_seconds:
            output.seek(0)
            wall = float(output.read().split()[0])
    return Cost(wall, used.ru_utime + used.ru_stime, max(used.ru_maxrss * 1024, watch.peak_bytes))


def say(text: str) -> None:
    """What goes on, on standard error."""
    print(text, file=sys.stderr, flush=True)


class _Watch:
    """The peak memory of a process tree: the sum of what each has alone, and the largest of what is shared."""

    def __init__(self, process: int) -> None:
        self.peak_bytes = 0
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            alone, shared = 0, 0
            for process in _tree(self._process):
                pages = _read(Path(f"/proc/{process}/statm")).split()
                if len(pages) > 2:
                    alone += int(pages[1]) - int(pages[2])
                    shared = max(shared, int(pages[2]))
            self.peak_bytes = max(self.peak_bytes, (alone + shared) * _PAGE)


def _tree(process: int) -> list[int]:
    found = [process]
    for parent in found:  # grows while it is walked
        for thread in _listed(Path(f"/proc/{parent}/task")):
            found += [int(child) for child in _read(thread / "children").split()]
    return found


def _listed(folder: Path) -> list[Path]:
    return _or([], lambda: list(folder.iterdir()))


def _read(file: Path) -> str:
    return _or("", file.read_text)


def _or(default: T, read: Callable[[], T]) -> T:
    """A process may end while it is looked at."""
    try:
        return read()
    except OSError:
        return default
