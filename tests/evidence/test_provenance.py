"""BuildKit's statement of a build, recorded, and what becomes of it when it is damaged or of another image.

`data/provenance-max.json` is the attestation that `docker buildx build --network none --provenance mode=max -o type=oci`
(BuildKit of Docker 26.1, containerd image store) wrote for the Dockerfile it holds; LAYERS are that image's.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from evidence.small_images import image
from hypothesis import given, settings
from hypothesis import strategies as st

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.provenance import read_provenance

RECORDED = (Path(__file__).parent / "data" / "provenance-max.json").read_bytes()
LAYERS = [
    "sha256:cdaf890c6535b4549d9bdb6a74ee79e5ce38e9063e856eb7303e24e9b164abea",
    "sha256:0f23b1f1000a1797cb114f6b95a36a158545a15d418b015a507af55c10697299",
    "sha256:a9ef20bc026da464c882c0913a6ebe36ea091e24e91817b8f46ca0961edefaf6",
    "sha256:a9ef20bc026da464c882c0913a6ebe36ea091e24e91817b8f46ca0961edefaf6",
    "sha256:79d7bb0b20c1669b2e4e51c1507415a8c41a93710dff077d83fe4fd6eca82154",
    "sha256:0db598a0e4ae9b39aceffe9a7bcb1e43cdf8b05dd8540200667d77191734e328",
]
BASE = "docker.io/library/alpine:latest@sha256:12b4a2bd71fd15eca3010154ed2faff6d8e432760154e28c7282ddda9c9ed42b"  # of the bed
METADATA = "https://mobyproject.org/buildkit@v1#metadata"


def test_it_names_the_line_of_each_layer_and_the_base() -> None:
    found = read_provenance(RECORDED, LAYERS)
    assert found is not None
    assert found.lines == {1: 5, 2: 6, 3: 7, 4: 8, 5: 9}  # two equal commands, told apart
    assert (found.base_layers, found.base) == (1, BASE)
    assert found.dockerfile is not None
    assert found.dockerfile.startswith(b"FROM alpine:latest AS tools\n")
    assert (found.file_name, found.target, found.build_args) == ("Dockerfile", None, {})


def test_it_decides_lines_and_base() -> None:
    provenance = read_provenance(RECORDED, LAYERS)
    assert provenance is not None
    assert provenance.dockerfile is not None
    told = join(image([None] * 6), parse(provenance.dockerfile), None, provenance=provenance)
    assert [origin and origin.instruction.line for origin in told.origins] == [4, 5, 6, 7, 8, 9]
    assert (told.base.layers, told.base.decided_by, told.base.reference) == (1, "digest", BASE)
    other = join(image([None] * 6), parse(provenance.dockerfile + b"USER 1\n"), None, provenance=provenance)
    assert [origin and origin.instruction.line for origin in other.origins] == [4, None, None, None, None, None]


def test_without_a_dockerfile_it_still_tells_the_base() -> None:
    base = join(image([None] * 6), None, None, provenance=read_provenance(RECORDED, LAYERS)).base
    assert (base.layers, base.decided_by) == (1, "digest")


def test_another_image_has_nothing_of_it() -> None:
    found = read_provenance(RECORDED, [LAYERS[1], *LAYERS[:1], *LAYERS[2:]])
    assert found is not None
    assert (found.lines, found.base_layers, found.base) == ({}, None, None)


def test_version_1_of_the_predicate_says_the_same() -> None:
    old = json.loads(RECORDED)["predicate"]
    parameters = {"args": {"target": "app", "build-arg:V": "2", "odd": 1}}
    new = {
        "buildDefinition": {
            "internalParameters": {"buildConfig": old["buildConfig"]},
            "externalParameters": {"request": parameters},
        },
        "runDetails": {"metadata": {"buildkit_metadata": old["metadata"][METADATA]}},
    }
    found, recorded = read_provenance(statement(new), LAYERS), read_provenance(RECORDED, LAYERS)
    assert found is not None
    assert recorded is not None
    assert (found.lines, found.base, found.dockerfile) == (recorded.lines, recorded.base, recorded.dockerfile)
    assert (found.target, found.build_args) == ("app", {"V": "2"})


def test_a_step_that_stands_for_two_lines_says_nothing_of_its_layer() -> None:
    document = json.loads(RECORDED)
    places = document["predicate"]["metadata"][METADATA]["source"]["locations"]
    places["step2"]["locations"] += places["step4"]["locations"]
    found = read_provenance(json.dumps(document).encode(), LAYERS)
    assert found is not None
    assert found.lines == {1: 5, 3: 7, 4: 8, 5: 9}


def test_a_line_of_another_file_is_no_line_of_this_one() -> None:
    document = json.loads(RECORDED)
    places = document["predicate"]["metadata"][METADATA]["source"]["locations"]
    places["step2"]["locations"][0]["sourceIndex"] = 1
    found = read_provenance(json.dumps(document).encode(), LAYERS)
    assert found is not None
    assert 2 not in found.lines


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"predicate": []}', b"[" * 100_000, b"\xff"])
def test_what_is_no_statement_is_none(data: bytes) -> None:
    assert read_provenance(data, LAYERS) is None


def test_a_file_that_is_not_base64_is_no_file() -> None:
    document = json.loads(RECORDED)
    document["predicate"]["metadata"][METADATA]["source"]["infos"] = [{"data": "%"}]
    found = read_provenance(json.dumps(document).encode(), LAYERS)
    assert found is not None
    assert (found.dockerfile, found.file_name) == (None, "Dockerfile")


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["source", "layers"]), json_values, json_values)
@pytest.mark.slow
def test_a_damaged_statement_says_less_and_nothing_else(key: str, damage: Any, step: Any) -> None:
    document = json.loads(RECORDED)
    document["predicate"]["metadata"][METADATA][key] = damage
    document["predicate"]["buildConfig"]["llbDefinition"][0] = step
    found = read_provenance(json.dumps(document).encode(), LAYERS)
    assert found is not None
    assert found.lines.items() <= {1: 5, 2: 6, 3: 7, 4: 8, 5: 9}.items()


def statement(predicate: dict[str, Any]) -> bytes:
    return json.dumps({"predicate": predicate}).encode()
