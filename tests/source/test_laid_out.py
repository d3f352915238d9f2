"""An image of docker's own storage as an OCI layout: byte for byte what it was, or not at all."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakeengine import DOCKER, answering
from imagebuilder import config, digest, file, hardlink, layer, split_record

from imageopt.image.load import load_image
from imageopt.source.laid_out import main
from imageopt.source.model import ImageRef

NOT_UTF8 = "app/na\udcefve"
LAYERS = [
    layer(file("app/large", b"1" * 3_000_000), file(NOT_UTF8, b"2"), file("app/empty", b"")),
    layer(hardlink("app/again", "app/large"), file("app/.wh.gone", b"")),
]


@pytest.fixture(params=["itself", "image"])
def store(tmp_path: Path, no_engine: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The storage of an engine that has the image `app`, as the overlay2 driver keeps it.

    Where that is, the engine says of itself, or of the image.
    """
    root = tmp_path / "store"
    document = config(LAYERS)
    contents = root / "image/overlay2/imagedb/content/sha256"
    contents.mkdir(parents=True)
    (contents / digest(document).partition(":")[2]).write_bytes(document)
    chain = ""
    for number, data in enumerate(LAYERS):
        chain = digest(f"{chain} {digest(data)}".encode()) if chain else digest(data)
        entry = root / "image/overlay2/layerdb/sha256" / chain.partition(":")[2]
        entry.mkdir(parents=True)
        (entry / "cache-id").write_text(f"layer{number}")
        (entry / "tar-split.json.gz").write_bytes(gzip.compress(split_record(data)))
        folder = root / f"overlay2/layer{number}/diff"
        folder.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.isreg() and not member.name.startswith("app/.wh."):
                    place = folder / member.name
                    place.parent.mkdir(exist_ok=True)
                    place.write_bytes(content.read() if (content := archive.extractfile(member)) else b"")
    image: dict[str, Any] = {"Id": digest(document), "Os": "linux", "Architecture": "amd64"}
    about_itself = {"DockerRootDir": str(root), "Driver": "overlay2"}
    if request.param == "image":  # the engine says it of the image, and is not asked about itself
        folders = {"UpperDir": str(root / "overlay2/layer1/diff")}
        image["GraphDriver"], about_itself = {"Name": "overlay2", "Data": folders}, {}
    missing = (404, {"message": "no such image"})
    told = {
        "/images/app/json": (200, image),
        "/images/other/json": missing,
        "/info": (200, about_itself),
    }
    with answering(tmp_path / "s", DOCKER, told) as host:
        no_engine.setenv("DOCKER_HOST", host)
        yield root


def test_it_is_what_it_was(store: Path, tmp_path: Path) -> None:
    assert main("app", str(tmp_path / "layout")) == 0
    for data in LAYERS:
        assert (tmp_path / "layout/blobs/sha256" / digest(data).partition(":")[2]).read_bytes() == data
    image = load_image(ImageRef("oci", str(tmp_path / "layout")), verify_digests=True)
    assert [one.diff_id for one in image.layers] == [digest(data) for data in LAYERS]
    assert image.config.architecture == "amd64"


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone", "a link"])
def test_what_is_not_what_it_was_is_not_laid_out(
    store: Path, tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = store / "overlay2/layer0/diff/app/large"
    place.unlink()
    match harm:
        case "changed":
            place.write_bytes(b"0" * 3_000_000)
        case "shorter":
            place.write_bytes(b"1")
        case "a link":
            place.symlink_to("/dev/zero")
    assert main("app", str(tmp_path / "layout")) == 1
    assert "a layer's file" in capsys.readouterr().err


def test_an_engine_that_does_not_have_it(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("other", str(tmp_path / "layout")) == 1
    assert "other" in capsys.readouterr().err
    assert not (tmp_path / "layout").exists()


@pytest.mark.engine
def test_the_engine_s_own_image(engine: str, tmp_path: Path) -> None:
    name = "node:20-alpine"
    assert main(name, str(tmp_path / "layout")) == 0
    laid_out = load_image(ImageRef("oci", str(tmp_path / "layout")), verify_digests=True)
    there = load_image(ImageRef("docker", name))
    assert laid_out.sizes.unpacked_bytes == there.sizes.unpacked_bytes
    assert [one.diff_id for one in laid_out.layers] == [one.diff_id for one in there.layers]
    manifest = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"][0]["digest"].partition(":")[2]
    document = json.loads((tmp_path / "layout/blobs/sha256" / manifest).read_bytes())
    assert hashlib.sha256((tmp_path / "layout/blobs/sha256" / manifest).read_bytes()).hexdigest() == manifest
    assert document["config"]["digest"] == there.digest
