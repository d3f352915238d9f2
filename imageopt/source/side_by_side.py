"""Layers that can be read again are read side by side, one on each core; the biggest is begun first.

Decompressing and hashing leave the interpreter free, so threads are enough. Where one fails, or the user has had
enough, the others stop at their next read; one that waits for a silent network is left to itself, and holds up nobody.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from io import SEEK_SET, BufferedReader
from queue import SimpleQueue
from typing import BinaryIO, TypeVar, cast

from imageopt.source.files import Files, missing

LayerT = TypeVar("LayerT")
DoneT = TypeVar("DoneT")
HEAD = 4  # bytes that tell a compression
_PATIENCE = 0.5  # seconds for what runs to come to its next read


def read_layers(
    files: Files, names: Iterable[str], index_layer: Callable[[BinaryIO], LayerT]
) -> Iterator[tuple[str, LayerT, bytes]]:
    """Each layer's name, what `index_layer` made of it, and its first bytes, as they are done.

    Raises InputError where one is missing or damaged.
    """
    sizes = {name: _size(files, name) for name in names}
    stopped = threading.Event()

    def one(name: str) -> tuple[str, LayerT, bytes]:
        with files.open(name) as stream:
            head = stream.peek(HEAD)[:HEAD]
            return name, index_layer(cast("BinaryIO", _Stoppable(stream, stopped))), head

    waiting = iter(sorted(sizes, key=lambda name: (-sizes[name], name)))
    results: SimpleQueue[tuple[str, LayerT, bytes] | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            while not stopped.is_set() and (name := next(waiting, None)) is not None:
                results.put(one(name))
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is raised where the layers are waited for)
            results.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(len(sizes), os.cpu_count() or 1))]
    try:
        for thread in threads:
            thread.start()
        for _ in sizes:
            yield _result(results.get())
    except BaseException:
        stopped.set()
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(_PATIENCE / len(threads))
        raise
    for thread in threads:
        thread.join()


def _result(done: DoneT | BaseException) -> DoneT:
    """What a thread has made. Raises what it ended with."""
    if isinstance(done, BaseException):
        raise done
    return done


def _size(files: Files, name: str) -> int:
    size = files.size(name)
    if size is None:
        raise missing(name)
    return size


class _Stopped(Exception):
    """Another layer has failed, and tells why."""


class _Stoppable:
    """A stream whose reader can be stopped from another thread."""

    def __init__(self, stream: BufferedReader, stopped: threading.Event) -> None:
        self._stream = stream
        self._stopped = stopped

    def read(self, count: int = -1) -> bytes:
        if self._stopped.is_set():
            raise _Stopped
        return self._stream.read(count)

    def peek(self, count: int) -> bytes:
        return self._stream.peek(count)

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        if self._stopped.is_set():
            raise _Stopped
        return self._stream.seek(offset, whence)
