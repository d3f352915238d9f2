"""Layers on disk, read by several processes: the same as one after the other, damage included."""

import os
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, layer, oci_folder

from imageopt.errors import InputError
from imageopt.image import local_layers
from imageopt.image.cache import LayerCache
from imageopt.image.load import load_image
from imageopt.source.model import ImageRef

LAYERS = [layer(file(f"a/{number}", bytes([number]) * 1000 * number)) for number in range(1, 6)]


@pytest.fixture(params=[1, 3], ids=["one process", "three processes"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(request.param)))
    monkeypatch.setattr(local_layers, "_PAYS", 0)
    count: int = request.param
    return count


def test_the_same_image(tmp_path: Path, cores: int) -> None:
    cache = LayerCache(tmp_path / "cache")
    for reference in (
        ImageRef("docker-archive", str(docker_archive(tmp_path / "a.tar", LAYERS))),
        ImageRef("oci", str(oci_folder(tmp_path / "oci", LAYERS))),
    ):
        image = load_image(reference, cache=cache)
        assert [(record.path, record.size) for record in image.files] == [(f"a/{n}", 1000 * n) for n in range(1, 6)]
        assert image.digest_verified
        again = load_image(reference, cache=cache)
        assert (again.sizes, again.files) == (image.sizes, image.files)
    assert len(list(cache.folder.glob("*.xxh3-128"))) == 10  # each layer plain and packed


def test_damage_is_told_once_and_as_it_is(tmp_path: Path, cores: int) -> None:
    folder = oci_folder(tmp_path / "oci", LAYERS, packed=False)
    blob = max((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:3000])
    with pytest.raises(InputError, match="damaged") as caught:
        load_image(ImageRef("oci", str(folder)))
    assert "\n" not in caught.value.cause
    assert caught.value.remedy


def test_a_layer_that_is_not_there(tmp_path: Path, cores: int) -> None:
    folder = oci_folder(tmp_path / "oci", LAYERS)
    max((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size).unlink()
    with pytest.raises(InputError, match="not there"):
        load_image(ImageRef("oci", str(folder)))
