"""Layers that were read once: found again by their digest, never trusted where anything is wrong."""

import io
import json
import os
import threading
import time
from pathlib import Path

import pytest
from imagebuilder import config, file, folder, hardlink, layer, oci_folder, opaque, symlink, whiteout, write_tar
from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.image.cache import LayerCache, user_cache
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.source.model import ImageRef

EVERYTHING = layer(
    folder("etc"), file("etc/passwd", b"root"), hardlink("etc/also", "etc/passwd"), symlink("lib", "usr/lib"),
    whiteout("gone"), opaque("srv"), file("../out", b"x"), file("ü/\u202e", b"y"),
)  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


@pytest.fixture
def index() -> LayerIndex:
    return index_layer(io.BytesIO(EVERYTHING))


def test_what_is_kept_is_what_was_read(cache: LayerCache, index: LayerIndex) -> None:
    assert cache.get(index.digest, index.checksums) is None
    cache.put(index)
    assert cache.get(index.digest, index.checksums) == index
    assert cache.get(index.digest, "crc-64") is None
    assert cache.size() > 0
    assert cache.clear() > 0
    assert (cache.size(), cache.get(index.digest, index.checksums)) == (0, None)


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "another's", "another version's"])
def test_a_damaged_entry_is_none_and_goes(cache: LayerCache, index: LayerIndex, damage: str) -> None:
    cache.put(index)
    (path,) = cache.folder.iterdir()
    data = path.read_bytes()
    other = index_layer(io.BytesIO(layer(file("other"))))
    if damage == "another's":
        cache.put(other)
        data = cache.folder.joinpath(f"{other.digest[7:]}.xxh3-128").read_bytes()
    if damage == "another version's":
        import msgspec
        from xxhash import xxh3_128_digest

        from imageopt.source.decompress import zstd

        packed = zstd().compress(msgspec.msgpack.encode({"digest": index.digest}))
        data = xxh3_128_digest(packed) + packed
    path.write_bytes(
        {"cut": data[:-9], "flipped": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "emptied": b""}.get(damage, data)
    )
    assert cache.get(index.digest, index.checksums) is None
    assert not path.exists()
    cache.put(index)
    assert cache.get(index.digest, index.checksums) == index


def test_what_cannot_be_kept_is_no_reason_to_fail(tmp_path: Path, index: LayerIndex) -> None:
    (tmp_path / "file").touch()
    nowhere = LayerCache(tmp_path / "file")
    nowhere.put(index)
    nowhere.prune()
    assert (nowhere.get(index.digest, "xxh3-128"), nowhere.size()) == (None, 0)
    odd = index_layer(io.BytesIO(layer(file("caf\udce9"))))
    cache = LayerCache(tmp_path)
    cache.put(odd)  # MessagePack has no text for it
    assert cache.get(odd.digest, odd.checksums) is None
    cache.put(replace(index, digest="../../etc/passwd"))
    assert cache.get("../../etc/passwd", "xxh3-128") is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "file"]


def test_it_stays_within_its_bounds(tmp_path: Path) -> None:
    indexes = [index_layer(io.BytesIO(layer(file(f"file-{number}")))) for number in range(5)]
    cache = LayerCache(tmp_path)
    for age, index in enumerate(indexes):
        cache.put(index)
        used = time.time() - 1000 + age
        os.utime(cache.folder / f"{index.digest[7:]}.xxh3-128", (used, used))
    assert cache.get(indexes[0].digest, "xxh3-128") is not None  # now it is the last that was used
    LayerCache(tmp_path, most_bytes=cache.size() * 7 // 10).prune()
    assert [cache.get(index.digest, "xxh3-128") is not None for index in indexes] == [True, False, False, True, True]
    LayerCache(tmp_path, most_seconds=-1).prune()
    assert cache.size() == 0


def test_many_at_once(cache: LayerCache, index: LayerIndex) -> None:
    def work() -> None:
        for _ in range(20):
            cache.put(index)
            assert cache.get(index.digest, index.checksums) in (index, None)
            cache.prune()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get(index.digest, index.checksums) == index
    assert len(list(cache.folder.iterdir())) == 1


def test_a_known_layer_is_not_read_again(cache: LayerCache, tmp_path: Path) -> None:
    layers = [EVERYTHING, layer(file("b", b"2" * 1000))]
    oci_folder(tmp_path / "oci", layers)
    ref = ImageRef("oci", str(tmp_path / "oci"))
    read = load_image(ref, cache=cache)
    for path in (tmp_path / "oci" / "blobs" / "sha256").iterdir():
        if path.read_bytes().startswith(b"\x1f\x8b"):
            path.write_bytes(b"not a layer any more".ljust(path.stat().st_size))
    assert load_image(ref, cache=cache) == read
    with pytest.raises(InputError):
        load_image(ref, cache=cache, verify_digests=True)  # every byte, whatever was read before
    cache.clear()
    with pytest.raises(InputError):
        load_image(ref, cache=cache)
    assert cache.size() == 0  # what is not what its digest promises is not kept


def test_a_digest_finds_no_layer_for_an_image_that_promises_another(cache: LayerCache, tmp_path: Path) -> None:
    """The blob is known, but the configuration claims that it unpacks to something else."""
    oci_folder(tmp_path / "oci", [EVERYTHING])
    load_image(ImageRef("oci", str(tmp_path / "oci")), cache=cache)
    oci_folder(tmp_path / "liar", [EVERYTHING], rootfs={"diff_ids": [f"sha256:{'0' * 64}"]})
    with pytest.raises(InputError, match="damaged"):
        load_image(ImageRef("oci", str(tmp_path / "liar")), cache=cache)


def test_an_archive_that_states_no_digest_is_read(cache: LayerCache, tmp_path: Path) -> None:
    manifest = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["1/layer.tar"]}]
    files = {"config.json": config([EVERYTHING]), "manifest.json": json.dumps(manifest).encode()}
    write_tar(tmp_path / "a.tar", {**files, "1/layer.tar": EVERYTHING})
    ref = ImageRef("docker-archive", str(tmp_path / "a.tar"))
    assert load_image(ref, cache=cache) == load_image(ref)
    write_tar(tmp_path / "a.tar", {**files, "1/layer.tar": layer(file("other"))})
    with pytest.raises(InputError, match="damaged"):
        load_image(ref, cache=cache)


def test_the_users_own_and_another_and_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert user_cache() is None  # tests/conftest.py
    monkeypatch.setenv("IMAGEOPT_CACHE", str(tmp_path))
    found = user_cache()
    assert found is not None
    assert found.folder.parent == tmp_path
    monkeypatch.delenv("IMAGEOPT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    found = user_cache()
    assert found is not None
    assert (tmp_path / "xdg") in found.folder.parents
