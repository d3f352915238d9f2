"""A plain tar whose content was passed over is known again by the place of its file, as git knows a file again.

The content has no digest that anybody worked out, so what is remembered holds for these bytes on this disk alone, and
only as long as nobody has touched them.
"""

import gzip
import json
import os
from pathlib import Path

import pytest
from imagebuilder import config, docker_archive, file, hardlink, layer, oci_folder, whiteout, write_tar

from imageopt.errors import InputError
from imageopt.image import load
from imageopt.image.cache import LayerCache
from imageopt.image.load import load_image
from imageopt.source import files
from imageopt.source.model import ImageRef
from imageopt.source.side_by_side import read_layers

BIG = b"0" * 300_000  # more than is read on the way
LAYERS = [
    layer(file("a/x", BIG), file("a/small", b"1"), hardlink("a/z", "a/x")),
    layer(whiteout("a/small"), file("b/x", BIG), file("b/y", BIG + b"1")),
]


@pytest.fixture(autouse=True)
def _walked_and_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """All plain tars are walked, and a file counts as settled the moment that it is written."""
    monkeypatch.setattr(load, "_READ_WHOLE", 0)
    monkeypatch.setattr(files, "_SETTLED_SECONDS", 0)


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers that are read."""
    found: list[str] = []

    def read_local(files: files.Files, names: list[str], index: object) -> object:
        found.extend(names)
        return read_layers(files, names, index)  # type: ignore[arg-type]

    monkeypatch.setattr("imageopt.image.local_layers.read_local_layers", read_local)
    return found


def archive(tmp_path: Path, layers: list[bytes] = LAYERS) -> ImageRef:
    return ImageRef("docker-archive", str(docker_archive(tmp_path / "app.tar", layers)))


def test_an_archive_that_lies_there_unchanged_is_not_read_again(
    cache: LayerCache, tmp_path: Path, opened: list[str]
) -> None:
    ref = archive(tmp_path)
    first, second = load_image(ref, cache=cache), load_image(ref, cache=cache)
    assert len(opened) == 2
    assert first == second
    assert (first.files, first.duplicate_content_bytes) == (load_image(ref).files, len(BIG))
    assert not second.digest_verified


def test_so_is_a_folder_with_plain_layers(cache: LayerCache, tmp_path: Path, opened: list[str]) -> None:
    ref = ImageRef("oci", str(oci_folder(tmp_path / "oci", LAYERS, packed=False)))
    assert load_image(ref, cache=cache) == load_image(ref, cache=cache)
    assert len(opened) == 2


def test_a_file_that_changed_in_place_is_read_again(cache: LayerCache, tmp_path: Path, opened: list[str]) -> None:
    ref = archive(tmp_path)
    load_image(ref, cache=cache)
    path = Path(ref.name)
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"a/small", b"a/llams"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time of the last change cannot be set back
    image = load_image(ref, cache=cache)
    assert len(opened) == 4
    assert "a/llams" in [record.path for record in image.files]


def test_a_file_that_changed_a_moment_ago_is_not_remembered(
    cache: LayerCache, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SETTLED_SECONDS", 3600)
    ref = archive(tmp_path)
    load_image(ref, cache=cache)
    load_image(ref, cache=cache)
    assert len(opened) == 4
    assert not list(cache.folder.glob("*.place"))


def test_with_verify_digests_every_byte_is_read(cache: LayerCache, tmp_path: Path, opened: list[str]) -> None:
    ref = archive(tmp_path)
    load_image(ref, cache=cache)
    assert load_image(ref, cache=cache, verify_digests=True).digest_verified
    assert len(opened) == 4


def test_what_was_proved_is_found_by_its_digest_from_then_on(
    cache: LayerCache, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = archive(tmp_path)
    load_image(ref, cache=cache, verify_digests=True)
    assert load_image(ref, cache=cache).digest_verified
    assert len(opened) == 2
    monkeypatch.setattr(load, "_READ_WHOLE", 1 << 20)
    folder = ImageRef("oci", str(oci_folder(tmp_path / "oci", LAYERS, packed=False)))
    load_image(folder, cache=cache)
    assert len(opened) == 2


@pytest.mark.parametrize("kind", ["place", "walked", "image"])
@pytest.mark.parametrize("damage", [b"", b"nothing that was ever kept"])
def test_a_damaged_entry_is_made_again(cache: LayerCache, tmp_path: Path, kind: str, damage: bytes) -> None:
    ref = archive(tmp_path)
    image = load_image(ref, cache=cache)
    for path in [*cache.folder.glob(f"*.{kind}"), *cache.folder.glob("*.image")]:
        path.write_bytes(damage)
    assert load_image(ref, cache=cache) == image
    assert load_image(ref, cache=cache) == image


def test_an_entry_that_went_is_made_again(cache: LayerCache, tmp_path: Path, opened: list[str]) -> None:
    ref = archive(tmp_path)
    image = load_image(ref, cache=cache)
    next(cache.folder.glob("*.walked")).unlink()
    assert load_image(ref, cache=cache) == image
    assert len(opened) == 3


def test_a_compressed_layer_without_a_stated_digest_keeps_its_download_size(cache: LayerCache, tmp_path: Path) -> None:
    packed = [gzip.compress(data) for data in LAYERS]
    settings = config(LAYERS)
    manifest = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["0.tar.gz", "1.tar.gz"]}]
    stored = dict(zip(manifest[0]["Layers"], packed, strict=True))
    described = {"config.json": settings, "manifest.json": json.dumps(manifest).encode()}
    ref = ImageRef("docker-archive", str(write_tar(tmp_path / "app.tar", {**stored, **described})))
    first, second = load_image(ref, cache=cache), load_image(ref, cache=cache)
    assert first == second
    assert second.sizes.download_bytes == sum(map(len, packed))


def test_an_archive_that_lost_a_layer_is_refused(cache: LayerCache, tmp_path: Path) -> None:
    ref = archive(tmp_path)
    load_image(ref, cache=cache)
    Path(ref.name).write_bytes(Path(ref.name).read_bytes()[:200_000])
    with pytest.raises(InputError):
        load_image(ref, cache=cache)
