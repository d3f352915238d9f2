"""An export straight from the engine's socket: the same bytes, and never a part of them for the whole."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from imagebuilder import docker_archive, file, layer

from imageopt.errors import ToolFailed
from imageopt.source import ahead
from imageopt.source.ahead import SocketExport, open_export
from imageopt.source.asking import Engine
from imageopt.source.engine import ImageExport
from imageopt.source.export import ExportReader

LAYERS = [layer(file("a", b"1" * 10)), layer(file("b", b"2" * 3_000_000))]
OK = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-tar\r\n\r\n"
END = bytes(1024)


@contextmanager
def saying(place: Path, *pieces: bytes, wait: bool = False) -> Iterator[str]:
    """The socket of an engine that says these pieces to the first who asks, and then breaks off, or waits."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, server:
            connection.recv(1 << 12)
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:  # the one who asked has gone
                return
            if wait:
                done.wait(10)

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(place))
    server.listen()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield str(place)
    finally:
        done.set()
        thread.join(10)


def begun(address: str) -> SocketExport:
    export = open_export(address, "/images/x/get")
    assert export is not None
    return export


def everything(export: SocketExport) -> bytes:
    data = b""
    while piece := export.read(1):
        data += piece
    return data


def test_it_is_what_the_engine_sends(tmp_path: Path) -> None:
    sent = docker_archive(tmp_path / "image.tar", LAYERS).read_bytes()
    with saying(tmp_path / "s", OK + sent[:5], sent[5:]) as address, closing(begun(address)) as export:
        assert everything(export) == sent
        assert export.read(1) == b""


def test_it_ends_where_it_says_though_the_connection_is_kept(tmp_path: Path) -> None:
    """A proxy may answer HTTP/1.0 as if more questions came."""
    sent = docker_archive(tmp_path / "image.tar", LAYERS).read_bytes()
    head = OK[:-2] + f"Content-Length: {len(sent)}\r\n\r\n".encode()
    began = time.monotonic()
    with saying(tmp_path / "s", head + sent[:5], sent[5:], wait=True) as address:
        with closing(begun(address)) as export:
            assert everything(export) == sent
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([OK + b"x" * 512], "ends after 512 bytes"),
        ([OK], "ends after 0 bytes"),
        ([OK[:-2] + b"Content-Length: 9999\r\n\r\n" + END], "ends after 1024 bytes"),
        ([OK[:-2] + b"Content-Length: 5\r\n\r\n" + END], "ends after 1024 bytes"),
        ([OK[:-2] + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + END], "ends after 1024 bytes"),
    ],
)
def test_what_breaks_off_is_no_export(tmp_path: Path, said: list[bytes], why: str) -> None:
    with (
        saying(tmp_path / "s", *said) as address,
        closing(begun(address)) as export,
        pytest.raises(ToolFailed, match=f"the engine broke off the export: it {why}"),
    ):
        everything(export)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 404 Not Found\r\n\r\nno such image",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nX: " + b"x" * 200_000,
        b"",
    ],
)
def test_another_answer_is_left_to_the_client(tmp_path: Path, said: bytes) -> None:
    with saying(tmp_path / "s", said) as address:
        assert open_export(address, "/images/x/get") is None


def test_nobody_there_is_left_to_the_client(tmp_path: Path) -> None:
    assert open_export(str(tmp_path / "s"), "/images/x/get") is None


def test_an_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "EXPORT_SECONDS", 1)
    with saying(tmp_path / "s", wait=True) as address, pytest.raises(ToolFailed, match="it does not answer"):
        open_export(address, "/images/x/get")


def test_an_engine_that_falls_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "EXPORT_SECONDS", 1)
    with (
        saying(tmp_path / "s", OK, wait=True) as address,
        closing(begun(address)) as export,
        pytest.raises(ToolFailed, match="the engine broke off the export: it says no more"),
    ):
        everything(export)


def test_no_memory_for_the_next_piece(tmp_path: Path) -> None:
    class Hungry(socket.socket):
        def recv(self, *_: object) -> bytes:
            raise MemoryError

    with closing(SocketExport(Hungry(socket.AF_UNIX), b"", {})) as export, pytest.raises(ToolFailed, match="memory"):
        export.read(1)


def test_who_has_enough_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with saying(tmp_path / "s", OK, *([bytes(1 << 20)] * 40)) as address:
        export = begun(address)
        assert export.read(1)
        export.close()
    assert threading.active_count() == before


def test_a_layer_that_passes_by_can_only_be_read() -> None:
    """What indexes it must not ask for its length, which would jump over it."""
    asked: list[bool] = []
    sent = iter([layer(file("layer.tar", layer(file("a", b"1"))))])

    def index(stream: object) -> int:
        asked.append(stream.seekable())  # type: ignore[attr-defined]
        return 1

    ExportReader(lambda _count: next(sent, b""), index)
    assert asked == [False]


def test_an_engine_elsewhere_is_asked_by_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    engine = Engine()
    engine._client = SimpleNamespace()  # type: ignore[assignment]
    assert isinstance(engine.export("x"), ImageExport)
