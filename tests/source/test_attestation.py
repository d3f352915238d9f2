"""BuildKit's statement beside an image: found where it is, and no harm where it is not or is damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import digest, file, layer, oci_folder

from imageopt.source.attestation import provenance_statement
from imageopt.source.files import FolderFiles
from imageopt.source.model import ImageRef
from imageopt.source.read import read_image

STATEMENT = b'{"predicate": {}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return oci_folder(tmp_path / "image", [layer(file("a"))])


@pytest.mark.parametrize("nested", [False, True])
def test_an_image_comes_with_its_statement(folder: Path, nested: bool) -> None:
    attest(folder, nested=nested)
    read = read_image(ImageRef("oci", str(folder)), lambda stream: len(stream.read()))
    assert read.statement == STATEMENT


def test_an_image_without_one_has_none(folder: Path) -> None:
    assert read_image(ImageRef("oci", str(folder)), lambda stream: len(stream.read())).statement is None


@pytest.mark.parametrize(
    ("kind", "predicate", "of"),
    [
        ("attestation-manifest", "https://slsa.dev/provenance/v0.2", "sha256:other"),
        ("attestation-manifest", "https://spdx.dev/Document", None),
        ("something-else", "https://slsa.dev/provenance/v1", None),
    ],
)
def test_a_statement_of_another_kind_or_image_is_passed_over(
    folder: Path, kind: str, predicate: str, of: str | None
) -> None:
    assert found(folder, attest(folder, kind=kind, predicate=predicate, of=of)) is None


@pytest.mark.parametrize("damaged", ["statement", "manifest", "index.json"])
def test_a_damaged_or_missing_one_is_none(folder: Path, damaged: str) -> None:
    of = attest(folder)
    names = {path.read_bytes(): path for path in (folder / "blobs" / "sha256").iterdir()}
    manifest = next(path for data, path in names.items() if STATEMENT_DIGEST.encode() in data)
    path = {"statement": names[STATEMENT], "manifest": manifest, "index.json": folder / "index.json"}[damaged]
    path.write_bytes(b"{")
    assert found(folder, of) is None
    path.unlink()
    assert found(folder, of) is None


def test_an_index_that_leads_to_itself_ends(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_bytes())
    inner = store(folder, {"manifests": [{"digest": "sha256:00", "mediaType": INDEX}]})
    index["manifests"] += [{"digest": inner, "mediaType": INDEX}] * 2
    (folder / "index.json").write_text(json.dumps(index))
    assert found(folder, "sha256:none") is None


STATEMENT_DIGEST = digest(STATEMENT)
INDEX = "application/vnd.oci.image.index.v1+json"


def found(folder: Path, manifest: str) -> bytes | None:
    return provenance_statement(FolderFiles(folder), manifest)


def attest(
    folder: Path,
    *,
    kind: str = "attestation-manifest",
    predicate: str = "https://slsa.dev/provenance/v0.2",
    of: str | None = None,
    nested: bool = False,
) -> str:
    """Puts a statement beside the folder's image, as BuildKit does; gives the image's manifest digest."""
    index = json.loads((folder / "index.json").read_bytes())
    manifest: str = index["manifests"][0]["digest"]
    (folder / "blobs" / "sha256" / STATEMENT_DIGEST.removeprefix("sha256:")).write_bytes(STATEMENT)
    described = {"digest": STATEMENT_DIGEST, "annotations": {"in-toto.io/predicate-type": predicate}}
    notes = {"vnd.docker.reference.type": kind, "vnd.docker.reference.digest": of or manifest}
    beside = {
        "digest": store(folder, {"layers": [{"annotations": 1}, described]}),
        "annotations": notes,
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    index["manifests"].append(beside)
    if nested:
        index = {"manifests": [{"digest": store(folder, index), "mediaType": INDEX}]}
    (folder / "index.json").write_text(json.dumps(index))
    return manifest


def store(folder: Path, document: Any) -> str:
    data = json.dumps(document).encode()
    (folder / "blobs" / "sha256" / digest(data).removeprefix("sha256:")).write_bytes(data)
    return digest(data)
