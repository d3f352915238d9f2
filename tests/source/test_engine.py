"""The engine: found, asked, read in place and through an export; and each way in which it can be missing."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from fakeengine import DOCKER, answering

from imageopt.errors import ImageoptError, InputError, ToolFailed
from imageopt.image.cache import LayerCache
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.image.split import index_split, index_splits
from imageopt.source import engine as engine_module
from imageopt.source.asking import Engine
from imageopt.source.engine import connect, inspect_image
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import Surprise, split_layers
from imageopt.source.read import read_image

IMAGE = "node:20-alpine"


@pytest.mark.parametrize(
    ("kind", "words"), [("missing", "is not there"), ("down", "is down"), ("silent", "cannot be reached")]
)
def test_an_engine_out_of_reach_says_why(no_engine: pytest.MonkeyPatch, tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "engine.sock"
    server = socket.socket(socket.AF_UNIX)
    if kind != "missing":
        server.bind(str(path))
    if kind == "silent":
        server.listen()
        no_engine.setattr(engine_module, "_CONNECT_SECONDS", 1)
    no_engine.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(ImageoptError, match=words) as caught:
        connect()
    server.close()
    assert caught.value.exit_code == 3


def read(index: bool) -> ReadImage[LayerIndex]:
    return read_image(ImageRef("docker", IMAGE), index_layer, index_splits=index_splits if index else None)


@pytest.mark.engine
def test_reading_in_place_and_through_the_export_give_the_same_entries(engine: str) -> None:
    stored, exported = read(index=True), read(index=False)
    assert [layer.checksums for layer in exported.layers] == ["xxh3-128"] * len(exported.layers)
    for one, other in zip(stored.layers, exported.layers, strict=True):
        assert one.diff_id == other.diff_id
        assert one.tar_bytes == other.tar_bytes
        assert [entry._replace(checksum=b"") for entry in one.entries] == [
            entry._replace(checksum=b"") for entry in other.entries
        ]
        assert (one.whiteouts, one.opaques, one.contents) == (other.whiteouts, other.opaques, other.contents)


@pytest.mark.engine
def test_the_engine_and_its_archive_give_the_same_numbers(engine: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    subprocess.run(["docker", "save", IMAGE, "-o", archive], check=True, timeout=300)
    one = load_image(ImageRef("docker", IMAGE))
    other = load_image(ImageRef("docker-archive", str(archive)))
    assert (one.sizes, one.waste, one.dive) == (other.sizes, other.waste, other.dive)
    assert (one.packages, one.file_count, one.digest) == (other.packages, other.file_count, other.digest)
    assert one.duplicate_content_bytes == other.duplicate_content_bytes


@pytest.mark.engine
def test_what_was_exported_once_is_not_exported_again(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise Surprise("not for this user")

    monkeypatch.setattr("imageopt.source.local.split_layers", unreadable)
    cache, ref = LayerCache(tmp_path), ImageRef("docker", IMAGE)
    image = load_image(ref, cache=cache)
    monkeypatch.delattr("imageopt.source.ahead.SocketExport.read")
    assert load_image(ref, cache=cache) == image
    for path in cache.folder.glob("*.xxh3-128"):
        path.unlink()
    with pytest.raises(AttributeError):
        load_image(ref, cache=cache)


@pytest.mark.engine
def test_layer_sizes_are_the_engines(engine: str) -> None:
    """`docker image inspect` counts what is unpacked on disk: the content of the files of all layers."""
    client = connect()
    try:
        known = inspect_image(client, IMAGE)
        assert inspect_image(client, "imageopt/no-such:image") is None
        assert inspect_image(client, "Not A Name") is None
    finally:
        client.close()
    assert known is not None
    assert load_image(ImageRef("docker", IMAGE)).sizes.unpacked_bytes == known["Size"]


@pytest.mark.engine
def test_a_missing_image_says_how_to_get_it(engine: str) -> None:
    with pytest.raises(InputError, match="no image 'imageopt/no-such:image'") as caught:
        load_image(ImageRef(None, "imageopt/no-such:image"))
    assert "docker pull" in caught.value.remedy


@pytest.mark.engine
def test_the_engine_knows_an_image_by_each_of_its_names(engine: str) -> None:
    first = read(index=True)
    assert first.digest is not None
    for name in (first.digest, first.digest[7:], first.digest[7:19]):
        assert read_image(ImageRef("docker", name), index_layer, index_splits=index_splits).digest == first.digest


@pytest.mark.engine
def test_an_image_for_another_platform_is_not_taken_for_the_wanted_one(engine: str) -> None:
    with pytest.raises(InputError, match="has 'node:20-alpine' for linux/amd64, not for linux/arm64") as caught:
        load_image(ImageRef("docker", IMAGE), platform="linux/arm64")
    assert f"docker pull --platform linux/arm64 {IMAGE}" in caught.value.remedy
    assert load_image(ImageRef("docker", IMAGE), platform="linux/amd64").digest


def test_storage_that_is_not_as_expected_is_a_surprise(tmp_path: Path) -> None:
    with pytest.raises(Surprise, match="btrfs"):
        split_layers("/", "btrfs", ["sha256:1"])
    with pytest.raises(Surprise, match="layer database"):
        split_layers(str(tmp_path), "overlay2", ["sha256:1"])


RECORDS = {
    "not gzip": b"hello",
    "not JSON": b"{",
    "no type": b"{}",
    "a file without a checksum": b'{"type": 1, "name": "a", "size": 3}',
    "a file that its tar does not have": b'{"type": 1, "name": "a", "size": 3, "payload": "AAAAAAAAAAA="}',
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_damaged_record_is_a_surprise(tmp_path: Path, record: bytes) -> None:
    import gzip

    root = tmp_path / "root"
    entry = root / "image/overlay2/layerdb/sha256/1"
    entry.mkdir(parents=True)
    (root / "overlay2/x/diff").mkdir(parents=True)
    (entry / "cache-id").write_text("x")
    (entry / "tar-split.json.gz").write_bytes(record if record == b"hello" else gzip.compress(record))
    (found,) = split_layers(str(root), "overlay2", ["sha256:1"])
    with pytest.raises(Surprise):
        index_split(found)


def test_an_engine_that_breaks_off_is_told_from_one_that_never_was(no_engine: pytest.MonkeyPatch) -> None:
    class Broken:
        """A client whose engine goes away in the middle of every answer."""

        class api:  # noqa: N801
            @staticmethod
            def get_image(*_: object, **__: object) -> Iterator[bytes]:
                yield b"x" * 512
                raise requests.exceptions.ChunkedEncodingError("gone")

            @staticmethod
            def inspect_image(_: str) -> None:
                raise requests.exceptions.ConnectionError("gone")

        def info(self) -> None:
            raise requests.exceptions.ConnectionError("gone")

    client: Any = Broken()
    export = engine_module.ImageExport(client, "x")
    assert export.read(512) == b"x" * 512
    for ask in (lambda: export.read(1), lambda: engine_module.engine_info(client), lambda: inspect_image(client, "x")):
        with pytest.raises(ToolFailed, match="broke off"):
            ask()


def test_why_an_engine_refuses_an_export_is_told(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker writes an export to its own disk first; the reason stands at the end of what it says."""
    said = f"write {'/long' * 60}/layer.tar: no space left on device"
    with answering(tmp_path / "s", DOCKER, {"/get": (500, {"message": said})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        engine = Engine()
        with closing(engine), closing(engine.export("x")) as export, pytest.raises(ToolFailed) as caught:
            export.read(1)
    assert caught.value.cause.startswith("the engine refused the export: write /long")
    assert caught.value.cause.endswith("layer.tar: no space left on device")
    assert "http" not in caught.value.cause
    assert caught.value.remedy == "make room on the engine's disk"


def test_an_export_may_keep_us_waiting_while_the_engine_writes_it() -> None:
    waited: list[float] = []

    class Slow:
        """A client that notes how long it would wait."""

        class api:  # noqa: N801
            timeout = 60

            @classmethod
            def get_image(cls, *_: object, **__: object) -> Iterator[bytes]:
                waited.append(cls.timeout)
                return iter(())

    client: Any = Slow()
    assert engine_module.ImageExport(client, "x").read(512) == b""
    assert waited == [900]
