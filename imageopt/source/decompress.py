"""A layer's stream as stored, to the bytes of its tar. The magic bytes decide, never a name or a media type."""

import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from imageopt.errors import InputError

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)  # RFC 8878, section 3.1.2
_CHUNK = 1 << 18


def opened(stream: BinaryIO, see: Callable[[bytes], object]) -> tuple[Callable[[int], bytes], bool]:
    """A `read(n)` of the uncompressed bytes, and whether they were compressed.

    `see` is given every stored byte of a compressed stream once, in order.
    """

    def stored(count: int) -> bytes:
        data = bytes(stream.read(count))  # a view of what passes by, it may be
        see(data)
        return data

    head = b""
    while len(head) < 4 and (more := stream.read(4 - len(head))):
        head += more
    if head.startswith(_GZIP):
        see(head)
        return _members(head, stored, _Gzip), True
    if head == _ZSTD or (len(head) == 4 and int.from_bytes(head, "little") in _SKIPPABLE):
        see(head)
        return _members(head, stored, _Zstd), True
    rest = [head]

    def plain(count: int) -> bytes:
        return (rest.pop() if rest else b"") or stream.read(count)

    return plain, False


class _Gzip:
    """One gzip member. isal and zlib have the same object, and no type of it in common."""

    def __init__(self) -> None:
        try:
            from isal import isal_zlib
        except ImportError:  # no wheel for this machine: slower, same bytes
            self._decoder: Any = zlib.decompressobj(wbits=31)
        else:
            self._decoder = isal_zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    def decompress(self, data: bytes, most: int) -> bytes:
        return bytes(self._decoder.decompress(self._decoder.unconsumed_tail + data, most))


def zstd() -> Any:
    """The standard library's module, or the backport of it for older Pythons."""
    try:
        from compression import zstd as module  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from backports import zstd as module
    return module


class _Zstd:
    """One zstd frame."""

    def __init__(self) -> None:
        self._decoder: Any = zstd().ZstdDecompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data)

    @property
    def needs_input(self) -> bool:
        return bool(self._decoder.needs_input)

    def decompress(self, data: bytes, most: int) -> bytes:
        return bytes(self._decoder.decompress(data, most))


def _members(head: bytes, stored: Callable[[int], bytes], make: Callable[[], _Gzip | _Zstd]) -> Callable[[int], bytes]:
    """Reads gzip members or zstd frames one after another, as RFC 1952 and RFC 8878 allow.

    However small the stream, no more bytes come out at once than are asked for: a bomb fills no memory.
    """
    decoder: _Gzip | _Zstd | None = None
    pending = head

    def read(count: int) -> bytes:
        nonlocal decoder, pending
        while True:
            hungry = decoder is None or decoder.needs_input
            data = pending or (stored(_CHUNK) if hungry else b"")
            pending = b""
            if hungry and not data:
                if decoder is not None:
                    raise InputError("a layer's compressed stream breaks off", "pull or build the image again")
                return b""
            if decoder is None:
                if data.count(0) == len(data):  # padding after the last member
                    continue
                decoder = make()
            try:
                out = decoder.decompress(data, count)
            except Exception as error:  # noqa: BLE001 (isal, zlib and zstd each raise their own)
                raise InputError(
                    f"a layer's compressed stream is damaged: {error}", "pull or build the image again"
                ) from None
            if decoder.eof:
                pending = decoder.unused_data
                decoder = None
            if out:
                return out

    return read
