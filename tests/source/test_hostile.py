"""What a hostile or broken image may hold: each is an InputError in bounded time and memory, never a crash or a hang."""

import contextlib
import gzip
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from imagebuilder import blob_name, config, digest, docker_archive, file, layer, oci_folder, write_tar

from imageopt.errors import ImageoptError, InputError
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.reference import parse_reference

ONE = layer(file("a", b"1" * 100))


def load(reference: str) -> Image:
    return load_image(parse_reference(reference))


def negative_size() -> bytes:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def with_pax(**records: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("a")
        member.pax_headers = records
        tar.addfile(member)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [negative_size(), with_pax(mtime="soon"), with_pax(mtime="nan"), with_pax(mtime="inf"), with_pax(size="9" * 5000),
     with_pax(uid="-1")],
    ids=["negative size", "mtime is text", "mtime is nan", "mtime is inf", "a size of 5000 digits", "negative uid"],
)  # fmt: skip
def test_headers_that_lie(data: bytes) -> None:
    with pytest.raises(InputError):
        index_layer(io.BytesIO(data))


def test_a_tar_goes_on_after_no_block_of_zeros() -> None:
    """Two of them end a tar: engines refuse one in the middle, and what is behind it must not be hidden by it."""
    entry = ONE[:1024]
    for ended in (entry, entry + bytes(512), entry + bytes(1024) + entry):
        assert [found.path for found in index_layer(io.BytesIO(ended)).entries] == ["a"]
    with pytest.raises(InputError, match=r"has a block of zeros in the middle \(at byte 1024\)"):
        index_layer(io.BytesIO(entry + bytes(512) + entry))


def test_an_old_entry_with_a_slash_is_a_folder() -> None:
    header = bytearray(tarfile.TarInfo("d").tobuf(tarfile.USTAR_FORMAT))
    header[0:3] = b"d/\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (entry,) = index_layer(io.BytesIO(bytes(header) + bytes(1024))).entries
    assert (entry.path, entry.kind) == ("d", "directory")


BOMB = """
import pathlib, re, sys
from imageopt.image.layer import index_layer
with open(sys.argv[1], "rb") as stream:
    found = index_layer(stream)
peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
print(found.entries[0].size, peak)  # not ru_maxrss, which a child has from its parent
"""


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
@pytest.mark.slow
def test_a_bomb_stays_within_memory(tmp_path: Path, packed: str) -> None:
    """500 MB of zeros in a stream a thousand times smaller, read in less than 150 MB."""
    size = 500_000_000
    member = tarfile.TarInfo("zeros")
    member.size = size
    path = tmp_path / "bomb"
    opened: Any = gzip.open if packed == "gzip" else zstd.open
    with opened(path, "wb") as out:
        out.write(member.tobuf())
        for _ in range(size // 1_000_000):
            out.write(bytes(1_000_000))
        out.write(bytes(-size % 512 + 1024))
    assert path.stat().st_size < size / 500
    done = subprocess.run([sys.executable, "-c", BOMB, path], capture_output=True, text=True, timeout=120, check=True)
    found, peak_kib = map(int, done.stdout.split())
    assert found == size
    assert peak_kib < 150 * 1024


@pytest.mark.parametrize("name", ["config", "manifest"])
def test_a_document_that_is_not_its_digest_is_refused(tmp_path: Path, name: str) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    (listed,) = json.loads((layout / "index.json").read_text())["manifests"]
    path = layout / "blobs" / "sha256" / listed["digest"][7:]
    if name == "config":
        path = layout / "blobs" / "sha256" / json.loads(path.read_text())["config"]["digest"][7:]
    path.write_text(path.read_text().replace("amd64", "arm64") + " ")
    with pytest.raises(InputError, match="digest"):
        load(f"oci:{layout}")


SETTINGS = config([ONE])
MANIFESTS: dict[str, Any] = {
    "layers of a number": [{"Config": "c.json", "Layers": 3}],
    "layers of numbers": [{"Config": "c.json", "Layers": [3]}],
    "tags of a number": [{"Config": "c.json", "RepoTags": 3, "Layers": ["1"]}],
    "tags of numbers": [{"Config": "c.json", "RepoTags": [3], "Layers": ["1"]}, {"Config": "c.json", "Layers": ["1"]}],
    "no configuration": [{"Layers": ["1"]}, {"Layers": ["1"]}],
    "a very long name": [{"Config": "c" * 5000, "Layers": ["1"]}],
}


@pytest.mark.parametrize("choice", ["", ":app"])
@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_docker_manifests_of_the_wrong_shape(tmp_path: Path, manifest: Any, choice: str) -> None:
    files = {"c.json": SETTINGS, "1": ONE, "manifest.json": json.dumps(manifest).encode()}
    reference = f"docker-archive:{write_tar(tmp_path / 'a.tar', files)}{choice}"
    with contextlib.suppress(ImageoptError):  # what can be read of it may be read; nothing else may come out
        load(reference)


INDEXES: dict[str, Any] = {
    "a list": [1],
    "manifests of a number": {"manifests": 3},
    "manifests of numbers": {"manifests": [3]},
    "annotations of a list": {"manifests": [{"digest": "sha256:0", "annotations": [1]}]},
    "a media type of a list": {"manifests": [{"digest": "sha256:0", "mediaType": [1]}]},
    "a platform of a text": {"manifests": [{"digest": "sha256:" + "0" * 64, "platform": "linux"}] * 2},
    "a very long digest": {"manifests": [{"digest": "sha256:" + "a" * 5000}]},
    "another algorithm": {"manifests": [{"digest": "md5:00"}]},
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_indexes_of_the_wrong_shape(tmp_path: Path, index: Any) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(ImageoptError):
        load(f"oci:{layout}")


@pytest.mark.parametrize("manifest", [{"layers": 3}, {"layers": [3]}, {"config": {"digest": 3}}, [1], 3])
def test_manifests_of_the_wrong_shape(tmp_path: Path, manifest: Any) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    settings = {"config": {"digest": digest(SETTINGS)}, "layers": []}
    data = json.dumps({**settings, **manifest} if isinstance(manifest, dict) else manifest).encode()
    (layout / blob_name(data)).write_bytes(data)
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": digest(data)}]}))
    with pytest.raises(ImageoptError):
        load(f"oci:{layout}")


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    (listed,) = json.loads((layout / "index.json").read_text())["manifests"]
    path = layout / "blobs" / "sha256" / listed["digest"][7:]
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(InputError):
        load(f"oci:{layout}")
    files = {"c.json": SETTINGS, "manifest.json": json.dumps([{"Config": "c.json", "Layers": ["1"]}]).encode()}
    with pytest.raises(InputError):
        load(f"docker-archive:{write_tar(tmp_path / 'a.tar', files, links={'1': '2', '2': '1'})}")


def test_a_name_longer_than_a_file_name_may_be(tmp_path: Path) -> None:
    for text in ("a" * 5000, f"docker-archive:{'a' * 5000}", f"oci:{'a' * 5000}"):
        with pytest.raises(ImageoptError):
            load(text)


def test_a_path_with_colons_in_it(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "a:b.tar", [ONE], tag="app:1")
    assert load(f"docker-archive:{path}").file_count == 1
    assert load(f"docker-archive:{path}:app:1").file_count == 1
