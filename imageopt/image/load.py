"""A reference to an `Image`: read, indexed, checked against its digests, accounted for.

A layer that was read before is at first a `KnownLayer`. Where all of them are, and the image was counted before,
nothing is read or counted; so what reads and counts is imported where it is needed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import SEEK_END
from typing import Any, BinaryIO, cast

from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.image.cache import LayerCache
from imageopt.image.known import Exported, KnownLayer, keep_image, key_of, recall_image, told_by
from imageopt.image.model import Image, LayerIndex
from imageopt.progress import Progress
from imageopt.source.export import is_compressed
from imageopt.source.files import Files
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import SplitLayer
from imageopt.source.read import read_image

_Layer = LayerIndex | KnownLayer
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

    What `cache` knows is not read again. With `verify_digests` every byte is read: an engine is made to export, no
    content of a plain tar is passed over, and what the cache has is not asked for.
    """
    reader = _Reader(cache, verify_digests)
    image = reader.load(ref, platform, progress)
    if image is None:  # an entry of the cache was damaged, and is gone now
        image = _Reader(cache, verify_digests, trusting=False).load(ref, platform, progress)
    assert image is not None
    return image


class _Reader:
    """Reads one image: indexes its layers, or finds them in the cache. What is new is kept once all has proved right.

    `trusting`: that there is an entry of a layer is enough to count on it.
    """

    def __init__(self, cache: LayerCache | None, verify_digests: bool, *, trusting: bool = True) -> None:
        self._cache = cache
        self._verify_digests = verify_digests
        self._trusting = trusting
        self._old: set[str] = set()  # the digests of those that came from the cache
        self._exported: tuple[str, ReadImage[_Layer]] | None = None

    def load(self, ref: ImageRef, platform: str | None, progress: Progress | None) -> Image | None:
        """The image; None where the cache promised a layer that it has not."""
        read = read_image(
            ref,
            self._index_layer,
            index_splits=None if self._verify_digests else self._index_splits,
            read_local=self._read_local,
            known=self._known,
            exported=self._export,
            platform=platform,
            progress=progress,
        )
        check_digests(read)
        cache = self._cache
        if cache is not None and all(isinstance(layer, KnownLayer) for layer in read.layers):
            image = recall_image(cache, read)
            if image is not None:
                return image
        opened = self._opened(read)
        return self._counted(opened) if opened is not None else None

    def _counted(self, read: ReadImage[LayerIndex]) -> Image:
        from imageopt.image.account import account

        check_digests(read)
        self._keep(read)
        whole = read
        if any(layer.unread for layer in read.layers):
            from imageopt.image.header_walk import settled

            whole = settled(read)
        image = replace(account(whole), told_by=told_by(read))
        if self._cache is not None:
            keep_image(self._cache, read, image)
            self._cache.prune()
        return image

    def _opened(self, read: ReadImage[_Layer]) -> ReadImage[LayerIndex] | None:
        """The same with every index, None where one cannot be had."""
        once: dict[KnownLayer, LayerIndex | None] = {}
        layers: list[LayerIndex] = []
        for layer in read.layers:
            if isinstance(layer, LayerIndex):
                layers.append(layer)
                continue
            if layer not in once:
                once[layer] = self._read_entry(layer)
            index = once[layer]
            if index is None:
                return None
            layers.append(index)
        return cast("ReadImage[LayerIndex]", replace(read, layers=tuple(layers)))

    def _known(self, digest: str | None, place: str) -> _Layer | None:
        """What the cache has of a layer's stream, by its digest or by the place of its file."""
        found = self._get(KnownLayer(digest, "xxh3-128")) if digest else None
        if found is None and place and self._cache is not None and not self._verify_digests:
            placed = self._cache.recall(f"{place}.place", KnownLayer)
            found = self._get(placed) if placed is not None else None
        return found

    def _index_layer(self, stream: BinaryIO) -> LayerIndex:
        from imageopt.image.layer import index_layer

        length = 0 if self._verify_digests or not stream.seekable() else stream.seek(0, SEEK_END)
        if length:
            stream.seek(0)
        if length > _READ_WHOLE and not is_compressed(stream.peek(4)):  # type: ignore[attr-defined]
            from imageopt.image.header_walk import walk_headers

            return walk_headers(stream, length)
        return index_layer(stream)

    def _read_local(
        self, files: Files, names: Iterable[str], _index_layer: Callable[[BinaryIO], _Layer]
    ) -> Iterator[tuple[str, _Layer, bytes]]:
        wanted = list(names)
        if wanted:
            from imageopt.image.local_layers import read_local_layers

            yield from read_local_layers(files, wanted, self._index_layer)

    def _index_splits(self, layers: Sequence[SplitLayer]) -> list[_Layer]:
        found = [self._get(KnownLayer(layer.diff_id, "crc-64")) for layer in layers]
        missing = [layer for layer, index in zip(layers, found, strict=True) if index is None]
        if missing:
            from imageopt.image.split import index_splits  # loads a JSON decoder that the other sources do not need

            read = iter(index_splits(missing))
            return [index or next(read) for index in found]
        return [index for index in found if index is not None]

    def _export(self, image: str, export: Callable[[], ReadImage[_Layer]]) -> ReadImage[_Layer]:
        """What an engine's export of an image shows; none is made where an earlier one showed the same layers."""
        if self._cache is None or self._verify_digests:
            return export()
        name = f"{key_of(image)}.export"
        shown = self._cache.recall(name, Exported) if self._trusting else None
        if shown is not None and all(self._cache.has(layer.digest, layer.checksums) for layer in shown.layers):
            return ReadImage("docker", "", shown.digest, shown.config, shown.blobs, shown.layers)
        read = export()
        self._exported = (name, read)
        return read

    def _keep(self, read: ReadImage[LayerIndex]) -> None:
        """The layers that are new, by their digests; one without a digest, of a tar that was walked, by its place."""
        if self._cache is None:
            return
        for index in {layer.digest: layer for layer in read.layers if layer.digest not in {"", *self._old}}.values():
            self._cache.put(index)
        for place, index in dict(zip(read.places, read.layers, strict=False)).items():
            if place and index.digest not in self._old:
                known = KnownLayer(index.digest, index.checksums, place)
                self._cache.keep(f"{place}.place", known)
                if not index.digest:
                    self._cache.keep(_walked(known), index)
        if self._exported is not None:
            name, shown = self._exported
            layers = tuple(KnownLayer(layer.digest, layer.checksums) for layer in shown.layers)
            self._cache.keep(name, Exported(shown.digest, shown.config, shown.blobs, layers))

    def _get(self, layer: KnownLayer) -> _Layer | None:
        if self._cache is None or self._verify_digests:  # an entry proves nothing of the bytes that lie there now
            return None
        if not self._trusting:
            return self._read_entry(layer)
        there = self._cache.has(layer.digest, layer.checksums) if layer.digest else self._cache.holds(_walked(layer))
        return layer if there else None

    def _read_entry(self, layer: KnownLayer) -> LayerIndex | None:
        if self._cache is None:
            return None
        if not layer.digest:
            return self._cache.recall(_walked(layer), LayerIndex)
        index = self._cache.get(layer.digest, layer.checksums)
        if index is not None:
            self._old.add(index.digest)
        return index


def _walked(layer: KnownLayer) -> str:
    return f"{layer.place}.walked"


def check_digests(read: ReadImage[Any]) -> None:
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
