"""Docker with containerd's image store, and Podman, for real: read in place and through an export, with one result."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, folder, hardlink, layer, opaque, symlink, whiteout
from localengines import containerd_docker, podman

from imageopt.errors import InputError
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.image.split import index_splits
from imageopt.progress import Progress
from imageopt.source.files import Files
from imageopt.source.local import Content, LocalImage
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import Surprise
from imageopt.source.read import read_image

pytestmark = pytest.mark.engine

BASE = layer(
    folder("app"),
    file("app/one", b"1" * 5000, mode=0o4755, uid=1000),
    file("app/" + "long/" * 40 + "name", b"deep"),
    symlink("app/link", "one"),
    hardlink("app/same", "app/one"),
    folder("var/lib/dpkg"),
    file("var/lib/dpkg/status", b"Package: base-files\nStatus: install ok installed\nVersion: 12\n\n"),
)
SAME = layer(folder("cache"), file("cache/x", b"x" * 100))
LAST = layer(whiteout("app/one"), opaque("cache"), file("empty"))
LAYERS = [BASE, SAME, LAST, SAME]
DOCKERFILE = "FROM scratch\nARG TARGETARCH\nCOPY one /one\nCOPY $TARGETARCH /arch\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return docker_archive(tmp_path_factory.mktemp("image") / "image.tar", LAYERS, tag="imageopt-test/app:1")


@pytest.fixture(scope="module")
def containerd(engine: str, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that has a loaded image `app:1` of one platform, and a built one `two:1` of two."""
    context = tmp_path_factory.mktemp("context")
    for name in ("one", "amd64", "arm64"):
        (context / name).write_text(name * 100)
    (context / "Dockerfile").write_text(DOCKERFILE)
    with containerd_docker() as host:
        load(host, archive)
        platforms = "linux/amd64,linux/arm64"
        for line in (
            ["build", "--quiet", "--platform", platforms, "--tag=imageopt-test/two:1", str(context)],
            ["tag", "imageopt-test/app:1", "imageopt-test/app"],
        ):
            subprocess.run(
                ["docker", *line], check=True, timeout=60, env={**os.environ, "DOCKER_HOST": host},
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        yield host


@pytest.fixture(scope="module")
def podman_host(engine: str, archive: Path) -> Iterator[str]:
    """A Podman that has the image `app:1`, which it calls localhost/imageopt-test/app:1."""
    with podman() as host:
        load(host, archive)
        yield host


def load(host: str, archive: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": host}
    subprocess.run(
        ["docker", "load", "--quiet", "--input", archive],
        check=True,
        timeout=60,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def read(reference: ImageRef, platform: str | None = None) -> tuple[ReadImage[LayerIndex], list[str]]:
    progress = Notes()
    image = read_image(reference, index_layer, index_splits=index_splits, platform=platform, progress=progress)
    return image, progress.notes


def exported(monkeypatch: pytest.MonkeyPatch, reference: ImageRef, platform: str | None) -> ReadImage[LayerIndex]:
    def unreadable(_: LocalImage) -> None:
        raise Surprise("out of reach")

    with monkeypatch.context() as patch:
        patch.setattr(LocalImage, "stored", unreadable)
        image, notes = read(reference, platform)
    assert notes == ["reading through an export: out of reach"]
    return image


def assert_same(one: ReadImage[LayerIndex], other: ReadImage[LayerIndex]) -> None:
    """All but the kind of checksum: entry by entry, and blob by blob."""
    assert (one.source, one.digest, one.config, one.blobs) == (other.source, other.digest, other.config, other.blobs)
    for stored, passed in zip(one.layers, other.layers, strict=True):
        assert (stored.diff_id, stored.tar_bytes) == (passed.diff_id, passed.tar_bytes)
        assert [entry._replace(checksum=b"") for entry in stored.entries] == [
            entry._replace(checksum=b"") for entry in passed.entries
        ]
        assert (stored.whiteouts, stored.opaques, stored.contents) == (
            passed.whiteouts,
            passed.opaques,
            passed.contents,
        )


@pytest.mark.parametrize(
    ("name", "platform", "packed"),
    [("app:1", None, False), ("two:1", None, True), ("two:1", "linux/arm64", True)],
)
def test_containerds_blobs_are_what_its_engine_exports(
    containerd: str, monkeypatch: pytest.MonkeyPatch, name: str, platform: str | None, packed: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", containerd)
    reference = ImageRef("docker", f"imageopt-test/{name}")
    stored, notes = read(reference, platform)
    assert notes == []
    assert_same(stored, exported(monkeypatch, reference, platform))
    assert stored.config.platform == (platform or "linux/amd64")
    assert all((blob.download_bytes is not None) == packed for blob in stored.blobs)


def test_docker_knows_an_image_by_each_of_its_names(containerd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a tag is one image too, though the engine would export all of its tags."""
    monkeypatch.setenv("DOCKER_HOST", containerd)
    first, _ = read(ImageRef("docker", "imageopt-test/app:1"))
    assert first.digest is not None
    names = ("imageopt-test/app", f"imageopt-test/app@{first.digest}", first.digest, first.digest[7:19])
    for name in names:
        assert read(ImageRef("docker", name))[0].digest == first.digest
        assert exported(monkeypatch, ImageRef("docker", name), None).digest == first.digest


def test_an_image_for_another_platform_is_not_taken_for_the_wanted_one(
    containerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", containerd)
    for name in ("app", "two"):
        with pytest.raises(InputError, match="for linux/amd64, not for linux/s390x") as caught:
            load_image(ImageRef("docker", f"imageopt-test/{name}:1"), platform="linux/s390x")
        assert f"docker pull --platform linux/s390x imageopt-test/{name}:1" in caught.value.remedy


def test_a_layer_that_the_content_store_lacks_leads_to_the_export(
    containerd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lacking:
        """The store without its big files."""

        def __init__(self, files: Files) -> None:
            self.open, self._size = files.open, files.size

        def size(self, name: str) -> int | None:
            size = self._size(name)
            return None if size is not None and size > 2000 else size

    def stored(image: LocalImage) -> Content:
        content = real(image)
        assert isinstance(content, Content)
        return Content(Lacking(content.files), content.manifest)

    monkeypatch.setenv("DOCKER_HOST", containerd)
    real = LocalImage.stored
    whole, _ = read(ImageRef("docker", "imageopt-test/app:1"))
    monkeypatch.setattr(LocalImage, "stored", stored)
    image, notes = read(ImageRef("docker", "imageopt-test/app:1"))
    assert_same(image, whole)
    assert [note.partition(" 'blobs/sha256/")[0] for note in notes] == ["reading through an export: the image names"]


def test_podmans_records_are_what_it_exports(podman_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_host)
    reference = ImageRef("podman", "imageopt-test/app:1")
    stored, notes = read(reference)
    assert notes == []
    assert [index.checksums for index in stored.layers] == ["crc-64"] * 4
    assert_same(stored, exported(monkeypatch, reference, None))


def test_podman_without_overlay_is_read_in_place_too(
    podman_host: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_host)
    reference = ImageRef("podman", "imageopt-test/app:1")
    expected, _ = read(reference)
    with podman("vfs") as host:
        load(host, archive)
        monkeypatch.setenv("CONTAINER_HOST", host)
        found, notes = read(reference)
    assert notes == []
    assert_same(found, expected)


def test_all_engines_give_the_numbers_of_the_archive(
    podman_host: str, containerd: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_host)
    monkeypatch.setenv("DOCKER_HOST", containerd)
    names = {"podman": "imageopt-test/app:1", "docker": "imageopt-test/app:1", "docker-archive": str(archive)}
    images = [load_image(ImageRef(kind, name)) for kind, name in names.items()]  # type: ignore[arg-type]
    first = images[0]
    for other in images[1:]:
        assert (first.sizes, first.waste, first.dive) == (other.sizes, other.waste, other.dive)
        assert (first.packages, first.file_count) == (other.packages, other.file_count)


def test_podman_knows_an_image_by_each_of_its_names(podman_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_host)
    first, _ = read(ImageRef("podman", "imageopt-test/app:1"))
    assert first.digest is not None
    for name in ("localhost/imageopt-test/app:1", first.digest, first.digest[7:19]):
        assert read(ImageRef("podman", name))[0].digest == first.digest


def test_what_podman_lacks_is_to_be_pulled_with_podman(podman_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman_host)
    for name in ("imageopt-test/none:1", "localhost/none", "Not A Name", "0123456789ab"):
        with pytest.raises(InputError, match="has no image") as caught:
            load_image(ImageRef("podman", name))
        assert f"podman pull {name}" in caught.value.remedy
    with pytest.raises(InputError, match="not for linux/arm64"):
        load_image(ImageRef("podman", "imageopt-test/app:1"), platform="linux/arm64")


def test_docker_and_podman_are_told_apart(podman_host: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", podman_host)
    assert read(ImageRef("podman", "imageopt-test/app:1"))[0].source == "podman"
    assert read(ImageRef(None, "imageopt-test/app:1"))[0].source == "podman"
    monkeypatch.setenv("CONTAINER_HOST", engine)
    with pytest.raises(Exception, match="this is Docker and not Podman"):
        read(ImageRef("podman", "imageopt-test/app:1"))
