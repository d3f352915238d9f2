"""An image that carries its builder's statement needs no Dockerfile to be named: its own is in it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import digest, file, layer, oci_folder

from imageopt.api import analyze
from imageopt.errors import InputError
from imageopt.targets import is_image

DOCKERFILE = b"FROM alpine:3\nRUN one\nRUN one\n"


def test_lines_and_base_are_those_of_the_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = oci_folder(tmp_path / "image", [layer(file(name, b"x")) for name in ("base", "a", "b")])
    state(folder)
    monkeypatch.chdir(tmp_path)
    found = analyze(f"oci:{folder}")
    assert [origin and origin.instruction.line for origin in found.evidence.origins] == [1, 2, 3]
    assert (found.evidence.base.layers, found.evidence.base.decided_by) == (1, "digest")
    assert "the lines are those of the Dockerfile that the image's provenance holds" in found.notes


def test_a_missing_or_an_empty_archive_is_no_name_and_no_dockerfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"'app\.tar' does not exist"):
        is_image("app.tar")
    Path("app.tar").write_bytes(b"")  # what `docker save > app.tar` leaves behind when it fails
    assert is_image("app.tar")
    assert is_image("docker-archive:missing.tar")
    assert is_image("registry:example.org/app.tar")


def test_what_of_a_project_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:24-slim\nUSER node\n")
    (tmp_path / "package.json").write_text("{")
    assert any(note.startswith("package.json:1: it is not JSON") for note in analyze(str(tmp_path)).notes)


def state(folder: Path) -> None:
    """Puts a statement beside the folder's image: two steps on a base, one for each of the lines 2 and 3."""
    index = json.loads((folder / "index.json").read_bytes())
    manifest = index["manifests"][0]["digest"]
    image = json.loads((folder / "blobs" / "sha256" / manifest.removeprefix("sha256:")).read_bytes())
    layers = [{"digest": item["digest"]} for item in image["layers"]]
    places = {f"step{line - 1}": {"locations": [{"ranges": [{"start": {"line": line}}]}]} for line in (1, 2, 3)}
    source = {"infos": [{"filename": "Dockerfile", "data": base64.b64encode(DOCKERFILE).decode()}], "locations": places}
    metadata = {"source": source, "layers": {f"step{number}:0": [layers[: number + 1]] for number in range(3)}}
    base = {
        "id": "step0",
        "op": {"Op": {"source": {"identifier": "docker-image://docker.io/library/alpine:3@sha256:0"}}},
    }
    predicate = {
        "metadata": {"https://mobyproject.org/buildkit@v1#metadata": metadata},
        "buildConfig": {"llbDefinition": [base]},
    }
    told = {
        "digest": store(folder, {"predicate": predicate}),
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    }
    index["manifests"].append(
        {
            "digest": store(folder, {"layers": [told]}),
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": manifest,
            },
        }
    )
    (folder / "index.json").write_text(json.dumps(index))


def store(folder: Path, document: Any) -> str:
    data = json.dumps(document).encode()
    (folder / "blobs" / "sha256" / digest(data).removeprefix("sha256:")).write_bytes(data)
    return digest(data)


def test_where_there_is_no_dockerfile_the_next_one_below_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as bare:
        analyze(str(tmp_path))
    assert bare.value.remedy == "name it with --file"
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "Dockerfile").write_text("FROM alpine:3\n")
    with pytest.raises(InputError) as several:
        analyze(str(tmp_path))
    assert several.value.remedy == f"name it with --file, or its folder, such as {tmp_path / 'api'}"
