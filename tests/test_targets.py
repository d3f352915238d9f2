"""An image that carries its builder's statement needs no Dockerfile to be named: its own is in it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import digest, file, layer, oci_folder

from imageopt.api import analyze
from imageopt.build.options import BuildOptions
from imageopt.dockerfile import parse
from imageopt.errors import InputError, UsageError
from imageopt.evidence.join import join
from imageopt.progress import Progress
from imageopt.source.model import ImageRef
from imageopt.targets import _image_of, is_image, place_of

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


@pytest.mark.parametrize(
    ("stage", "known"), [("nope", False), ("7", False), ("-1", False), ("BUILD", True), ("0", True)]
)
def test_a_stage_that_is_not_there_is_wrong_usage(tmp_path: Path, stage: str, known: bool) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:24-slim AS build\nFROM node:24-slim\nCOPY --from=build / /\n")
    if known:
        assert analyze(str(tmp_path), options=BuildOptions(target=stage)).evidence.target == stage
    else:
        with pytest.raises(UsageError, match=f"there is no stage '{stage}' in Dockerfile") as caught:
            analyze(str(tmp_path), options=BuildOptions(target=stage))
        assert caught.value.remedy == "its stages are build, 1"


def test_a_stage_that_a_statement_made_up_is_none(tmp_path: Path) -> None:
    tree = parse(b"FROM node:24-slim\nCOPY --from=x / /\n")
    assert join(None, tree, None, target="nope").target is None


def test_what_of_a_project_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:24-slim\nUSER node\n")
    (tmp_path / "package.json").write_text("{")
    assert any(note.startswith("package.json:1: it is not JSON") for note in analyze(str(tmp_path)).notes)


class Holding:
    """An engine that has these images, and is not asked for their content."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __call__(self) -> "Holding":
        return self

    def image(self, name: str) -> dict[str, str] | None:
        return {"Id": name} if name in self.names else None

    def labelled(self, _label: str) -> list[dict[str, Any]]:
        return [{"Id": "sha256:1", "Created": 1, "RepoTags": ["imageopt/shop:latest"]}]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("has", "image", "note"),
    [
        (["team/web:1"], "team/web:1", ["the image is team/web:1: compose.yaml:3 builds it from this Dockerfile"]),
        ([], "imageopt/shop:latest", []),
    ],
)
def test_a_folder_s_image_is_compose_s_and_else_what_imageopt_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: list[str], image: str, note: list[str]
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:24-slim\n")
    (tmp_path / "compose.yaml").write_text("services:\n  web:\n    build: .\n    image: team/web:1\n")
    monkeypatch.setattr("imageopt.source.asking.Engine", Holding(*has))
    notes: list[str] = []
    found = _image_of(place_of(str(tmp_path), BuildOptions()), None, False, BuildOptions(), Progress(), notes)
    assert (found, notes) == (ImageRef("docker", image), note)


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
