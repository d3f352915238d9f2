"""A way to the engine that can be cut: a unix socket that passes every byte on, until it is told not to."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


class EngineProxy:
    """`host` is what DOCKER_HOST has to say. While it is cut the socket is gone, and so is every connection over it."""

    def __init__(self, engine: str, folder: Path) -> None:
        self._engine = engine.removeprefix("unix://")
        self._path = folder / "engine.sock"
        self.host = f"unix://{self._path}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def restore(self) -> None:
        """From now on the engine can be reached."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """From now on it cannot, as if it had been stopped."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._path.unlink()
            _end(listener)
        with self._lock:
            ends, self._open = self._open, set()
        for one in ends:
            _end(one)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            with self._lock:
                self._open |= {client, engine}
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)  # the other direction may go on: that is how a build's session ends


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def engine_proxy(engine: str, folder: Path) -> Iterator[EngineProxy]:
    """The proxy for the length of the block, open at first."""
    proxy = EngineProxy(engine, folder)
    proxy.restore()
    try:
        yield proxy
    finally:
        proxy.cut()
