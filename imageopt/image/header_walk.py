"""A plain tar that can be sought in, to its index by its headers: big contents are passed over, not read.

So no digest is proved, and the index says so. Small contents lie on the way and are hashed as they pass; of the big
ones only those are read afterwards that may equal another: `settled` does that once all layers of an image are known.
"""

from collections import Counter
from collections.abc import Iterator
from io import SEEK_CUR
from typing import BinaryIO

from msgspec.structs import replace
from xxhash import xxh3_128

from imageopt.image.elf import ElfFacts, elf_facts
from imageopt.image.layer import HashedTar, Listing, fill
from imageopt.image.model import LayerIndex
from imageopt.source.model import ReadImage

_CHUNK = 1 << 18
_SMALL = 1 << 18  # bytes; to read less than this takes no longer than to seek past it


def walk_headers(stream: BinaryIO, length: int) -> LayerIndex:
    """The index of the tar of `length` bytes, whose bigger contents have no checksum yet. Raises InputError."""
    listing = Listing()
    tar = _SoughtTar(stream, length)
    fill(listing, tar)
    index = listing.index(diff_id="", digest="", stored_bytes=length, tar_bytes=length, checksums="xxh3-128")
    return replace(index, unread=tuple(tar.passed_over), verified=False)


def settled(read: ReadImage[LayerIndex]) -> ReadImage[LayerIndex]:
    """The same, with a checksum for each content that is as big as another one."""
    sizes = Counter(entry.size for layer in read.layers for entry in layer.entries if entry.size > _SMALL)
    return replace(read, layers=tuple(_settled(read, number, sizes) for number in range(len(read.layers))))


def _settled(read: ReadImage[LayerIndex], number: int, sizes: Counter[int]) -> LayerIndex:
    layer = read.layers[number]
    without = [index for index, entry in enumerate(layer.entries) if entry.kind == "file" and not entry.checksum]
    wanted = [
        (index, offset)
        for index, offset in zip(without, layer.unread, strict=True)
        if sizes[layer.entries[index].size] > 1
    ]
    if not wanted or read.reopen is None:
        return layer
    entries = list(layer.entries)
    with read.reopen(number) as stream:
        for index, offset in wanted:
            checksum = xxh3_128()
            stream.seek(offset)
            for piece in _pieces(stream, entries[index].size):
                checksum.update(piece)
            entries[index] = entries[index]._replace(checksum=checksum.digest())
    return replace(layer, entries=tuple(entries), unread=())


def _pieces(stream: BinaryIO, left: int) -> Iterator[bytes]:
    while left and (piece := stream.read(min(left, _CHUNK))):
        yield piece
        left -= len(piece)


class _SoughtTar(HashedTar):
    """A tar in which big contents are jumped over; `passed_over` are their offsets."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        super().__init__(stream.read, _CHUNK)
        self._stream = stream
        self._length = length
        self.passed_over: list[int] = []

    def content(self, size: int, keep: bool) -> tuple[bytes, bytes | None]:
        if keep or size <= _SMALL:
            return super().content(size, keep)
        self.passed_over.append(self.position)
        self._jump(size)
        return b"", None

    def elf(self, size: int) -> tuple[bytes, ElfFacts | None]:
        if size <= _SMALL:
            return super().elf(size)
        start = self._stream.seek(0, SEEK_CUR) - self.drop_buffered()

        def read(offset: int, count: int) -> bytes:
            self._stream.seek(start + offset)
            return self._stream.read(max(0, min(count, size - offset)))

        facts = elf_facts(read)
        self._stream.seek(start)
        return self.content(size, keep=False)[0], facts

    def _jump(self, size: int) -> None:
        there = min(size, self._length - self.position)
        self._stream.seek(there - self.drop_buffered(), SEEK_CUR)
        self.position += there
