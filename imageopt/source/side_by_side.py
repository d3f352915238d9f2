"""Layers that can be read again are read side by side, one on each core; the biggest is begun first.

Decompressing and hashing leave the interpreter free, so threads are enough. Where one fails, or the user has had
enough, the others stop at their next read.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from io import SEEK_SET, BufferedReader
from typing import BinaryIO, TypeVar, cast

from imageopt.source.files import Files, missing

LayerT = TypeVar("LayerT")
HEAD = 4  # bytes that tell a compression


def read_layers(
    files: Files, names: Iterable[str], index_layer: Callable[[BinaryIO], LayerT]
) -> Iterator[tuple[str, LayerT, bytes]]:
    """Each layer's name, what `index_layer` made of it, and its first bytes, as they are done.

    Raises InputError where one is missing or damaged.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed  # which load the machinery of logs as well

    sizes = {name: _size(files, name) for name in names}
    stopped = threading.Event()

    def one(name: str) -> tuple[str, LayerT, bytes]:
        with files.open(name) as stream:
            head = stream.peek(HEAD)[:HEAD]
            return name, index_layer(cast("BinaryIO", _Stoppable(stream, stopped))), head

    with ThreadPoolExecutor(min(len(sizes), os.cpu_count() or 1) or 1) as pool:
        try:
            ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
            for done in as_completed([pool.submit(one, name) for name in ordered]):
                yield done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


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
