"""Podman's storage, with documents as its version 4.3 writes them: read in place, and each way in which it may differ."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import config, digest, file, layer

from imageopt.source.overlay2 import Surprise
from imageopt.source.podman import podman_layers

LAYERS = [layer(file("a", b"1")), layer(file("b", b"2"))]
CONFIG = config(LAYERS)
IMAGE = digest(CONFIG)
BASE, TOP = digest(LAYERS[0])[7:], "81db10b44083e3b74ce07a370ba7241648461c3a406a5f81a330101880e462ae"


def storage(root: Path, driver: str = "overlay") -> Path:
    """What the storage holds of the image: two layers, the upper one's id is not its digest."""
    records, images = root / f"{driver}-layers", root / f"{driver}-images"
    folders = {"overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}[driver]
    (images / IMAGE[7:]).mkdir(parents=True)
    records.mkdir()
    for name in (BASE, TOP):
        (root / folders.format(name)).mkdir(parents=True)
    layers = [
        {"id": BASE, "diff-digest": digest(LAYERS[0]), "diff-size": len(LAYERS[0]), "uidset": [0]},
        {"id": TOP, "parent": BASE, "diff-digest": digest(LAYERS[1]), "diff-size": len(LAYERS[1])},
    ]
    write(records / "layers.json", layers)
    write(images / "images.json", [{"id": IMAGE[7:], "names": ["localhost/app:1"], "layer": TOP}])
    document(root, driver).write_bytes(CONFIG)
    return root


def document(root: Path, driver: str = "overlay") -> Path:
    return root / f"{driver}-images" / IMAGE[7:] / f"={base64.b64encode(IMAGE.encode()).decode()}"


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def change(path: Path, **values: str | None) -> None:
    """Sets values of the last entry of a list."""
    entries = json.loads(path.read_bytes())
    entries[-1].update(values)
    write(path, entries)


@pytest.mark.parametrize(("driver", "folder"), [("overlay", "overlay/{}/diff"), ("vfs", "vfs/dir/{}")])
def test_the_layers_are_found_from_the_top_down_and_given_base_first(tmp_path: Path, driver: str, folder: str) -> None:
    found, layers = podman_layers(str(storage(tmp_path, driver)), driver, IMAGE)
    assert found.diff_ids == tuple(map(digest, LAYERS))
    assert [one.diff_id for one in layers] == list(found.diff_ids)
    assert [one.record.name for one in layers] == [f"{BASE}.tar-split.gz", f"{TOP}.tar-split.gz"]
    assert [one.folder for one in layers] == [tmp_path / folder.format(name) for name in (BASE, TOP)]


def test_layers_of_a_volatile_list_count_too(tmp_path: Path) -> None:
    records = storage(tmp_path) / "overlay-layers"
    base, top = json.loads((records / "layers.json").read_bytes())
    write(records / "layers.json", [base])
    write(records / "volatile-layers.json", [top])
    assert len(podman_layers(str(tmp_path), "overlay", IMAGE)[1]) == 2


DIFFERENCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no list of images": (lambda root: (root / "overlay-images/images.json").unlink(), "images.json is not there"),
    "a damaged list": (lambda root: (root / "overlay-layers/layers.json").write_text("["), "cannot be read"),
    "another image": (lambda root: change(root / "overlay-images/images.json", id="0"), "does not have it"),
    "no list at all": (lambda root: write(root / "overlay-images/images.json", {"id": IMAGE}), "does not have it"),
    "no configuration": (lambda root: document(root).unlink(), "configuration cannot be read"),
    "another configuration": (lambda root: document(root).write_bytes(b"{}"), "is another one"),
    "pulled in parts": (lambda root: change(root / "overlay-layers/layers.json", **{"diff-digest": ""}), "not fit"),
    "a layer less": (lambda root: change(root / "overlay-layers/layers.json", parent=None), "not fit"),
    "a layer more": (
        lambda root: write(
            root / "overlay-layers/layers.json",
            [
                {**one, "parent": one.get("parent", "x")}
                for one in json.loads((root / "overlay-layers/layers.json").read_bytes())
            ],
        ),
        "more layers",
    ),
    "no folder": (lambda root: shutil.rmtree(root / "overlay" / BASE), "folder cannot be read"),
}


@pytest.mark.parametrize(("differ", "words"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_differs_is_a_surprise(tmp_path: Path, differ: Callable[[Path], object], words: str) -> None:
    root = storage(tmp_path)
    differ(root)
    with pytest.raises(Surprise, match=words):
        podman_layers(str(root), "overlay", IMAGE)


def test_a_driver_that_keeps_no_folders_is_a_surprise(tmp_path: Path) -> None:
    with pytest.raises(Surprise, match="btrfs"):
        podman_layers(str(tmp_path), "btrfs", IMAGE)
