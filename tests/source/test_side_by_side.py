"""Layers read on several threads: all of them, none after one has failed, and none where the caller has had enough."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from imageopt.errors import InputError
from imageopt.source.files import FolderFiles
from imageopt.source.side_by_side import read_layers


class Endless(io.RawIOBase):
    """A layer that never ends, at a leisurely pace."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        time.sleep(0.001)
        buffer[:1] = b"x"
        return 1


class Stalled(io.RawIOBase):
    """A layer of which nothing comes before `goes_on` is set."""

    def __init__(self, goes_on: threading.Event) -> None:
        self._goes_on = goes_on

    def readable(self) -> bool:
        return True

    def readinto(self, _: memoryview) -> int:  # type: ignore[override]
        self._goes_on.wait(60)
        return 0


class Files(FolderFiles):
    """The files of a folder, one without end and one that stalls."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.goes_on = threading.Event()

    def size(self, name: str) -> int | None:
        return 1 << 40 if name in ("endless", "stalled") else super().size(name)

    def open(self, name: str) -> io.BufferedReader:
        match name:
            case "endless":
                return io.BufferedReader(Endless())
            case "stalled":
                return io.BufferedReader(Stalled(self.goes_on))
        return super().open(name)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    for name, data in {"a": b"first layer", "b": b"", "damaged": b"!"}.items():
        (tmp_path / name).write_bytes(data)
    made = Files(tmp_path)
    yield made
    made.goes_on.set()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def index(stream: BinaryIO) -> bytes:
    data = b""
    while more := stream.read(64):
        data += more
        if data == b"!":
            raise InputError("a layer is damaged", "pull it again")
    return data


def test_every_layer_with_its_head(files: Files) -> None:
    assert sorted(read_layers(files, ["a", "b"], index)) == [("a", b"first layer", b"firs"), ("b", b"", b"")]
    assert list(read_layers(files, [], index)) == []


def test_one_that_fails_ends_the_others(files: Files) -> None:
    with pytest.raises(InputError, match="damaged"):
        list(read_layers(files, ["endless", "damaged"], index))
    with pytest.raises(InputError, match="not there"):
        list(read_layers(files, ["a", "nowhere"], index))


def test_a_caller_that_goes_away_ends_all(files: Files) -> None:
    layers = read_layers(files, ["endless", "a"], index)
    assert next(layers)[0] == "a"
    layers.close()  # type: ignore[attr-defined]


def test_one_that_stalls_keeps_nobody_waiting(files: Files) -> None:
    """A network may be silent for minutes, and that is when a user has had enough."""
    began = time.monotonic()
    with pytest.raises(InputError, match="damaged"):
        list(read_layers(files, ["stalled", "damaged"], index))
    layers = read_layers(files, ["stalled", "a"], index)
    assert next(layers)[0] == "a"
    layers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10


def test_no_thread_is_left_where_all_is_read(files: Files) -> None:
    before = threading.active_count()
    assert len(list(read_layers(files, ["a", "b"], index))) == 2
    assert threading.active_count() == before
