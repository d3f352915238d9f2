"""The engine: found, asked, read in place and through an export; and each way in which it can be missing."""

import hashlib
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests

from imageopt.errors import ImageoptError, InputError, ToolFailed, ToolMissing
from imageopt.image.layer import index_layer
from imageopt.image.split import index_split
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.source import engine as engine_module
from imageopt.source.engine import connect, engine_address, inspect_image
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import Surprise, split_layers
from imageopt.source.read import read_image

IMAGE = "node:20-alpine"


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A home without a context, and no socket anywhere."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(engine_module, "_usual_sockets", lambda: iter(()))
    return monkeypatch


def test_docker_host_comes_first(no_engine: pytest.MonkeyPatch) -> None:
    no_engine.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    no_engine.setenv("DOCKER_TLS_VERIFY", "1")
    no_engine.setenv("DOCKER_CERT_PATH", "/certs")
    assert engine_address() == engine_module.EngineAddress("tcp://127.0.0.1:2376", "DOCKER_HOST", "/certs")


def test_then_the_current_context(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = hashlib.sha256(b"remote").hexdigest()
    meta = tmp_path / "config" / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    (tmp_path / "config" / "config.json").write_text('{"currentContext": "remote"}')
    with pytest.raises(ToolFailed, match="names no engine"):
        engine_address()
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": "unix:///run/other.sock"}}}))
    assert engine_address().host == "unix:///run/other.sock"


def test_then_the_usual_sockets(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sockets = [tmp_path / "missing.sock", tmp_path / "there.sock"]
    sockets[1].touch()
    no_engine.setattr(engine_module, "_usual_sockets", lambda: iter(sockets))
    assert engine_address().host == f"unix://{sockets[1]}"


def test_else_there_is_none(no_engine: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissing, match="no container engine"):
        engine_address()


def test_the_usual_sockets_are_those_of_docker_and_podman() -> None:
    assert {path.name for path in engine_module._usual_sockets()} == {"docker.sock", "podman.sock"}


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
    return read_image(ImageRef("docker", IMAGE), index_layer, index_split=index_split if index else None)


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


def test_a_socket_that_this_user_may_not_use_says_so(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As root every socket may be used, so the client's own words stand in for the refusal."""
    (tmp_path / "engine.sock").touch()
    no_engine.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")

    def refuse(**_: object) -> None:
        raise docker.errors.DockerException("('Connection aborted.', PermissionError(13, 'Permission denied'))")

    no_engine.setattr(docker, "DockerClient", refuse)
    with pytest.raises(ToolFailed, match="may not be used by this user") as caught:
        connect()
    assert "docker group" in caught.value.remedy


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
