"""What other analysers get wrong in how images are stored, each with the exact numbers that are right.

    10 gzip in several members       11 zstd in several frames      12 magic bytes over names and media types
    13 each layer packed its own way 14 generations of archives     15 empty and several manifests: ask
    16 nested indexes, attestations  17 history and layers differ   18 layer to line: tests/evidence
    23 hostile input: test_hostile.py, test_fuzz.py                 24 layers that are kept elsewhere
    25 each size by its own definition

Numbers 1 to 9 and 19 to 22 concern what is inside an image: tests/image/test_hard_cases.py.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from imagebuilder import blob_name, config, digest, file, layer, whiteout, write_tar

from imageopt.errors import InputError, UsageError
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.reference import parse_reference

ONE, TWO, THREE = layer(file("a", b"1" * 100)), layer(file("b", b"2" * 50)), layer(whiteout("a"), file("c", b"3" * 7))
LAYERS = [ONE, TWO, THREE]
SETTINGS = config(LAYERS)
INDEX = "application/vnd.oci.image.index.v1+json"
SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"


def members(data: bytes) -> bytes:
    """gzip as tools that pack in parallel, or for lazy pulling, write it: one member after the other."""
    return b"".join(gzip.compress(data[at : at + 700], mtime=0) for at in range(0, len(data), 700))


def frames(data: bytes) -> bytes:
    """zstd in frames, with a table of contents in a frame that is to be skipped."""
    return b"".join(zstd.compress(data[at : at + 700]) for at in range(0, len(data), 700)) + SKIPPABLE


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def load(reference: str, platform: str | None = None) -> Image:
    return load_image(parse_reference(reference), platform=platform)


class Layout:
    """An OCI layout that is written document by document."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def add(self, document: Any, **more: Any) -> dict[str, Any]:
        """Stores a blob and gives its descriptor."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        (self.folder / blob_name(data)).write_bytes(data)
        return {"digest": digest(data), "size": len(data), **more}

    def manifest(
        self, layers: Sequence[bytes], types: Sequence[str] = (), settings: bytes = SETTINGS
    ) -> dict[str, Any]:
        kinds = types or [""] * len(layers)
        listed = [self.add(data, mediaType=kind) for data, kind in zip(layers, kinds, strict=True)]
        return {"schemaVersion": 2, "config": self.add(settings), "layers": listed}

    def index(self, *manifests: Mapping[str, Any]) -> str:
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
        return f"oci:{self.folder}"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def check(image: Image) -> None:
    """The three layers' numbers, whatever they were packed in."""
    assert (image.sizes.unpacked_bytes, image.sizes.live_bytes, image.sizes.wasted_bytes) == (157, 57, 100)
    assert [each.diff_id for each in image.layers] == [digest(data) for data in LAYERS]
    assert image.sizes.overhead_bytes == sum(map(len, LAYERS)) - 157


PACKINGS: dict[str, list[Callable[[bytes], bytes]]] = {
    "10 gzip in several members": [members, members, members],
    "11 zstd in several frames, one to be skipped": [frames, frames, frames],
    "13 gzip base, zstd on top, a plain one between": [packed, bytes, frames],
    "13 plain base, packed on top": [bytes, members, zstd.compress],
}
TYPES = {
    "right or none": "",
    "12 all say gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "12 all say plain": "application/vnd.docker.image.rootfs.diff.tar",
    "12 a type that no specification has": "application/vnd.docker.image.rootfs.diff.tar.zstd",
}


@pytest.mark.parametrize("media_type", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("packing", PACKINGS.values(), ids=PACKINGS)
def test_the_bytes_say_how_a_layer_is_packed(
    layout: Layout, packing: list[Callable[[bytes], bytes]], media_type: str
) -> None:
    stored = [pack(data) for pack, data in zip(packing, LAYERS, strict=True)]
    image = load(layout.index(layout.add(layout.manifest(stored, [media_type] * 3))))
    check(image)
    assert [each.download_bytes for each in image.layers] == [len(data) for data in stored]


def docker_manifest(config_name: str, *layers: str, **more: Any) -> bytes:
    return json.dumps([{"Config": config_name, "RepoTags": None, "Layers": list(layers), **more}]).encode()


GENERATIONS: dict[str, tuple[dict[str, bytes], dict[str, str]]] = {
    "14 a folder for each layer, two of them symlinks into another image's": (
        {"c.json": SETTINGS, "x/layer.tar": ONE, "y/layer.tar": TWO, "other/layer.tar": THREE, "x/json": b"{}",
         "repositories": b'{"app": {"1": "x"}}', "manifest.json": docker_manifest("c.json", "x/layer.tar", "v/layer.tar", "w/layer.tar")},
        {"w/layer.tar": "../other/layer.tar", "v/layer.tar": "../y/layer.tar"},
    ),
    "14 blobs of an engine with containerd's store: packed": (
        {blob_name(SETTINGS): SETTINGS, **{blob_name(packed(data)): packed(data) for data in LAYERS},
         "manifest.json": docker_manifest(blob_name(SETTINGS), *(blob_name(packed(data)) for data in LAYERS))},
        {},
    ),
    "14 a configuration named by its digest, packed layers named by theirs": (
        {digest(SETTINGS): SETTINGS, **{f"{digest(packed(data))[7:]}.tar.gz": packed(data) for data in LAYERS},
         "manifest.json": docker_manifest(digest(SETTINGS), *(f"{digest(packed(data))[7:]}.tar.gz" for data in LAYERS))},
        {},
    ),
    "15 saved by its id: an index that lists nothing beside the manifest": (
        {blob_name(SETTINGS): SETTINGS, **{blob_name(data): data for data in LAYERS},
         "index.json": b'{"schemaVersion": 2, "manifests": null}',
         "manifest.json": docker_manifest(blob_name(SETTINGS), *(blob_name(data) for data in LAYERS))},
        {},
    ),
    "14 names with ./ in front": (
        {"./c.json": SETTINGS, "./1": ONE, "./2": TWO, "./3": THREE, "./manifest.json": docker_manifest("c.json", "1", "2", "3")},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "links"), GENERATIONS.values(), ids=GENERATIONS)
def test_every_generation_of_archives(tmp_path: Path, files: dict[str, bytes], links: dict[str, str]) -> None:
    image = load(f"docker-archive:{write_tar(tmp_path / 'a.tar', files, links)}")
    check(image)
    assert image.digest == digest(SETTINGS)


@pytest.mark.parametrize("manifest", [b"null", b"[]", b"{}"])
def test_15_an_archive_that_lists_no_image_says_how_to_save_one(tmp_path: Path, manifest: bytes) -> None:
    path = write_tar(tmp_path / "a.tar", {"manifest.json": manifest, "index.json": b'{"manifests": null}'})
    with pytest.raises(InputError, match=r"manifest\.json lists no image") as caught:
        load(f"docker-archive:{path}")
    assert "docker save NAME" in caught.value.remedy


def test_15_an_index_that_lists_nothing(layout: Layout) -> None:
    (layout.folder / "index.json").write_text('{"manifests": null}')
    with pytest.raises(InputError, match="no image in it"):
        load(f"oci:{layout.folder}")


def statement(layout: Layout, of: str) -> dict[str, Any]:
    """An attestation as BuildKit stores it: a manifest whose only layer is a JSON document."""
    document = b'{"_type": "https://in-toto.io/Statement/v0.1", "subject": []}'
    manifest = layout.manifest([document], ["application/vnd.in-toto+json"], config([document]))
    return layout.add(manifest, platform={"os": "unknown", "architecture": "unknown"}, annotations={
        "vnd.docker.reference.digest": of, "vnd.docker.reference.type": "attestation-manifest",
    })  # fmt: skip


@pytest.mark.parametrize("annotated", [True, False], ids=["annotated", "known by its platform alone"])
def test_16_an_attestation_is_no_image(layout: Layout, annotated: bool) -> None:
    image = layout.add(layout.manifest(LAYERS), platform={"os": "linux", "architecture": "amd64"})
    attestation = statement(layout, image["digest"])
    if not annotated:
        del attestation["annotations"]
    inner = layout.add({"mediaType": INDEX, "manifests": [attestation, image]}, mediaType=INDEX)
    for number, index in enumerate(
        [[image, attestation], [inner], [layout.add({"manifests": [inner]}, mediaType=INDEX)]]
    ):
        found = load(layout.index(*index), "linux/amd64" if number == 1 else None)
        check(found)
        assert found.digest == image["digest"]


def test_16_an_attestation_alone_says_that_it_is_no_file_system(layout: Layout) -> None:
    alone = statement(layout, "sha256:0")
    del alone["annotations"], alone["platform"]
    with pytest.raises(InputError, match=r"application/vnd\.in-toto\+json") as caught:
        load(layout.index(alone))
    assert caught.value.exit_code == 3


def test_16_one_manifest_for_two_platforms_is_one_image(layout: Layout) -> None:
    one = layout.add(layout.manifest(LAYERS))
    platforms = [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")]
    reference = layout.index(*({**one, "platform": platform} for platform in platforms))
    check(load(reference))
    check(load(reference, "linux/arm64"))


def test_16_platforms_are_chosen_and_never_guessed(layout: Layout) -> None:
    arm = {"os": "linux", "architecture": "arm"}
    amd64 = layout.add(layout.manifest(LAYERS), platform={"os": "linux", "architecture": "amd64"})
    v6 = layout.add(layout.manifest([ONE], (), config([ONE])), platform={**arm, "variant": "v6"})
    v7 = layout.add(layout.manifest([TWO], (), config([TWO])), platform={**arm, "variant": "v7"})
    reference = layout.index(amd64, v6, v7)
    check(load(reference, "linux/amd64"))
    assert load(reference, "linux/arm/v7").sizes.unpacked_bytes == 50
    for platform in (None, "linux/arm"):
        with pytest.raises(UsageError, match=r"linux/arm/v6.*linux/arm/v7"):
            load(reference, platform)
    with pytest.raises(InputError, match="fits"):
        load(reference, "linux/amd")


HISTORIES: dict[str, tuple[list[str | None], list[str | None]]] = {
    "as many as layers": (["FROM", "RUN b", "RUN c"], ["FROM", "RUN b", "RUN c"]),
    "empty ones between": ([None, "FROM", None, "RUN b", "RUN c", None], ["FROM", "RUN b", "RUN c"]),
    "one too few": (["FROM", "RUN b"], [None, None, None]),
    "one too many": (["FROM", "RUN b", "RUN c", "RUN d"], [None, None, None]),
    "squashed into one": (["FROM", None, None], [None, None, None]),
    "none": ([], [None, None, None]),
}


@pytest.mark.parametrize(("history", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_17_a_history_that_does_not_fit_is_unknown_and_never_shifted(
    layout: Layout, history: list[str | None], expected: list[str | None]
) -> None:
    settings = config(LAYERS, created_by=history)
    image = load(layout.index(layout.add(layout.manifest(LAYERS, (), settings))))
    check(image)
    assert [each.created_by for each in image.layers] == expected


def test_24_a_layer_that_is_kept_elsewhere_is_said_to_be(layout: Layout) -> None:
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    manifest = layout.manifest([packed(data) for data in LAYERS], [kind, "", ""])
    manifest["layers"][0]["urls"] = ["https://example.com/layer"]
    reference = layout.index(layout.add(manifest))
    check(load(reference))  # where it is there all the same, it is read
    (layout.folder / blob_name(packed(ONE))).unlink()
    with pytest.raises(InputError, match="layer 0 is kept elsewhere") as caught:
        load(reference)
    assert caught.value.exit_code == 3


def test_25_each_size_by_its_own_definition(layout: Layout) -> None:
    """What is pulled counts a blob once, what is unpacked each position; what lives counts each content once."""
    layers = [ONE, TWO, ONE]
    manifest = layout.manifest([packed(data) for data in layers], (), config(layers))
    image = load(layout.index(layout.add(manifest)))
    assert image.sizes.download_bytes == len(packed(ONE)) + len(packed(TWO))
    assert [each.download_bytes for each in image.layers] == [len(packed(ONE)), len(packed(TWO)), 0]
    assert [each.unpacked_bytes for each in image.layers] == [100, 50, 100]
    assert [each.live_bytes for each in image.layers] == [0, 50, 100]
    assert (image.sizes.unpacked_bytes, image.sizes.live_bytes, image.sizes.wasted_bytes) == (250, 150, 100)
    assert image.sizes.overhead_bytes == len(ONE) + len(TWO) + len(ONE) - 250
