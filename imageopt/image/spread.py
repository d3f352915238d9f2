"""Work on many inputs, spread over the machine's cores: this process and its children each take what is next.

Threads would not help, since the work is Python's own. A child is a fork, which starts in milliseconds with all that
is loaded; so there is none where other threads run, whose locks a fork would freeze. What a child cannot do, for
whatever reason, is done again here, and fails here as it would have without it.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

from msgspec import Struct

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")
_NUMBER = 8  # bytes of the number of an item, and of the length of a result
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
    count = processes() if sum(sizes) >= least else 1
    if min(count, len(items)) < 2:
        return [work(item) for item in items]
    order = sorted(range(len(items)), key=lambda number: -sizes[number])  # the longest first: then all end together
    done: dict[int, DoneT] = {}
    children: list[_Child] = []
    try:
        queue = _queue(order[count:])
    except OSError:  # no room to be had
        return [work(item) for item in items]
    with queue:
        try:
            with suppress(OSError):  # no process to be had
                children.extend(
                    _fork(first, queue, lambda number: encode(work(items[number]))) for first in order[1:count]
                )
            done.update((number, work(items[number])) for number in _taken(order[0], queue))
            for child in children:
                done.update((number, decode(data)) for number, data in child.results())
        finally:
            for child in children:
                child.end()
    return [done[number] if number in done else work(item) for number, item in enumerate(items)]


def processes() -> int:
    """How many processes may share the work: one for each core that is ours, and 1 where nothing can be forked."""
    if threading.active_count() > 1 or not hasattr(os, "memfd_create"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def _queue(numbers: Sequence[int]) -> BinaryIO:
    """A file of numbers for all processes: after a fork they read on from one place, so each number is read by one."""
    file = _file(buffering=0)
    file.write(b"".join(number.to_bytes(_NUMBER) for number in numbers))
    file.seek(0)
    return file


def _file(buffering: int = -1) -> BinaryIO:
    """A file in memory, which a child shares; `tempfile` would load half of the library of archives for one."""
    return open(os.memfd_create("imageopt"), "w+b", buffering)  # noqa: PTH123 (who asked for it closes it)


def _taken(first: int, queue: BinaryIO) -> Iterator[int]:
    """The numbers of the items that a process works on: its first, then whatever is next when it is free."""
    yield first
    while number := queue.read(_NUMBER):
        yield int.from_bytes(number)


class _Child(Struct):
    """A process that leaves its results in a file, each after the item's number and its own length."""

    pid: int
    file: BinaryIO

    def results(self) -> Iterator[tuple[int, bytes]]:
        """Waits for the end; what it has done, by the items' numbers: nothing where it failed on the way."""
        pid, self.pid = self.pid, 0
        _, status = os.waitpid(pid, 0)
        self.file.seek(0)
        while not status and (number := self.file.read(_NUMBER)):
            yield int.from_bytes(number), self.file.read(int.from_bytes(self.file.read(_NUMBER)))

    def end(self) -> None:
        """Leaves nothing behind, whether it has finished or not."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.file.close()


def _fork(first: int, queue: BinaryIO, result: Callable[[int], bytes]) -> _Child:
    file = _file()
    pid = os.fork()
    if pid:
        return _Child(pid, file)
    failed = True
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told as well, and ends it
        for number in _taken(first, queue):
            data = result(number)
            file.write(number.to_bytes(_NUMBER) + len(data).to_bytes(_NUMBER) + data)
        file.flush()
        failed = False
    finally:
        os._exit(failed)  # nothing of the parent's is to be flushed, shown or cleaned up twice
