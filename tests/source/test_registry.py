"""Images straight from a registry: one made here, with faults on demand, and the real one of the bed."""

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imagebuilder import config, digest, file, layer
from registryserver import INDEX, MANIFEST, Registry, serving

from imageopt.errors import ImageoptError, InputError, ToolFailed, UsageError
from imageopt.image.cache import LayerCache
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.progress import Progress
from imageopt.source import web
from imageopt.source.layout import ManifestSizes
from imageopt.source.model import ImageRef
from imageopt.source.place import parse_place
from imageopt.source.registry import manifest_sizes

ONE, TWO = layer(file("a", b"1" * 100_000)), layer(file("b", bytes(range(256)) * 2000))
SIZES = [len(gzip.compress(data, mtime=0)) for data in (ONE, TWO)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    """An open registry with an image of two layers, and a user who has never logged in."""
    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving() as made:
        made.push("1", [ONE, TWO])
        yield made


def load(server: Registry, tag: str = "1", **how: Any) -> Image:
    return load_image(ImageRef("registry", f"{server.host}/team/app{tag if '@' in tag else f':{tag}'}"), **how)


def paths(image: Image) -> list[str]:
    return [record.path for record in image.files]


def test_an_image_by_its_tag(server: Registry) -> None:
    image = load(server)
    assert [(record.path, record.birth) for record in image.files] == [("a", 0), ("b", 1)]
    assert image.source == "registry"
    assert image.sizes.download_bytes == sum(SIZES)
    assert [layer.download_bytes for layer in image.layers] == SIZES
    assert image.digest == digest(server.manifests["1"][1])
    blobs = [digest(config([ONE, TWO])), *(layer.digest for layer in image.layers)]
    assert sorted(server.paths) == sorted(["manifests/1", *(f"blobs/{name}" for name in blobs)])  # each once


def test_an_image_by_its_digest(server: Registry) -> None:
    name = digest(server.manifests["1"][1])
    assert load(server, f"@{name}").digest == name
    server.manifests[name] = (MANIFEST, b"{}")
    with pytest.raises(InputError, match="not what its digest promises") as caught:
        load(server, f"@{name}")
    assert caught.value.exit_code == 3


def test_a_layer_that_is_known_is_not_downloaded(server: Registry, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    first = load(server, cache=cache)
    server.asked.clear()
    again = load(server, cache=cache)
    assert (again.files, again.sizes) == (first.files, first.sizes)
    assert server.paths == ["manifests/1", f"blobs/{digest(config([ONE, TWO]))}"]


def test_a_layer_that_is_stored_unpacked_is_downloaded_as_it_is(server: Registry) -> None:
    server.push("plain", [ONE, TWO], plain=True)
    image = load(server, "plain")
    assert image.sizes.download_bytes == len(ONE) + len(TWO)
    assert image.sizes.download_bytes == manifest_sizes(parse_place(f"{server.host}/team/app:plain")).download_bytes


def test_a_layer_twice_is_downloaded_once(server: Registry) -> None:
    server.push("twice", [ONE, TWO, ONE])
    image = load(server, "twice")
    assert len(image.layers) == 3
    assert image.sizes.download_bytes == sum(SIZES)
    sizes = manifest_sizes(parse_place(f"{server.host}/team/app:twice"))
    assert [size for _, size in sizes.layers] == [SIZES[0], SIZES[1], SIZES[0]]
    assert sizes.download_bytes == sum(SIZES)


def test_a_layer_can_be_opened_once_more(server: Registry) -> None:
    from imageopt.image.layer import index_layer
    from imageopt.source.read import read_image

    read = read_image(ImageRef("registry", f"{server.host}/team/app:1"), index_layer)
    assert read.reopen is not None
    with read.reopen(1) as stream:
        assert gzip.decompress(stream.read()) == TWO


# ---- indexes and platforms --------------------------------------------------------------------------------------


@pytest.fixture
def many(server: Registry) -> Registry:
    """An index `many` of two platforms, with an attestation."""
    amd64, arm64 = server.push("amd64", [ONE]), server.push("arm64", [TWO], architecture="arm64", variant="v8")
    server.index("many", (amd64, "linux/amd64"), (arm64, "linux/arm64/v8"), (digest(b"-"), "unknown/unknown"))
    server.asked.clear()
    return server


@pytest.mark.parametrize(
    ("platform", "path"),
    [("linux/amd64", "a"), ("linux/amd64/v1", "a"), ("linux/arm64", "b"), ("linux/arm64/v8", "b")],
)
def test_the_platform_is_chosen_from_an_index(many: Registry, platform: str, path: str) -> None:
    assert paths(load(many, "many", platform=platform)) == [path]


def test_this_machines_platform_is_taken_where_none_is_named(many: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine="aarch64"))
    assert paths(load(many, "many")) == ["b"]


def test_a_platform_that_is_not_there_is_told_with_those_that_are(many: Registry) -> None:
    with pytest.raises(InputError, match="fits linux/s390x: it holds sha256:") as caught:
        load(many, "many", platform="linux/s390x")
    assert "(linux/amd64)" in caught.value.cause
    assert "(linux/arm64/v8)" in caught.value.cause
    with pytest.raises(InputError, match="is for linux/amd64, not for linux/arm64"):
        load(many, "amd64", platform="linux/arm64")
    assert paths(load(many, "arm64")) == ["b"]  # nothing was asked for: it is what there is


def test_the_exact_platform_comes_before_its_variants(server: Registry) -> None:
    plain, newer = server.push("plain", [ONE]), server.push("newer", [TWO])
    server.index("many", (newer, "linux/amd64/v3"), (plain, "linux/amd64"))
    assert paths(load(server, "many", platform="linux/amd64")) == ["a"]
    assert paths(load(server, "many", platform="linux/amd64/v3")) == ["b"]
    server.index("two", (newer, "linux/arm/v6"), (plain, "linux/arm/v7"))
    with pytest.raises(UsageError, match="several images"):
        load(server, "two", platform="linux/arm")


def test_an_index_in_an_index(many: Registry) -> None:
    many.index("nested", (digest(many.manifests["many"][1]), ""), kind=INDEX)
    assert paths(load(many, "nested", platform="linux/arm64")) == ["b"]


def test_indexes_end(server: Registry) -> None:
    """No honest index can name itself, since it would have to hold its own digest; a registry may try."""
    inner = digest(b"inner")
    server.index("1", (inner, ""), kind=INDEX)
    server.manifests[inner] = server.manifests["1"]
    with pytest.raises(InputError, match="not what its digest promises"):
        load(server, "1")
    name = server.push("0", [ONE])
    for depth in range(12):
        name = server.index(f"deep{depth}", (name, ""), kind=INDEX if depth else MANIFEST)
    with pytest.raises(InputError, match="leads back to itself"):
        load(server, "deep11")
    assert paths(load(server, "deep5", platform="linux/amd64")) == ["a"]
    wide = [(server.index(f"wide{count}", (digest(b"%d" % count), "linux/amd64")), "") for count in range(80)]
    server.index("wide", *wide, kind=INDEX)
    with pytest.raises(InputError, match="too many"):
        load(server, "wide")


@pytest.mark.parametrize(
    ("told", "document"),
    [("application/json", {}), ("", {"mediaType": INDEX}), ("text/plain; charset=utf-8", {"mediaType": 7})],
)
def test_an_index_of_which_the_registry_says_no_type(many: Registry, told: str, document: dict[str, Any]) -> None:
    data = json.loads(many.manifests["many"][1])
    many.put("many", told, {**data, **document})
    assert paths(load(many, "many", platform="linux/amd64")) == ["a"]


# ---- what is damaged, missing or no image -----------------------------------------------------------------------


def test_what_is_not_there(server: Registry) -> None:
    with pytest.raises(InputError, match=r"there is no image 127.0.0.1:\d+/team/app:2") as caught:
        load(server, "2")
    assert caught.value.exit_code == 3
    stored = digest(gzip.compress(TWO, mtime=0))
    del server.blobs[stored]
    with pytest.raises(InputError, match=f"lacks {stored[:19]}"):
        load(server)


def test_a_layer_that_is_not_what_its_digest_promises(server: Registry) -> None:
    stored = gzip.compress(TWO, mtime=0)
    server.blobs[digest(stored)] = gzip.compress(ONE, mtime=0).ljust(len(stored), b"\0")
    with pytest.raises(InputError, match="damaged"):
        load(server)
    server.blobs[digest(stored)] = stored + b"more"
    assert paths(load(server)) == ["a", "b"]  # what lies behind the stated size is not even read
    server.blobs[digest(stored)] = stored[:-9]
    with pytest.raises(InputError, match="only the beginning"):
        load(server)


def test_a_configuration_that_is_not_what_its_digest_promises(server: Registry) -> None:
    name = digest(config([ONE, TWO]))
    server.blobs[name] = config([TWO, ONE])
    with pytest.raises(InputError, match="not what its digest promises"):
        load(server)


def test_a_foreign_layer_is_refused(server: Registry) -> None:
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    server.push("foreign", [ONE, TWO], more=[{"mediaType": kind, "urls": [f"http://{server.host}/secret"]}])
    with pytest.raises(InputError, match="layer 0 is kept elsewhere"):
        load(server, "foreign")
    assert not any("secret" in asked.path for asked in server.asked)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"<html>", "is not JSON"),
        ([1, 2], "is not one"),
        ({}, "names no configuration"),
        ({"schemaVersion": 1, "fsLayers": []}, "old schema 1"),
        ({"manifests": [], "layers": []}, "an index and a manifest in one"),
        ({"manifests": []}, "no image in it"),
        ({"manifests": [{"digest": "sha256:../..", "mediaType": INDEX}]}, "is not a digest"),
        ({"manifests": "many"}, "no image in it"),
        ({"config": {"digest": "sha256:1", "size": 1}, "layers": []}, "is not a digest"),
        ({"config": {"digest": digest(b""), "size": -1}, "layers": []}, "is not there"),
        ({"config": {"digest": digest(b""), "size": 1 << 40}, "layers": []}, "too long"),
    ],
)
def test_what_is_no_image(server: Registry, document: Any, words: str) -> None:
    server.put("odd", "application/json", document)
    with pytest.raises(ImageoptError, match=words) as caught:
        load(server, "odd")
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.cause + caught.value.remedy


# ---- sizes from the manifest alone ------------------------------------------------------------------------------


def test_sizes_of_a_tag_need_one_request_and_of_an_index_two(many: Registry) -> None:
    one = manifest_sizes(parse_place(f"{many.host}/team/app:1"))
    assert many.paths == ["manifests/1"]
    stored = [digest(gzip.compress(data, mtime=0)) for data in (ONE, TWO)]
    assert one == ManifestSizes(digest(many.manifests["1"][1]), tuple(zip(stored, SIZES, strict=True)))
    many.asked.clear()
    two = manifest_sizes(parse_place(f"{many.host}/team/app:many"), "linux/arm64")
    assert many.paths == ["manifests/many", f"manifests/{digest(many.manifests['arm64'][1])}"]
    assert two.download_bytes == SIZES[1]


def test_sizes_that_a_manifest_does_not_state(server: Registry) -> None:
    server.put("odd", MANIFEST, {"layers": [{"digest": digest(b""), "size": "many"}]})
    with pytest.raises(InputError, match="does not say how big"):
        manifest_sizes(parse_place(f"{server.host}/team/app:odd"))


# ---- a bare name ------------------------------------------------------------------------------------------------


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_bare_name_without_an_engine_is_the_registrys(server: Registry, no_engine: pytest.MonkeyPatch) -> None:
    told = Told()
    image = load_image(ImageRef(None, f"{server.host}/team/app:1"), progress=told)
    assert image.source == "registry"
    assert told.notes == ["no container engine is in reach: asking the registry"]


def test_a_bare_name_that_is_nowhere_says_what_both_said(server: Registry, no_engine: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no container engine is in reach, and there is no image .*/team/app:2"):
        load_image(ImageRef(None, f"{server.host}/team/app:2"))
    with pytest.raises(InputError, match=r"no container engine is in reach, and .* is no image in a registry"):
        load_image(ImageRef(None, "Not A Name"))


def test_an_engine_that_fails_is_not_passed_over(server: Registry, no_engine: pytest.MonkeyPatch) -> None:
    from imageopt.source import local

    def fail(*_: object) -> None:
        raise InputError("layer 3 is damaged", "pull it again")

    no_engine.setattr(local, "local_image", fail)
    with pytest.raises(InputError, match="layer 3 is damaged"):
        load_image(ImageRef(None, f"{server.host}/team/app:1"))
    assert server.asked == []


# ---- the real ones ----------------------------------------------------------------------------------------------


@pytest.mark.engine
@pytest.mark.registry
def test_a_real_registry_and_the_engine_hold_the_same_image(engine: str, registry: str) -> None:
    name = f"{registry}/imageopt/alpine:1"
    for command in (["tag", "alpine:3.23", name], ["push", "-q", name]):
        subprocess.run(["docker", *command], check=True, timeout=120, stdout=subprocess.DEVNULL)
    local, remote = load_image(ImageRef("docker", name)), load_image(ImageRef("registry", name))
    subprocess.run(["docker", "rmi", name], check=True, timeout=60, stdout=subprocess.DEVNULL)
    bare = load_image(ImageRef(None, name))  # the engine has it no more
    assert (bare.source, bare.digest) == ("registry", remote.digest)
    assert local.sizes.unpacked_bytes == remote.sizes.unpacked_bytes
    assert [
        (layer.diff_id, layer.unpacked_bytes, layer.overhead_bytes, layer.file_count) for layer in local.layers
    ] == [(layer.diff_id, layer.unpacked_bytes, layer.overhead_bytes, layer.file_count) for layer in remote.layers]
    assert local.packages == remote.packages
    assert [record[:3] for record in local.files] == [record[:3] for record in remote.files]
    sizes = manifest_sizes(parse_place(name))
    assert sizes.download_bytes == remote.sizes.download_bytes
    assert sizes.layers == tuple((layer.digest, layer.download_bytes) for layer in remote.layers)


@pytest.mark.engine
@pytest.mark.registry
def test_a_real_registry_says_no(engine: str, registry: str) -> None:
    with pytest.raises(InputError, match="there is no image"):
        load_image(ImageRef("registry", f"{registry}/imageopt/nothing:1"))
    with pytest.raises((InputError, ToolFailed)):
        load_image(ImageRef("registry", f"{registry}/imageopt/alpine@sha256:{'0' * 64}"))
