"""One stack of clean-ups for everything a run starts in an engine, emptied however the run ends.

Whatever is started is registered under its name *before* it is started: between the two a Ctrl-C may come. While the
stack is emptied a second Ctrl-C is ignored. The engine's build cache stays: it belongs to the engine.
"""

import contextlib
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

LABEL = "dev.imageopt.run"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def new_run_id() -> str:
    """A name for this run, unlike any other: the process id, which tells whether it still lives, and where that counts.

    Engines are shared, between the jobs of a runner for one, and a process id says nothing to who counts his own.
    """
    return f"{os.getpid()}-{_here()}-{secrets.token_hex(4)}"


def is_from_here(run_id: str) -> bool:
    """Whether the run was started where its process id can be looked up: on this machine, in this container."""
    return run_id.split("-")[1:2] == [_here()]


def _here() -> str:
    """Eight letters for the machine and what it counts its processes in (pid_namespaces(7))."""
    counted_in = Path("/proc/self/ns/pid")
    place = f"{os.uname().nodename} {counted_in.readlink() if counted_in.is_symlink() else ''}"
    return sha256(place.encode()).hexdigest()[:8]


class CleanUp:
    """The stack. Actions must not mind that what they remove was never made."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.labels = {LABEL: run_id}
        self._actions: list[Callable[[], object]] = []

    def add(self, action: Callable[[], object]) -> None:
        """Registers what undoes the next step; the last one registered is the first one done."""
        self._actions.append(action)

    def close(self) -> None:
        """Does all of it; an action that fails does not keep the others from being done."""
        while self._actions:
            with contextlib.suppress(Exception):
                self._actions.pop()()


@contextlib.contextmanager
def cleaning(run_id: str) -> Iterator[CleanUp]:
    """A stack that is emptied at the end of the block; SIGTERM and SIGHUP are a KeyboardInterrupt in it, as Ctrl-C is.

    After the first of them all are ignored until the block has ended, so that nothing cuts the cleaning short.
    """
    stack = CleanUp(run_id)
    previous: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():  # only there may handlers be set
        previous = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:  # who started us wants it ignored
            signal.signal(number, _interrupt)
    try:
        yield stack
    finally:
        for number in previous:
            signal.signal(number, signal.SIG_IGN)
        stack.close()
        for number, handler in previous.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
