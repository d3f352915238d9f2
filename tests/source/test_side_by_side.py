"""Layers read on several threads: all of them, none after one has failed, and none where the caller has had enough."""

import io
import time
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


class Files(FolderFiles):
    """The files of a folder, and one without end."""

    def size(self, name: str) -> int | None:
        return 1 << 40 if name == "endless" else super().size(name)

    def open(self, name: str) -> io.BufferedReader:
        return io.BufferedReader(Endless()) if name == "endless" else super().open(name)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    for name, data in {"a": b"first layer", "b": b"", "damaged": b"!"}.items():
        (tmp_path / name).write_bytes(data)
    return Files(tmp_path)


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
