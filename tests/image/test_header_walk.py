"""Plain tars walked by their headers: the same as when they are read whole, without reading what no other is as big as."""

import io
import shutil
from pathlib import Path

import pytest
from imagebuilder import Item, docker_archive, file, folder, hardlink, layer, oci_folder, symlink, whiteout

from imageopt.errors import InputError
from imageopt.image import header_walk, load
from imageopt.image.header_walk import walk_headers
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.model import ImageRef

BIG, OTHER, LONE = b"b" * 5000, b"o" * 5000, b"l" * 6000
LAYERS: list[list[Item]] = [
    [folder("a"), file("a/big", BIG), file("a/small", b"s"), file("a/lone", LONE), file("etc/passwd", b"root")],
    [file("a/big", BIG), file("a/copy", BIG), hardlink("a/link", "a/copy"), symlink("l", "a"), file("\udcff", OTHER)],
    [whiteout("a/small"), file("a/copy", OTHER), file("a/" + 150 * "long", b"x" * 200)],
]


@pytest.fixture(autouse=True)
def everything_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_walk, "_SMALL", 1000)
    monkeypatch.setattr(header_walk, "_CHUNK", 700)
    monkeypatch.setattr(load, "_READ_WHOLE", 0)


def both(reference: ImageRef) -> tuple[Image, Image]:
    return load_image(reference), load_image(reference, verify_digests=True)


@pytest.mark.parametrize("kind", ["docker-archive", "oci"])
def test_the_same_numbers_as_from_reading_it_all(tmp_path: Path, kind: str) -> None:
    tars = [layer(*items) for items in LAYERS]
    if kind == "oci":
        walked, read = both(ImageRef("oci", str(oci_folder(tmp_path / "oci", tars, packed=False))))
    else:
        walked, read = both(ImageRef("docker-archive", str(docker_archive(tmp_path / "a.tar", tars))))
    assert (walked.digest_verified, read.digest_verified) == (False, True)
    for name in ("sizes", "waste", "layers", "links", "contents", "packages", "duplicate_content_bytes", "file_count",
                 "dive", "problems", "digest"):  # fmt: skip
        assert getattr(walked, name) == getattr(read, name), name
    assert [record._replace(checksum=b"") for record in walked.files] == [
        record._replace(checksum=b"") for record in read.files
    ]
    assert walked.waste == {"deleted": 1, "overwritten_same": 5000, "overwritten_changed": 0, "duplicate_entry": 0}
    lone = next(record for record in walked.files if record.path == "a/lone")
    assert lone.checksum == b""  # nothing is as big: it was not read


def test_a_program_is_looked_into_where_it_lies(tmp_path: Path) -> None:
    program = Path(shutil.which("true") or "/bin/true").read_bytes() + b"#" * 2000
    tar = layer(file("app/addon.node", program), file("app/after", BIG))
    walked, read = both(ImageRef("docker-archive", str(docker_archive(tmp_path / "a.tar", [tar]))))
    assert list(walked.elf) == ["app/addon.node"]
    assert walked.elf == read.elf
    assert [record.path for record in walked.files] == ["app/addon.node", "app/after"]


def test_what_is_captured_is_read_however_big(tmp_path: Path) -> None:
    status = b"Package: x\nStatus: install ok installed\nVersion: 1\n" + b"#" * 3000
    archive = docker_archive(tmp_path / "a.tar", [layer(file("var/lib/dpkg/status", status))])
    image = load_image(ImageRef("docker-archive", str(archive)))
    assert image.contents["var/lib/dpkg/status"] == status
    assert [package.name for package in image.packages.system] == ["x"]


@pytest.mark.parametrize("cut", [100, 600, 3000, 5500, 5530])
def test_a_tar_that_breaks_off_is_damaged(cut: int) -> None:
    data = layer(file("a", BIG), file("b", b"x" * 100))[:cut]
    with pytest.raises(InputError, match="breaks off") as walked:
        walk_headers(io.BytesIO(data), len(data))
    with pytest.raises(InputError) as read:
        index_layer(io.BytesIO(data))
    assert walked.value.cause == read.value.cause
    assert "b'" not in walked.value.cause


def test_a_digest_is_checked_where_that_is_asked_for(tmp_path: Path) -> None:
    tars = [layer(file("a", BIG))]
    archive = docker_archive(tmp_path / "a.tar", tars)
    archive.write_bytes(archive.read_bytes().replace(b"bbbb", b"bbbx", 1))
    reference = ImageRef("docker-archive", str(archive))
    assert not load_image(reference).digest_verified
    with pytest.raises(InputError, match="damaged"):
        load_image(reference, verify_digests=True)
