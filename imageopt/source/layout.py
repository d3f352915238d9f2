"""The two ways an image describes itself on disk: docker's `manifest.json` and OCI's `index.json`.

Both become a `Described`: the configuration's bytes and the names of the layers' files, base first.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from imageopt.errors import InputError, UsageError
from imageopt.source.documents import LIMIT, load_json
from imageopt.source.files import Files, missing, read_small

_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_HEX_DIGITS = {"sha256": 64, "sha512": 128}
_DEPTH = 8  # indexes in indexes; real ones have one
_MOST_INDEXES, _MOST_MANIFESTS = 64, 10_000  # real ones have some twenty
_SHOWN = 20  # names in a message
_NOT_AN_IMAGE = "is this a container image?"


class LayerFile(Struct, frozen=True):
    """One layer's file, and the digest that its content must have, None where nothing states it."""

    name: str
    digest: str | None


class Described(Struct, frozen=True):
    """An image as its documents describe it. `digest` is the manifest's, None for docker's own format.

    `platform` is what an index says the image is for, empty where none does.
    """

    digest: str | None
    reference: str | None
    config: bytes
    layers: tuple[LayerFile, ...]
    platform: str = ""


class ManifestSizes(Struct, frozen=True):
    """What a manifest says of the layers, base first: each one's digest and its bytes as transferred."""

    digest: str
    layers: tuple[tuple[str, int], ...]

    @property
    def download_bytes(self) -> int:
        """What a pull transfers of layers: one that stands twice in the image comes once."""
        return sum(dict(self.layers).values())


def docker_layout(files: Files, choice: str | None) -> Described | None:
    """The image that `manifest.json` describes, None where there is no such file.

    With several images, `choice` (a tag, or a part of the configuration's digest) must name one: UsageError lists them.
    """
    data = read_small(files, "manifest.json", LIMIT)
    if data is None:
        return None
    images = [_saved(image) for image in _items(load_json(data, "manifest.json"))]
    if not images:
        raise InputError("manifest.json lists no image", "save the image by its name: docker save NAME -o FILE")
    image = _chosen(images, choice)
    config = read_small(files, image.config, LIMIT)
    if config is None:
        raise missing(image.config)
    return Described(
        digest=None,
        reference=image.tags[0] if image.tags else None,
        config=config,
        layers=tuple(LayerFile(layer, _digest_in(layer)) for layer in image.layers),
    )


def oci_layout(files: Files, choice: str | None, platform: str | None) -> Described:
    """The image of an OCI layout (image-spec, image-layout.md), chosen by name and platform.

    Raises InputError where there is none, UsageError where several would do.
    """
    descriptor, manifest = oci_manifest(files, choice, platform)
    config = _table(manifest, "config")
    if not isinstance(config.get("digest"), str):
        raise InputError("the manifest names no configuration", _NOT_AN_IMAGE)
    layers = enumerate(_items(manifest.get("layers")))
    return Described(
        digest=descriptor["digest"],
        reference=_name(descriptor),
        config=read_blob(files, config["digest"]),
        layers=tuple(_layer(files, number, layer) for number, layer in layers),
        platform=_platform(descriptor),
    )


def layer_sizes(files: Files, platform: str | None) -> ManifestSizes:
    """What the manifest says of its layers; no blob is read. Raises as `oci_layout` does."""
    descriptor, manifest = oci_manifest(files, None, platform)
    layers = [(str(layer.get("digest")), layer.get("size")) for layer in _items(_list(manifest, "layers"))]
    known = tuple((digest, size) for digest, size in layers if isinstance(size, int) and size >= 0)
    if len(known) < len(layers):
        raise InputError("the manifest does not say how big its layers are", _NOT_AN_IMAGE)
    return ManifestSizes(descriptor["digest"], known)


def oci_manifest(files: Files, choice: str | None, platform: str | None) -> tuple[Mapping[str, Any], Any]:
    """The descriptor and the document of the one manifest that fits. Raises as `oci_layout` does."""
    data = read_small(files, "index.json", LIMIT)
    if data is None:
        raise InputError("there is neither a manifest.json nor an index.json", _NOT_AN_IMAGE)
    held = _manifests(files, load_json(data, "index.json"), frozenset(), {})
    candidates = [found for found in held if choice in (None, _name(found), found["digest"])]
    candidates = _fitting(candidates, platform) if platform else candidates
    distinct = {found["digest"]: found for found in candidates}
    if not distinct:
        wanted = " and ".join(filter(None, (choice, platform)))
        if not held or not wanted:
            raise InputError("there is no image in it", _NOT_AN_IMAGE)
        raise InputError(f"no image in it fits {wanted}: it holds {_told(held)}", "choose one of these")
    if len(distinct) > 1:
        raise UsageError(
            f"it holds several images: {_told(candidates)}", "choose one with :NAME after the path, or --platform"
        )
    descriptor = next(iter(distinct.values()))
    return descriptor, load_json(read_blob(files, descriptor["digest"]), "the manifest")


def _layer(files: Files, number: int, descriptor: Mapping[str, Any]) -> LayerFile:
    digest, kind = str(descriptor.get("digest")), str(descriptor.get("mediaType"))
    name = _blob_name(digest)
    if kind.endswith("+json"):  # of a tar the bytes say how it is packed, but this is none
        raise InputError(f"layer {number} is no file system: it is {kind[:80]!r}", _NOT_AN_IMAGE)
    if descriptor.get("urls") and files.size(name) is None:
        raise InputError(
            f"layer {number} is kept elsewhere, not with the image: it may not be distributed",
            "read the image from an engine that has pulled it",
        )
    return LayerFile(name, digest)


class _Saved(NamedTuple):
    """One image of a `manifest.json`."""

    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


def _saved(image: Mapping[str, Any]) -> _Saved:
    config, layers, tags = image.get("Config"), image.get("Layers"), image.get("RepoTags")
    named = layers if isinstance(layers, list) else []
    if not isinstance(config, str) or not all(isinstance(layer, str) for layer in named):
        raise InputError("manifest.json names no configuration", _NOT_AN_IMAGE)
    return _Saved(config, tuple(map(str, tags)) if isinstance(tags, list) else (), tuple(named))


def _items(value: Any) -> list[Mapping[str, Any]]:
    """The tables of a list; anything else in it, or instead of it, is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list(document: Any, key: str) -> Any:
    return document.get(key) if isinstance(document, dict) else None


def _table(document: Any, key: str) -> Mapping[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _chosen(images: Sequence[_Saved], choice: str | None) -> _Saved:
    if choice is not None:
        images = [image for image in images if choice in image.tags or choice in image.config]
    images = list({(image.config, image.layers): image for image in images}.values())
    if len(images) == 1:
        return images[0]
    names = [", ".join(image.tags or [image.config[:19]]) for image in images]
    if not names:
        raise InputError(f"there is no image {choice!r} in the archive", "leave the name out to see what it holds")
    raise UsageError(f"the archive holds several images: {'; '.join(names)}", "choose one: docker-archive:FILE:NAME")


def _manifests(
    files: Files, index: Any, above: frozenset[str], known: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The descriptors of the image manifests below an index; attestations are no images. Each index is read once."""
    found: list[dict[str, Any]] = []
    for descriptor in _items(_list(index, "manifests")):
        digest = descriptor.get("digest")
        if not isinstance(digest, str) or _attests(descriptor):
            continue
        if str(descriptor.get("mediaType")) in _INDEXES:
            if digest in above or len(above) == _DEPTH:
                raise InputError("an index of the image leads back to itself", _NOT_AN_IMAGE)
            if digest not in known:
                inner = load_json(read_blob(files, digest), "an index")
                known[digest] = _manifests(files, inner, above | {digest}, known)
            annotations = _table(descriptor, "annotations")
            found += [{**item, "annotations": {**annotations, **_table(item, "annotations")}} for item in known[digest]]
        else:
            found.append(dict(descriptor))
        if len(known) > _MOST_INDEXES or len(found) > _MOST_MANIFESTS:
            raise InputError("an index of the image lists too many others", _NOT_AN_IMAGE)
    return found


def _attests(descriptor: Mapping[str, Any]) -> bool:
    """Whether it is of statements about an image, which BuildKit lists beside the image."""
    kind = _table(descriptor, "annotations").get("vnd.docker.reference.type")
    return kind == "attestation-manifest" or _platform(descriptor) == "unknown/unknown"


def read_blob(files: Files, digest: str) -> bytes:
    """A document by its digest. Raises InputError where it is missing, damaged or longer than documents are."""
    name = _blob_name(digest)
    data = read_small(files, name, LIMIT)
    if data is None:
        raise missing(name)
    found = hashlib.new(digest.partition(":")[0], data).hexdigest()
    if found != digest.partition(":")[2]:
        raise InputError(f"the blob {digest[:19]} is not what its digest promises", "save or pull the image again")
    return data


def _blob_name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    if len(value) != _HEX_DIGITS.get(algorithm) or not re.fullmatch("[0-9a-f]+", value):
        raise InputError(f"{digest[:80]!r} is not a digest", _NOT_AN_IMAGE)
    return f"blobs/{algorithm}/{value}"


def _digest_in(name: str) -> str | None:
    """The digest that a layer's file name states: `blobs/sha256/…` of Docker 25 and later."""
    return f"sha256:{name.removeprefix('blobs/sha256/')}" if name.startswith("blobs/sha256/") else None


def _name(descriptor: Mapping[str, Any]) -> str | None:
    annotations = _table(descriptor, "annotations")
    name = annotations.get("io.containerd.image.name") or annotations.get("org.opencontainers.image.ref.name")
    return str(name) if name else None


def _platform(descriptor: Mapping[str, Any]) -> str:
    platform = _table(descriptor, "platform")
    return "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))


def _told(descriptors: Sequence[Mapping[str, Any]]) -> str:
    names = {
        f"{(_name(found) or '')[:80] or found['digest'][:19]} ({_platform(found)[:40] or 'no platform'})"
        for found in descriptors
    }
    return ", ".join([*sorted(names)[:_SHOWN], *(["…"] if len(names) > _SHOWN else [])])


def _fitting(descriptors: Sequence[dict[str, Any]], platform: str) -> list[dict[str, Any]]:
    """Those for the platform itself, else those for a variant of it, else those that do not say what they are for."""
    exact = [found for found in descriptors if _usual(_platform(found)) == _usual(platform)]
    variants = [found for found in descriptors if is_for(_platform(found), platform)]
    return exact or variants or [found for found in descriptors if not _platform(found)]


def is_for(platform: str, wanted: str) -> bool:
    """Whether something for `platform` is for `wanted` too: `linux/arm/v7` is for `linux/arm`."""
    return f"{_usual(platform)}/".startswith(f"{_usual(wanted)}/")


def _usual(platform: str) -> str:
    """Without the variant that every processor of the kind has."""
    return {"linux/arm64/v8": "linux/arm64", "linux/amd64/v1": "linux/amd64"}.get(platform, platform)
