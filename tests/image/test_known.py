"""An image that was counted before: the same to the last byte, and nothing of it is read or counted again."""

import threading
from pathlib import Path

import pytest
from imagebuilder import config, file, hardlink, layer, oci_folder, opaque, symlink, whiteout

from imageopt.errors import InputError
from imageopt.image import known
from imageopt.image.account import account
from imageopt.image.cache import LayerCache
from imageopt.image.load import load_image
from imageopt.image.model import Image, LayerIndex
from imageopt.later import LaterSequence
from imageopt.source.model import ImageRef, ReadImage

STATUS = b"Package: a\nStatus: install ok installed\nVersion: 1\n\n"
LAYERS = [
    layer(file("a/x", b"1" * 100), file("a/y", b"2" * 50), hardlink("a/z", "a/x"), symlink("l", "a")),
    layer(whiteout("a/y"), file("a/x", b"1" * 100, uid=5)),
    layer(file("var/lib/dpkg/status", STATUS), file("var/lib/dpkg/info/a.list", b"/a/x\n"), opaque("none")),
    layer(file("srv/node_modules/b/package.json", b'{"name": "b", "version": "2"}')),
]


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


@pytest.fixture
def ref(tmp_path: Path) -> ImageRef:
    return ImageRef("oci", str(oci_folder(tmp_path / "oci", LAYERS)))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The references of the images that are counted."""
    found: list[str] = []

    def count(read: ReadImage[LayerIndex]) -> Image:
        found.append(read.reference)
        return account(read)

    monkeypatch.setattr("imageopt.image.account.account", count)
    return found


def entries(cache: LayerCache) -> list[Path]:
    return sorted(cache.folder.glob("*.image"))


def test_it_is_the_same_and_not_counted_again(cache: LayerCache, ref: ImageRef, counted: list[str]) -> None:
    bare = load_image(ref)
    first, second = load_image(ref, cache=cache), load_image(ref, cache=cache)
    assert len(counted) == 2
    assert isinstance(second.files, LaterSequence)
    assert second.packages.owners["a/x"] == "a"
    assert (first, second) == (bare, bare)
    assert second != load_image(ImageRef("oci", str(oci_folder(Path(f"{ref.name}2"), LAYERS[:3]))))


def test_names_that_are_not_utf8_are_counted_each_time(cache: LayerCache, tmp_path: Path, counted: list[str]) -> None:
    ref = ImageRef("oci", str(oci_folder(tmp_path / "oci", [layer(file("caf\udce9", b"1"))])))
    assert load_image(ref, cache=cache) == load_image(ref, cache=cache)
    assert (len(counted), entries(cache)) == (2, [])


def test_another_configuration_is_another_image(cache: LayerCache, ref: ImageRef, tmp_path: Path) -> None:
    load_image(ref, cache=cache)
    other = ImageRef("oci", str(oci_folder(tmp_path / "other", LAYERS, config={"User": "node", "WorkingDir": "/srv"})))
    assert load_image(other, cache=cache) == load_image(other)
    assert len(entries(cache)) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_entry_is_made_again(cache: LayerCache, ref: ImageRef, counted: list[str], damage: str) -> None:
    image = load_image(ref, cache=cache)
    (path,) = entries(cache)
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-1], "flipped": data[:-1] + bytes([data[-1] ^ 1]), "emptied": b""}[damage])
    assert load_image(ref, cache=cache) == image
    assert load_image(ref, cache=cache) == image
    assert len(counted) == 2
    assert path.read_bytes() == data


def test_another_version_counts_itself(
    cache: LayerCache, ref: ImageRef, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_image(ref, cache=cache)
    monkeypatch.setattr(known, "__version__", "0.0.0")
    load_image(ref, cache=cache)
    monkeypatch.undo()
    monkeypatch.setattr(known, "_code", lambda: [("image/account.py", 1, 1)])  # as one who works on it has changed it
    load_image(ref, cache=cache)
    assert len(entries(cache)) == 3
    assert len(counted) == 2


def test_a_damaged_layer_behind_an_image_that_is_gone_is_read_again(cache: LayerCache, ref: ImageRef) -> None:
    image = load_image(ref, cache=cache)
    for path in entries(cache):
        path.unlink()
    for path in cache.folder.iterdir():
        path.write_bytes(b"nothing that was ever kept")
    assert load_image(ref, cache=cache) == image
    assert load_image(ref, cache=cache) == image
    assert len(list(cache.folder.iterdir())) == len(LAYERS) + 1


def test_a_layer_that_went_is_read_again(cache: LayerCache, ref: ImageRef) -> None:
    image = load_image(ref, cache=cache)
    next(cache.folder.glob("*.xxh3-128")).unlink()
    assert load_image(ref, cache=cache) == image


def test_a_liar_does_not_get_the_image_of_another(cache: LayerCache, ref: ImageRef, tmp_path: Path) -> None:
    load_image(ref, cache=cache)
    lies = [layer(file("other"))] * len(LAYERS)
    diff_ids = config_ids(LAYERS)
    liar = ImageRef("oci", str(oci_folder(tmp_path / "liar", lies, rootfs={"diff_ids": diff_ids})))
    with pytest.raises(InputError, match="damaged"):
        load_image(liar, cache=cache)


def config_ids(layers: list[bytes]) -> list[str]:
    import json

    return list(json.loads(config(layers))["rootfs"]["diff_ids"])


def test_many_at_once(cache: LayerCache, ref: ImageRef) -> None:
    image, found = load_image(ref), []

    def work() -> None:
        for _ in range(5):
            found.append(load_image(ref, cache=cache))
            for path in entries(cache)[:1]:
                path.unlink(missing_ok=True)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [image] * 15
    assert not list(cache.folder.glob(".new-*"))
