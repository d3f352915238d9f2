"""What was worked out of a whole image, kept beside its layers' indexes and found by all that went into it.

The layers' digests (of a plain tar whose content was passed over: the place of its file), the configuration, the blobs
as the source lists them and the code that counts make the key, so the same key is the same `Image`. What surprises: an
image that is recalled holds its files packed, and unpacks them when somebody first looks at one; its sizes, layers and
packages need none of them.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.msgpack import Encoder
from msgspec.structs import replace

from imageopt import __version__
from imageopt.image.cache import NOT_PACKED, LayerCache, compressed, decompressed, pack, unpack
from imageopt.image.model import ChecksumKind, FileRecord, Image
from imageopt.later import LaterMapping, LaterSequence
from imageopt.source.model import ImageConfig, LayerBlob, ReadImage

_CODE = Path(__file__).parents[1]


class KnownLayer(Struct, frozen=True):
    """Stands for an index that lies in the cache, and that nobody has needed yet."""

    digest: str  # empty where only its place is known
    checksums: ChecksumKind
    place: str = ""  # as `place_of` gives it
    diff_id: str = ""  # the index knows it; what is found by its digest is that digest's
    unread: tuple[int, ...] = ()


class Exported(Struct, frozen=True):
    """What an engine's export says of an image beside its layers' content."""

    digest: str | None
    config: ImageConfig
    blobs: tuple[LayerBlob, ...]
    layers: tuple[KnownLayer, ...]


class _Known(Struct, frozen=True):
    """An image without the parts that grow with its files, and each of those packed: few look into all of them."""

    image: Image
    files: bytes
    links: bytes
    contents: bytes
    owners: bytes


def key_of(*parts: Any) -> str:
    """A name for what depends on the parts and on imageopt alone; 64 hex digits."""
    import hashlib

    data = Encoder(enc_hook=repr, order="deterministic").encode((__version__, _code(), parts))
    return hashlib.sha256(data).hexdigest()


def image_name(read: ReadImage[Any]) -> str | None:
    """The entry of the image; None where nothing tells a layer's content."""
    layers = told_by(read)
    if not layers:
        return None
    try:
        return f"{key_of(layers, read.config, read.blobs)}.image"
    except NOT_PACKED:
        return None


def told_by(read: ReadImage[Any]) -> tuple[tuple[str, ChecksumKind], ...]:
    """What tells the layers' content: the digest of each, or else its file's place; nothing where one has neither."""
    places = read.places or [""] * len(read.layers)
    layers = tuple((layer.digest or place, layer.checksums) for layer, place in zip(read.layers, places, strict=True))
    return layers if all(name for name, _ in layers) else ()


def recall_image(cache: LayerCache, read: ReadImage[Any]) -> Image | None:
    """The image as it was counted before, under the name that it has now; None where it was not."""
    name = image_name(read)
    known = cache.recall(name, _Known) if name is not None else None
    if known is None:
        return None
    image = known.image
    return replace(
        image,
        source=read.source,
        reference=read.reference,
        digest=read.digest,
        statement=read.statement,
        told_by=told_by(read),
        files=LaterSequence(lambda: unpack(decompressed(known.files), tuple[FileRecord, ...])),
        links=LaterMapping(lambda: unpack(decompressed(known.links), dict[str, str])),
        contents=LaterMapping(lambda: unpack(decompressed(known.contents), dict[str, bytes])),
        packages=replace(
            image.packages, owners=LaterMapping(lambda: unpack(decompressed(known.owners), dict[str, str]))
        ),
    )


def keep_image(cache: LayerCache, read: ReadImage[Any], image: Image) -> None:
    """The cache knows the image from now on, if all of its layers are known by their digests."""
    name = image_name(read)
    if name is None:
        return
    parts = (tuple(image.files), dict(image.links), dict(image.contents), dict(image.packages.owners))
    try:
        packed = [compressed(pack(part)) for part in parts]
    except NOT_PACKED:
        return
    rest = replace(
        image, told_by=(), files=(), links={}, contents={}, packages=replace(image.packages, owners={}), statement=None
    )
    cache.keep(name, _Known(rest, *packed))


@cache
def _code() -> Sequence[tuple[str, int, int]]:
    """The files that count and judge, by name, time and length: who works on them is not told what they said before."""
    found = []
    for package in ("source", "image", "image/packages", "dockerfile", "evidence", "rules", "rules/checks"):
        for entry in os.scandir(_CODE / package):
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append((f"{package}/{entry.name}", status.st_mtime_ns, status.st_size))
    return sorted(found)
