"""Work on many inputs, spread over the machine's cores: child processes do their share, this one does its own.

Threads would not help, since the work is Python's own. A child is a fork, which starts in milliseconds with all that
is loaded; so there is none where other threads run, whose locks a fork would freeze. What a child cannot do, for
whatever reason, is done again here, and fails here as it would have without it.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")
_LENGTH = 8  # bytes that tell the length of a result
_MOST = 8  # processes; with more, starting them costs what they save


def spread(
    work: Callable[[ItemT], DoneT],
    items: Sequence[ItemT],
    sizes: Sequence[int],
    *,
    encode: Callable[[DoneT], bytes],
    decode: Callable[[bytes], DoneT],
    least: int,
) -> list[DoneT]:
    """`work` of each item, in order. `sizes` say how long each takes; below `least` in all, nothing is forked.

    `encode` and `decode` take a child's result here, and any exception in a child only means that it is done again.
    """
    mine, *others = _shares(sizes, processes() if sum(sizes) >= least else 1)
    done: dict[int, DoneT] = {}
    children: list[_Child] = []
    try:
        with suppress(OSError):  # no process or no room to be had
            children.extend(_fork(share, lambda number: encode(work(items[number]))) for share in others)
        done.update((number, work(items[number])) for number in mine)
        for child in children:
            results = child.results()
            done.update(zip(child.share, map(decode, results), strict=False))
    finally:
        for child in children:
            child.end()
    return [done[number] if number in done else work(item) for number, item in enumerate(items)]


def processes() -> int:
    """How many processes may share the work: one for each core that is ours, and 1 where nothing can be forked."""
    if threading.active_count() > 1 or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def _shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """The items' numbers in at most `count` shares of like size, the longest first; the first share is never empty."""
    shares: list[list[int]] = [[] for _ in range(count)]
    totals = [0] * count
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        least = totals.index(min(totals))
        shares[least].append(number)
        totals[least] += sizes[number] + 1
    return [shares[0], *filter(None, shares[1:])]


@dataclass(slots=True)
class _Child:
    """A process that works on a share of the items and leaves its results, each after its length, in a file."""

    share: list[int]
    pid: int
    file: BinaryIO

    def results(self) -> list[bytes]:
        """Waits for the end; what it has done, in the order of its share: nothing where it failed on the way."""
        pid, self.pid = self.pid, 0
        _, status = os.waitpid(pid, 0)
        if status:
            return []
        self.file.seek(0)
        return [self.file.read(int.from_bytes(self.file.read(_LENGTH))) for _ in self.share]

    def end(self) -> None:
        """Leaves nothing behind, whether it has finished or not."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.file.close()


def _fork(share: list[int], result: Callable[[int], bytes]) -> _Child:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the child's file is closed in `end`)
    pid = os.fork()
    if pid:
        return _Child(share, pid, file)
    failed = True
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told as well, and ends it
        for number in share:
            data = result(number)
            file.write(len(data).to_bytes(_LENGTH) + data)
        file.flush()
        failed = False
    finally:
        os._exit(failed)  # nothing of the parent's is to be flushed, shown or cleaned up twice
