"""containerd's content store as an OCI layout, and which of several platforms is taken."""

import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import digest, file, layer, oci_folder

from imageopt.errors import UsageError
from imageopt.source.containerd import ContentStore, chosen, content_store, fits, uses_containerd
from imageopt.source.files import FolderFiles
from imageopt.source.layout import oci_layout
from imageopt.source.overlay2 import Surprise

CONTENT = "containerd/daemon/io.containerd.content.v1.content"
LAYER = layer(file("a", b"1"))


def put(root: Path, data: bytes) -> str:
    blobs = root / CONTENT / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest(data)[7:]).write_bytes(data)
    return digest(data)


def manifest(root: Path, architecture: str, **more: str) -> dict[str, Any]:
    """A descriptor of an image for linux/ARCHITECTURE whose documents are in the store."""
    platform = {"os": "linux", "architecture": architecture, **more}
    settings = json.dumps({**platform, "rootfs": {"diff_ids": [digest(LAYER)]}}).encode()
    document = {"config": {"digest": put(root, settings)}, "layers": [{"digest": put(root, LAYER)}]}
    return {"digest": put(root, json.dumps(document).encode()), "platform": platform}


def index(root: Path, *descriptors: dict[str, Any]) -> str:
    return put(root, json.dumps({"manifests": descriptors}).encode())


def test_an_engine_says_that_it_uses_containerd() -> None:
    assert uses_containerd({"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]})
    assert not uses_containerd({"DriverStatus": [["Backing Filesystem", "extfs"]]})
    assert not uses_containerd({})


def test_an_image_of_one_platform_is_its_manifest(tmp_path: Path) -> None:
    one = manifest(tmp_path, "amd64")
    store = content_store(str(tmp_path), {"Id": one["digest"]})
    assert chosen(store, None, "linux/amd64") == one["digest"]
    assert chosen(store, "linux/arm64", "linux/amd64") is None
    described = oci_layout(store, one["digest"], None)
    assert [store.size(layer.name) for layer in described.layers] == [len(LAYER)]
    with store.open(described.layers[0].name) as stream:
        assert stream.read() == LAYER


def test_the_descriptor_counts_more_than_the_id(tmp_path: Path) -> None:
    one = manifest(tmp_path, "amd64")
    store = content_store(str(tmp_path), {"Id": "sha256:else", "Descriptor": {"digest": one["digest"]}})
    assert chosen(store, None, "linux/amd64") == one["digest"]


def test_of_several_platforms_the_wanted_one_is_taken_else_the_engines(tmp_path: Path) -> None:
    amd, arm = manifest(tmp_path, "amd64"), manifest(tmp_path, "arm64", variant="v8")
    absent = {"digest": digest(b"never pulled"), "platform": {"os": "linux", "architecture": "s390x"}}
    store = content_store(str(tmp_path), {"Id": index(tmp_path, amd, arm, absent)})
    for wanted, preferred, expected in [
        (None, "linux/amd64", amd["digest"]),
        (None, "linux/amd64/v3", amd["digest"]),
        (None, "linux/arm64", arm["digest"]),
        ("linux/arm64", "linux/amd64", arm["digest"]),
        ("linux/arm64/v8", "linux/amd64", arm["digest"]),
        ("linux/s390x", "linux/amd64", None),
        ("linux/riscv64", "linux/amd64", None),
    ]:
        assert chosen(store, wanted, preferred) == expected, (wanted, preferred)


def test_several_that_fit_are_listed(tmp_path: Path) -> None:
    both = [manifest(tmp_path, "arm", variant=variant) for variant in ("v6", "v7")]
    store = content_store(str(tmp_path), {"Id": index(tmp_path, *both)})
    with pytest.raises(UsageError, match=r"linux/arm/v6.*linux/arm/v7"):
        chosen(store, "linux/arm", "linux/amd64")


@pytest.mark.parametrize("data", [None, b"{", b"x" * 20])
def test_a_store_that_lacks_the_image_is_a_surprise(tmp_path: Path, data: bytes | None) -> None:
    image = put(tmp_path, data) if data else digest(b"absent")
    with pytest.raises(Surprise, match="content store"):
        content_store(str(tmp_path), {"Id": image})


@pytest.mark.parametrize(
    ("platform", "wanted", "expected"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_a_variant_counts_where_both_name_one(platform: str, wanted: str, expected: bool) -> None:
    assert fits(platform, wanted) == expected


def test_a_whole_layout_is_read_through_the_store(tmp_path: Path) -> None:
    files = FolderFiles(oci_folder(tmp_path / "layout", [LAYER]))
    described = oci_layout(files, None, None)
    assert described.digest is not None
    store = ContentStore(files, {"mediaType": "application/json", "digest": described.digest})
    assert oci_layout(store, None, None).layers == described.layers
    assert store.size("oci-layout") == files.size("oci-layout")
