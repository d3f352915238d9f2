"""A reference to an `Image`: read, indexed, checked against its digests, accounted for."""

from collections.abc import Iterable, Sequence
from io import SEEK_END
from typing import BinaryIO

from imageopt.errors import InputError
from imageopt.image.account import account
from imageopt.image.cache import LayerCache
from imageopt.image.layer import index_layer
from imageopt.image.local_layers import read_local_layers
from imageopt.image.model import ChecksumKind, Image, LayerIndex
from imageopt.progress import Progress
from imageopt.source.export import is_compressed
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import SplitLayer
from imageopt.source.read import read_image

_READ_WHOLE = 16 << 20  # bytes; a plain tar up to this is read and proved, which takes some hundredths of a second


def load_image(
    ref: ImageRef,
    *,
    platform: str | None = None,
    progress: Progress | None = None,
    cache: LayerCache | None = None,
    verify_digests: bool = False,
) -> Image:
    """The image that `ref` names. Raises what `read_image` raises, and InputError for a digest that does not hold.

    What `cache` knows is not read again. With `verify_digests` every byte is read: an engine is made to export, and no
    content of a plain tar is passed over.
    """
    reader = _Reader(cache, verify_digests)
    read = read_image(
        ref,
        reader.index_layer,
        index_splits=None if verify_digests else reader.index_splits,
        read_local=read_local_layers,
        known=reader.known,
        platform=platform,
        progress=progress,
    )
    check_digests(read)
    reader.keep(read.layers)
    if any(layer.unread for layer in read.layers):
        from imageopt.image.header_walk import settled

        read = settled(read)
    return account(read)


class _Reader:
    """Indexes layers, or finds them in the cache. What is new is kept once the whole image has proved right."""

    def __init__(self, cache: LayerCache | None, verify_digests: bool) -> None:
        self._cache = cache
        self._verify_digests = verify_digests
        self._old: set[str] = set()  # the digests of those that came from the cache

    def known(self, digest: str) -> LayerIndex | None:
        """The index of a layer's stream by its digest."""
        return self._get(digest, "xxh3-128")

    def index_layer(self, stream: BinaryIO) -> LayerIndex:
        length = 0 if self._verify_digests or not stream.seekable() else stream.seek(0, SEEK_END)
        if length:
            stream.seek(0)
        if length > _READ_WHOLE and not is_compressed(stream.peek(4)):  # type: ignore[attr-defined]
            from imageopt.image.header_walk import walk_headers

            return walk_headers(stream, length)
        return index_layer(stream)

    def index_splits(self, layers: Sequence[SplitLayer]) -> list[LayerIndex]:
        found = [self._get(layer.diff_id, "crc-64") for layer in layers]
        missing = [layer for layer, index in zip(layers, found, strict=True) if index is None]
        if missing:
            from imageopt.image.split import index_splits  # loads a JSON decoder that the other sources do not need

            read = iter(index_splits(missing))
            return [index or next(read) for index in found]
        return [index for index in found if index is not None]

    def keep(self, layers: Iterable[LayerIndex]) -> None:
        """Those that are new and whose digest is theirs; of a plain tar that was walked by its headers nobody knows."""
        new = {layer.digest: layer for layer in layers if layer.digest and layer.digest not in self._old}
        if self._cache is not None and new:
            for index in new.values():
                self._cache.put(index)
            self._cache.prune()

    def _get(self, digest: str, checksums: ChecksumKind) -> LayerIndex | None:
        index = self._cache.get(digest, checksums) if self._cache is not None else None
        if index is not None:
            self._old.add(index.digest)
        return index


def check_digests(read: ReadImage[LayerIndex]) -> None:
    """Raises InputError where a layer's bytes are not those that the manifest or the configuration promise."""
    for number, (blob, layer) in enumerate(zip(read.blobs, read.layers, strict=True)):
        promised = [(blob.diff_id, layer.diff_id)] if layer.diff_id else []
        if promised and blob.digest is not None:
            promised.append((blob.digest, layer.digest))
        for expected, found in promised:
            if expected != found:
                raise InputError(
                    f"layer {number} of {read.reference} is damaged: {expected[:19]} expected, {found[:19]} found",
                    "pull, build or save the image again",
                )
