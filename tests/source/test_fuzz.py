"""Whatever is done to an image's documents and bytes: it is read, or refused in one line; nothing else comes out.

Documents are changed value by value, with every digest above them made right again, so that the change is what is
read. Bytes are changed blindly.
"""

import contextlib
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imagebuilder import (
    blob_name,
    config,
    digest,
    docker_archive,
    file,
    folder,
    hardlink,
    layer,
    split_record,
    symlink,
    whiteout,
)

from imageopt.errors import ImageoptError, InputError
from imageopt.image.header_walk import walk_headers
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.split import index_split
from imageopt.source.export import ExportReader
from imageopt.source.files import Files
from imageopt.source.layout import docker_layout
from imageopt.source.model import ImageRef
from imageopt.source.overlay2 import SplitLayer, Surprise

pytestmark = pytest.mark.slow

ONE = layer(folder("d"), file("d/a", b"1" * 700), hardlink("d/b", "d/a"), symlink("s", "d"), file("x" * 150, b"2"))
TWO = layer(whiteout("d/a"), file("etc/os-release", b'ID="x"\n'), file("app/package.json", b'{"name": "x"}'))
LAYERS = [ONE, TWO]
INDEX = "application/vnd.oci.image.index.v1+json"
WRONG: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, float("inf"), "", "x", "a\x1b[31m\n\u202eb", "../../etc/passwd", "sha256:" + "0" * 64,
    "\ud800", [], [[]], [None, 1, "x", {}], {}, {"": None}, {"digest": 1, "platform": [], "annotations": ""},
]  # fmt: skip


def refused_in_one_line(read: Callable[[], object]) -> str | None:
    """The cause, where reading it was refused; None where it was read. Anything else comes out as it is."""
    try:
        read()
    except ImageoptError as error:
        refused = error
    else:
        return None
    assert refused.exit_code in (2, 3)  # 2: several images would do, or the reference is to blame
    for line in (refused.cause, refused.remedy):
        assert line
        assert line.isprintable()
        assert len(line) < 2000
    return refused.cause


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document, the whole of it included."""
    yield at
    match value:
        case dict():
            for key, inner in value.items():
                yield from places(inner, (*at, key))
        case list():
            for number, inner in enumerate(value):
                yield from places(inner, (*at, number))


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The document with another value at that place."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = changed(value[at[0]], at[1:], new)
    return copy


SETTINGS: dict[str, Any] = json.loads(
    config(LAYERS, created_by=["RUN a", None, "RUN b"], settings={
        "User": "node", "Env": ["A=1"], "Entrypoint": ["a"], "Cmd": ["b"], "WorkingDir": "/", "ExposedPorts": {"1/tcp": {}},
        "Volumes": {"/v": {}}, "Labels": {"a": "b"}, "StopSignal": "9", "Healthcheck": {"Test": ["NONE"]}, "Shell": ["sh"],
    }, variant="v8")
)  # fmt: skip


class Memory:
    """An image's files held in memory, as an archive or folder would give them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def size(self, name: str) -> int | None:
        return len(self._files[name]) if name in self._files else None

    def open(self, name: str) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._files[name]))


def dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def docker_files(settings: Any, manifest: Any = None) -> dict[str, bytes]:
    listed = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["1", "2"]}] if manifest is None else manifest
    return {"c.json": dumped(settings), "1": ONE, "2": TWO, "manifest.json": dumped(listed)}


DOCKER_MANIFEST = json.loads(docker_files({})["manifest.json"])
OCI_MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"digest": digest(dumped(SETTINGS)), "size": 1, "mediaType": "application/vnd.oci.image.config.v1+json"},
    "layers": [
        {
            "digest": digest(data),
            "size": len(data),
            "mediaType": "a",
            "urls": ["https://example.com"],
            "annotations": {},
        }
        for data in LAYERS
    ],
}
LISTED = {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}, "annotations": {
    "org.opencontainers.image.ref.name": "app:1", "vnd.docker.reference.type": "image"}, "size": 1}  # fmt: skip


def oci_files(manifest: Any, inner: Any = None, outer: Any = None) -> dict[str, bytes]:
    """A layout with an index in the index; what is not given is made to fit."""
    if inner is None:
        inner = {"schemaVersion": 2, "manifests": [{**LISTED, "digest": digest(dumped(manifest))}]}
    if outer is None:
        outer = {"schemaVersion": 2, "manifests": [{**LISTED, "mediaType": INDEX, "digest": digest(dumped(inner))}]}
    blobs = [dumped(manifest), dumped(inner), dumped(SETTINGS), *LAYERS]
    return {"index.json": dumped(outer), **{blob_name(data): data for data in blobs}}


INNER = {"schemaVersion": 2, "manifests": [{**LISTED, "digest": digest(dumped(OCI_MANIFEST))}]}
OUTER = json.loads(oci_files(OCI_MANIFEST)["index.json"])
DOCUMENTS: dict[str, tuple[str, Any, Callable[[Any], dict[str, bytes]]]] = {
    "configuration": ("docker-archive", SETTINGS, docker_files),
    "docker manifest": ("docker-archive", DOCKER_MANIFEST, lambda changed: docker_files(SETTINGS, changed)),
    "manifest": ("oci", OCI_MANIFEST, oci_files),
    "inner index": ("oci", INNER, lambda changed: oci_files(OCI_MANIFEST, changed)),
    "outer index": ("oci", OUTER, lambda changed: oci_files(OCI_MANIFEST, INNER, changed)),
}


@pytest.fixture
def read_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str, Mapping[str, bytes], str | None], object]:
    """Reads an image whose files are in memory, by the whole way that an archive or a folder goes."""
    from imageopt.source import read

    def load(kind: str, files: Mapping[str, bytes], platform: str | None = None) -> object:
        found: Files = Memory(files)
        monkeypatch.setattr(read, "TarFiles", lambda _path: found)
        monkeypatch.setattr(read, "FolderFiles", lambda _path: found)
        return load_image(ImageRef("oci" if kind == "oci" else "docker-archive", str(tmp_path)), platform=platform)

    return load


@pytest.mark.parametrize(("kind", "document", "files"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_value_of_every_document_may_be_wrong(
    read_files: Callable[..., object], kind: str, document: Any, files: Callable[[Any], dict[str, bytes]]
) -> None:
    assert refused_in_one_line(partial(read_files, kind, files(document))) is None
    refused = 0
    for at in places(document):
        for wrong in WRONG:
            broken = files(changed(document, at, wrong))
            refused += refused_in_one_line(partial(read_files, kind, broken)) is not None
    assert refused


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip members": lambda data: b"".join(
        gzip.compress(data[at : at + 900], mtime=0) for at in range(0, len(data), 900)
    ),
    "zstd": zstd.compress,
    "zstd frames": lambda data: b"".join(zstd.compress(data[at : at + 900]) for at in range(0, len(data), 900)),
}


@pytest.mark.parametrize("packing", PACKINGS.values(), ids=PACKINGS)
def test_a_layer_cut_anywhere_is_refused(read_files: Callable[..., object], packing: Callable[[bytes], bytes]) -> None:
    """Where the cut leaves a shorter tar that is whole, its digest tells."""
    whole = packing(ONE)
    assert refused_in_one_line(partial(read_files, "docker-archive", {**docker_files(SETTINGS), "1": whole})) is None
    step = max(1, len(whole) // 150)
    for length in {*range(0, len(whole), step), *range(len(whole) - 40, len(whole))}:
        files = {**docker_files(SETTINGS), "1": whole[:length]}
        with pytest.raises(InputError):
            read_files("docker-archive", files)


def test_an_archive_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = docker_archive(tmp_path / "whole.tar", LAYERS).read_bytes()
    end = whole.rindex(b"}]") + 2  # after it comes padding alone
    path = tmp_path / "cut.tar"
    for length in {*range(0, end, 331), *range(end - 20, end)}:
        path.write_bytes(whole[:length])
        assert refused_in_one_line(partial(load_image, ImageRef("docker-archive", str(path)))), length


def read_record(data: bytes, folder: Path) -> None:
    record = folder / "tar-split.json.gz"
    record.write_bytes(gzip.compress(data, 1, mtime=0))
    with contextlib.suppress(Surprise):  # then the engine's export is read
        index_split(SplitLayer("sha256:1", record, folder))


def read_export(data: bytes) -> None:
    export = ExportReader(io.BytesIO(data).read, index_layer)
    docker_layout(export, None)


def read_archive(data: bytes, folder: Path) -> None:
    path = folder / "mutated.tar"
    path.write_bytes(data)
    load_image(ImageRef("docker-archive", str(path)))


changes = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["set", "insert", "delete", "copy"]),
        st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from([b"\xff" * 12, b"77777777777\0", b"0" * 512, b"-1 a=b\n"])),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def mutated(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    """The bytes with pieces overwritten, inserted, taken out and repeated."""
    for where, how, piece in edits:
        at = int(where * len(data))
        after = {"set": at + len(piece), "insert": at, "delete": at + len(piece) * 40, "copy": at}[how]
        middle = {"set": piece, "insert": piece, "delete": b"", "copy": data[at : at + 512 * len(piece)]}[how]
        data = data[:at] + middle + data[after:]
    return data


def headers_set_right(data: bytes) -> bytes:
    """The same with every header's checksum made right, so that what the header says is believed."""
    fixed = bytearray(data)
    for at in range(0, len(data) - 511, 512):
        if data[at + 257 : at + 262] == b"ustar":
            fixed[at + 148 : at + 156] = b" " * 8
            fixed[at + 148 : at + 156] = b"%06o\0 " % sum(fixed[at : at + 512])
    return bytes(fixed)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all examples of a test share."""
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=100, deadline=None)
@given(changes, st.booleans())
@example([(0.05, "set", b"\xff" * 12)], True)
@example([(0.0, "copy", b"123456789012")], True)
def test_changed_bytes_are_read_or_refused(
    scratch: Path, edits: list[tuple[float, str, bytes]], believed: bool
) -> None:
    settle = headers_set_right if believed else bytes
    tar = settle(mutated(ONE, edits))
    archive = settle(mutated(docker_archive(scratch / "whole.tar", LAYERS).read_bytes(), edits))
    for packing in PACKINGS.values():
        refused_in_one_line(partial(index_layer, io.BytesIO(packing(tar))))
        refused_in_one_line(partial(index_layer, io.BytesIO(mutated(packing(ONE), edits))))
    refused_in_one_line(partial(walk_headers, io.BytesIO(tar), len(tar)))
    refused_in_one_line(partial(read_archive, archive, scratch))
    refused_in_one_line(partial(read_export, archive))
    refused_in_one_line(partial(read_record, mutated(split_record(ONE), edits), scratch))
