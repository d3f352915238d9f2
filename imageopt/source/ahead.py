"""An engine's export straight from its socket, taken in by a thread of its own while layers are indexed.

An engine stands still while nobody takes what it sends, and a socket holds a fifth of a megabyte. The client library
would also take the export apart into the 32 KiB pieces in which HTTP/1.1 sends it; HTTP/1.0 sends it as it is, and its
end is the end of the connection, or of the length that a proxy states: whether it is whole, the tar itself tells.
"""

import errno
import os
import re
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from queue import Empty, Queue

from imageopt.source.engine import EXPORT_SECONDS, export_broken_off
from imageopt.source.plain_http import head_of, question

_PIECE = 1 << 20  # bytes
_AHEAD = 8  # pieces that may wait
_END = 1024  # zero bytes: the two blocks that end a tar (POSIX pax, "ustar Interchange Format")
_LONGEST_HEAD = 1 << 16


def open_export(address: str, path: str) -> "SocketExport | None":
    """The answer to a question for an export, once it begins; None for any other answer.

    Raises ToolFailed where an engine does not answer in time.
    """
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", EXPORT_SECONDS, 0))
        stream.connect(address)
        stream.sendall(question(path))
        data = b""
        while (head := head_of(data)) is None and len(data) < _LONGEST_HEAD and (piece := stream.recv(1 << 12)):
            data += piece
    except BlockingIOError:
        stream.close()
        raise export_broken_off("it does not answer") from None
    except OSError:
        stream.close()
        return None
    if head is None or head.code != "200" or "transfer-encoding" in head.headers:
        stream.close()
        return None
    return SocketExport(stream, head.rest, head.headers)


class SocketExport:
    """An export that has begun. It is to be closed, whether it was read to its end or not."""

    def __init__(self, stream: socket.socket, rest: bytes, headers: Mapping[str, str]) -> None:
        self._stream = stream
        self._promised = headers.get("content-length")
        told = self._promised or ""
        self._left = max(0, int(told) - len(rest)) if re.fullmatch("[0-9]{1,18}", told) else None
        self._length = 0
        self._tail = b""
        self._ended = False
        self._pieces: Queue[bytes | OSError] = Queue(_AHEAD)
        if rest:
            self._pieces.put(rest)
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def read(self, _count: int) -> bytes:
        """The next piece, nothing at the end. Raises ToolFailed where the engine breaks off."""
        if self._ended:
            return b""
        piece = self._pieces.get()
        if isinstance(piece, OSError):
            self._ended = True
            silent = isinstance(piece, BlockingIOError)
            raise export_broken_off("it says no more" if silent or not piece.strerror else piece.strerror)
        self._length += len(piece)
        if piece:
            self._tail = piece[-_END:] if len(piece) >= _END else (self._tail + piece)[-_END:]
            return piece
        self._ended = True
        if self._tail != bytes(_END) or self._promised not in (None, str(self._length)):
            raise export_broken_off(f"it ends after {self._length} bytes")
        return b""

    def close(self) -> None:
        """Nothing more of it is wanted."""
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        while self._thread.is_alive():
            with suppress(Empty):  # it may be waiting for room
                self._pieces.get(timeout=0.01)
        self._stream.close()

    def _take(self) -> None:
        left = self._left
        try:
            while left != 0 and (piece := self._stream.recv(min(_PIECE, left or _PIECE), socket.MSG_WAITALL)):
                self._pieces.put(piece)
                left = None if left is None else left - len(piece)
            self._pieces.put(b"")
        except OSError as error:
            self._pieces.put(error)
        except MemoryError:  # or whoever reads would wait for ever
            self._pieces.put(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)))
