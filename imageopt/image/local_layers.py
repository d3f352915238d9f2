"""The layers of an image on disk to their indexes, on all cores.

Each process opens the file itself and reads its own part of it. Where nothing can be forked, threads do the same, which
gain what decompressing and hashing leave the interpreter free for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from imageopt.errors import InputError
from imageopt.image.cache import pack, unpack
from imageopt.image.model import LayerIndex
from imageopt.image.spread import processes, spread
from imageopt.source.files import Files, missing
from imageopt.source.side_by_side import HEAD, read_layers

_PAYS = 32 << 20  # bytes of layers, some 50 ms of work
_Read = tuple[LayerIndex, bytes] | InputError
_DAMAGED = 0xFF  # in the place of the head's length


def read_local_layers(
    files: Files, names: Iterable[str], index_layer: Callable[[BinaryIO], LayerIndex]
) -> Iterator[tuple[str, LayerIndex, bytes]]:
    """As `read_layers`: each layer's name, its index and its first bytes. Raises InputError."""
    sizes = {name: files.size(name) for name in names}
    for name, size in sizes.items():
        if size is None:
            raise missing(name)
    known = [size or 0 for size in sizes.values()]
    if len(sizes) == 1 or sum(known) < _PAYS or processes() == 1:
        yield from read_layers(files, sizes, index_layer)
        return

    def one(name: str) -> _Read:
        try:
            with files.open(name) as stream:
                head = stream.peek(HEAD)[:HEAD]
                return index_layer(stream), head
        except InputError as error:
            return error

    for name, read in zip(sizes, spread(one, list(sizes), known, encode=_encode, decode=_decode, least=0), strict=True):
        if isinstance(read, InputError):
            raise read
        yield name, *read


def _encode(read: _Read) -> bytes:
    if isinstance(read, InputError):
        return bytes([_DAMAGED]) + "\n".join((read.cause, read.remedy)).encode("utf-8", "surrogateescape")
    index, head = read
    return bytes([len(head)]) + head + pack(index)


def _decode(data: bytes) -> _Read:
    length, rest = data[0], memoryview(data)[1:]
    if length == _DAMAGED:
        cause, _, remedy = bytes(rest).decode("utf-8", "surrogateescape").rpartition("\n")
        return InputError(cause, remedy)
    return unpack(rest[length:], LayerIndex), bytes(rest[:length])
