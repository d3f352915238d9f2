"""A local engine's image from one end to the other, without an engine: what is asked, what is read, what is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakeengine import DOCKER, PODMAN, answering
from imagebuilder import config, digest, docker_archive, file, layer, oci_folder, write_tar

from imageopt.errors import InputError
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.image.split import index_splits
from imageopt.progress import Progress
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.read import read_image

LAYERS = [layer(file("a", b"1" * 10)), layer(file("b", b"2"))]
CONTAINERD = [["driver-type", "io.containerd.snapshotter.v1"]]


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def answers(identity: str, export: bytes, **info: Any) -> dict[str, tuple[int, Any]]:
    image = {"Id": identity, "Os": "linux", "Architecture": "amd64"}
    return {"/images/app/json": (200, image), f"/images/{identity}/get": (200, export), "/info": (200, info)}


def read(reference: ImageRef, platform: str | None = None) -> tuple[ReadImage[LayerIndex], list[str]]:
    progress = Notes()
    image = read_image(reference, index_layer, index_splits=index_splits, platform=platform, progress=progress)
    return image, progress.notes


@pytest.mark.parametrize(("headers", "kind"), [(DOCKER, "docker"), (PODMAN, "podman")])
def test_a_storage_out_of_reach_leads_to_the_export(
    no_engine: pytest.MonkeyPatch, tmp_path: Path, headers: dict[str, str], kind: str
) -> None:
    export = docker_archive(tmp_path / "image.tar", LAYERS).read_bytes()
    told = answers(digest(config(LAYERS)), export, DockerRootDir="/no/such/root", Driver="overlay")
    with answering(tmp_path / "s", headers, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        image, notes = read(ImageRef(None, "app"))
    assert (image.source, image.digest) == (kind, digest(config(LAYERS)))
    assert [index.diff_id for index in image.layers] == [digest(data) for data in LAYERS]
    assert len(notes) == 1
    assert notes[0].startswith("reading through an export: the engine's ")


def test_an_export_of_containerds_image_is_described_by_its_index(
    no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = oci_folder(tmp_path / "layout", LAYERS)
    files = {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    manifest = json.loads(files["index.json"])["manifests"][0]["digest"]
    export = write_tar(tmp_path / "image.tar", files).read_bytes()
    told = answers(manifest, export, DockerRootDir="/no/such/root", DriverStatus=CONTAINERD)
    with answering(tmp_path / "s", DOCKER, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        image, notes = read(ImageRef("docker", "app"))
        with pytest.raises(InputError, match="for linux/amd64, not for linux/arm64"):
            read(ImageRef("docker", "app"), "linux/arm64")
    assert (image.digest, notes) == (manifest, ["reading through an export: the engine's content store cannot be read"])
    assert all(blob.download_bytes for blob in image.blobs)


def test_containerds_blobs_are_read_even_where_every_byte_is_to_be_verified(
    no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = oci_folder(tmp_path / "containerd" / "daemon" / "io.containerd.content.v1.content", LAYERS)
    manifest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    told = answers(manifest, b"not wanted", DockerRootDir=str(tmp_path), DriverStatus=CONTAINERD)
    with answering(tmp_path / "s", DOCKER, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        image = load_image(ImageRef("docker", "app"), verify_digests=True)
    assert (image.digest, image.sizes.unpacked_bytes) == (manifest, 11)


def test_a_store_without_the_engines_own_manifest_is_a_surprise(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layout = oci_folder(tmp_path / "containerd" / "daemon" / "io.containerd.content.v1.content", LAYERS)
    manifest = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    (layout / "blobs" / "sha256" / digest(config(LAYERS))[7:]).unlink()
    files = {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    export = write_tar(tmp_path / "image.tar", files).read_bytes()
    told = answers(manifest["digest"], export, DockerRootDir=str(tmp_path), DriverStatus=CONTAINERD)
    progress = Notes()
    with answering(tmp_path / "s", DOCKER, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        with pytest.raises(InputError, match="export has no image for linux/amd64"):
            read_image(ImageRef("docker", "app"), index_layer, index_splits=index_splits, progress=progress)
    assert progress.notes == ["reading through an export: the engine's content store has no manifest of the image"]


def test_dockers_database_must_hold_what_the_id_says(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    identity = digest(config(LAYERS))
    store = tmp_path / "image/overlay2/imagedb/content/sha256" / identity[7:]
    store.parent.mkdir(parents=True)
    store.write_bytes(b"{}")
    export = docker_archive(tmp_path / "image.tar", LAYERS).read_bytes()
    told = answers(identity, export, DockerRootDir=str(tmp_path), Driver="overlay2")
    with answering(tmp_path / "s", DOCKER, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        notes = [read(ImageRef("docker", "app"))[1]]
        store.write_bytes(config(LAYERS))
        notes.append(read(ImageRef("docker", "app"))[1])
    assert notes == [
        ["reading through an export: the engine's image database holds something else"],
        ["reading through an export: the engine's layer database cannot be read"],
    ]


def test_what_is_missing_is_said_with_the_right_tool(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: dict[str, tuple[int, Any]] = {"/json": (404, {"message": "no"}), "/info": (200, {})}
    for number, (headers, tool) in enumerate([(DOCKER, "docker"), (PODMAN, "podman")]):
        with answering(tmp_path / str(number), headers, told) as host:
            no_engine.setenv("DOCKER_HOST", host)
            with pytest.raises(InputError, match="the engine has no image 'app'") as caught:
                read(ImageRef("docker", "app"))
        assert caught.value.remedy == f"pull it with `{tool} pull app`, or build it"
