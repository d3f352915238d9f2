"""The two ways an image describes itself on disk: docker's `manifest.json` and OCI's `index.json`.

Both become a `Described`: the configuration's bytes and the names of the layers' files, base first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imageopt.errors import InputError, UsageError
from imageopt.source.documents import LIMIT, load_json
from imageopt.source.files import Files, missing, read_small

_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_DEPTH = 8  # indexes in indexes; real ones have one
_NOT_AN_IMAGE = "is this a container image?"


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One layer's file, and the digest that its content must have, None where nothing states it."""

    name: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Described:
    """An image as its documents describe it. `digest` is the manifest's, None for docker's own format."""

    digest: str | None
    reference: str | None
    config: bytes
    layers: tuple[LayerFile, ...]


def docker_layout(files: Files, choice: str | None) -> Described | None:
    """The image that `manifest.json` describes, None where there is no such file.

    With several images, `choice` (a tag, or a part of the configuration's digest) must name one: UsageError lists them.
    """
    data = read_small(files, "manifest.json", LIMIT)
    if data is None:
        return None
    images = load_json(data, "manifest.json")
    if not isinstance(images, list) or not images or not all(isinstance(image, dict) for image in images):
        raise InputError("manifest.json lists no image", "save the image by its name: docker save NAME -o FILE")
    image = _chosen(images, choice)
    config_name, layers = image.get("Config"), image.get("Layers") or []
    if not isinstance(config_name, str) or not all(isinstance(layer, str) for layer in layers):
        raise InputError("manifest.json names no configuration", _NOT_AN_IMAGE)
    config = read_small(files, config_name, LIMIT)
    if config is None:
        raise missing(config_name)
    tags = image.get("RepoTags") or []
    return Described(
        digest=None,
        reference=str(tags[0]) if tags else None,
        config=config,
        layers=tuple(LayerFile(layer, _digest_in(layer)) for layer in layers),
    )


def oci_layout(files: Files, choice: str | None, platform: str | None) -> Described:
    """The image of an OCI layout (image-spec, image-layout.md), chosen by name and platform.

    Raises InputError where there is none, UsageError where several would do.
    """
    data = read_small(files, "index.json", LIMIT)
    if data is None:
        raise InputError("there is neither a manifest.json nor an index.json", _NOT_AN_IMAGE)
    candidates = _manifests(files, load_json(data, "index.json"), frozenset(), 0)
    if choice is not None:
        candidates = [found for found in candidates if choice in (_name(found), found["digest"])]
    candidates = [found for found in candidates if _fits(found, platform)] if platform else candidates
    distinct = {found["digest"]: found for found in candidates}
    if not distinct:
        raise InputError("no image in it fits", "see what it holds with another tool, or leave --platform out")
    if len(distinct) > 1:
        names = sorted(
            f"{_name(found) or found['digest'][:19]} ({_platform(found) or 'no platform'})" for found in candidates
        )
        raise UsageError(
            f"it holds several images: {', '.join(names)}", "choose one with :NAME after the path, or --platform"
        )
    descriptor = next(iter(distinct.values()))
    manifest = load_json(_blob(files, descriptor["digest"]), "the manifest")
    config = manifest.get("config") if isinstance(manifest, dict) else None
    if not isinstance(config, dict) or not isinstance(config.get("digest"), str):
        raise InputError("the manifest names no configuration", _NOT_AN_IMAGE)
    layers = [layer for layer in manifest.get("layers") or [] if isinstance(layer, dict)]
    return Described(
        digest=descriptor["digest"],
        reference=_name(descriptor),
        config=_blob(files, config["digest"]),
        layers=tuple(LayerFile(_blob_name(str(layer.get("digest"))), str(layer.get("digest"))) for layer in layers),
    )


def _chosen(images: Sequence[Mapping[str, Any]], choice: str | None) -> Mapping[str, Any]:
    if choice is not None:
        images = [
            image for image in images if choice in (image.get("RepoTags") or []) or choice in str(image["Config"])
        ]
    if len(images) == 1:
        return images[0]
    names = [", ".join(image.get("RepoTags") or [str(image.get("Config"))[:19]]) for image in images]
    if not names:
        raise InputError(f"there is no image {choice!r} in the archive", "leave the name out to see what it holds")
    raise UsageError(f"the archive holds several images: {'; '.join(names)}", "choose one: docker-archive:FILE:NAME")


def _manifests(files: Files, index: Any, above: frozenset[str], depth: int) -> list[dict[str, Any]]:
    """The descriptors of the image manifests below an index; attestations are no images."""
    found: list[dict[str, Any]] = []
    listed = index.get("manifests") if isinstance(index, dict) else None
    for descriptor in listed or []:
        digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
        annotations = descriptor.get("annotations") or {} if isinstance(descriptor, dict) else {}
        if not isinstance(digest, str) or annotations.get("vnd.docker.reference.type") == "attestation-manifest":
            continue
        if descriptor.get("mediaType") in _INDEXES:
            if digest in above or depth == _DEPTH:
                raise InputError("an index of the image leads back to itself", _NOT_AN_IMAGE)
            inner = load_json(_blob(files, digest), "an index")
            below = _manifests(files, inner, above | {digest}, depth + 1)
            found += [{**item, "annotations": {**annotations, **(item.get("annotations") or {})}} for item in below]
        else:
            found.append(descriptor)
    return found


def _blob(files: Files, digest: str) -> bytes:
    name = _blob_name(digest)
    data = read_small(files, name, LIMIT)
    if data is None:
        raise missing(name)
    return data


def _blob_name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    if algorithm not in ("sha256", "sha512") or not value.isalnum():
        raise InputError(f"{digest[:80]!r} is not a digest", _NOT_AN_IMAGE)
    return f"blobs/{algorithm}/{value}"


def _digest_in(name: str) -> str | None:
    """The digest that a layer's file name states: `blobs/sha256/…` of Docker 25 and later."""
    return f"sha256:{name.removeprefix('blobs/sha256/')}" if name.startswith("blobs/sha256/") else None


def _name(descriptor: Mapping[str, Any]) -> str | None:
    annotations = descriptor.get("annotations") or {}
    name = annotations.get("io.containerd.image.name") or annotations.get("org.opencontainers.image.ref.name")
    return str(name) if name else None


def _platform(descriptor: Mapping[str, Any]) -> str:
    platform = descriptor.get("platform") or {}
    return "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))


def _fits(descriptor: Mapping[str, Any], platform: str) -> bool:
    return _platform(descriptor) in ("", platform) or _platform(descriptor).startswith(f"{platform}/")
