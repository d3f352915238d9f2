"""The SHA-256 of a stream that passes by, worked out on a thread of its own while the next piece is decompressed.

Hashing a big layer takes as long as decompressing it, and leaves the interpreter free.
"""

import hashlib
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Self

_FROM = 4 << 20  # bytes; for less no thread is started
_PIECES = 4  # that may wait: of 1 MiB at most each


class Digest:
    """`update` with each piece in order, then `value`; as a context manager it ends its thread whatever happens."""

    def __init__(self) -> None:
        self.length = 0
        self._hash = hashlib.sha256()
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._room = threading.Semaphore(_PIECES)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def update(self, data: bytes) -> None:
        self.length += len(data)
        if self._thread is None:
            if self.length < _FROM:
                self._hash.update(data)
                return
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._room.acquire()
        self._queue.put(data)

    def value(self) -> str:
        """`sha256:` and the digits of all that was given."""
        self._end()
        return f"sha256:{self._hash.hexdigest()}"

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            self._hash.update(data)
            self._room.release()

    def _end(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
