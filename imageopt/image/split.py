"""An engine's own record of a layer to its index, without reading the layer's files.

The record gives each header as raw bytes and each content as size and CRC-64; only the few files that `captures` names
are opened, in the layer's folder.
"""

import io
from collections.abc import Sequence

from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.image.cache import pack, unpack
from imageopt.image.captures import captured, may_be_elf, may_be_looked_into
from imageopt.image.elf import elf_facts
from imageopt.image.layer import Listing
from imageopt.image.model import LayerIndex
from imageopt.image.plain import plain_entry
from imageopt.image.spread import spread
from imageopt.source.overlay2 import SplitLayer, Surprise
from imageopt.source.tar import BLOCK, Headers, Member, TarStream
from imageopt.source.tar_split import FILE, SEGMENT, Record, read_records

_NO_CONTENT = bytes(8)  # the CRC-64 of nothing
_PAYS = 128 << 10  # bytes of records, about 5,000 entries: some 60 ms of work, where a second process costs 10


def index_splits(layers: Sequence[SplitLayer]) -> list[LayerIndex]:
    """The index of each layer, whose digest the engine knows and nobody worked out again; on all cores if it pays.

    Raises Surprise where a record is damaged.
    """
    return spread(index_split, layers, [_size(layer) for layer in layers], encode=pack, decode=_decode, least=_PAYS)


def _decode(data: bytes | memoryview) -> LayerIndex:
    return unpack(data, LayerIndex)


def index_split(layer: SplitLayer) -> LayerIndex:
    """The index of one layer. Raises Surprise where the record is damaged."""
    listing = Listing()
    headers = Headers()
    position = padding = 0
    raw = b""  # of the tar, since the last content
    for records in read_records(layer.record, Record):
        for record in records:
            payload = record.payload
            if record.type == SEGMENT and payload is not None:
                raw = raw + payload if raw else payload
                continue
            if record.type != FILE:
                raise Surprise("the engine's record of a layer has a line of an unknown type")
            simple = len(raw) == padding + BLOCK and not headers.pax_global
            fields = plain_entry(raw, padding, proved=True) if simple else None
            if fields is None or fields[2] != record.size:
                member = _member(raw[padding:], headers)
                if (member.stored if member is not None else 0) != record.size:  # a global header has a line of its own
                    raise Surprise("the engine's record of a layer does not fit its tar")
                fields = listing.fields(member) if member is not None else None
            position += len(raw) + record.size
            padding = -record.size % BLOCK
            raw = b""
            if fields is None:
                continue
            path, kind, size, _, mode, _, _, _, _ = fields
            checksum = b""
            if kind == "file":
                checksum = (payload if size else _NO_CONTENT) or b""
                if len(checksum) != len(_NO_CONTENT):
                    raise Surprise("the engine's record of a layer lacks a checksum")
                if may_be_looked_into(path, mode) or path in listing.elf:
                    _look_into(layer, listing, path, mode, size)
            listing.add(fields, checksum)
    if any(raw):
        raise Surprise("the engine's record of a layer ends with a header and no file")
    position += len(raw)
    index = listing.index(
        diff_id=layer.diff_id, digest=layer.diff_id, stored_bytes=position, tar_bytes=position, checksums="crc-64"
    )
    return replace(index, verified=False)


def _size(layer: SplitLayer) -> int:
    try:
        return layer.record.stat().st_size
    except OSError:
        return 0


def _member(raw: bytes, headers: Headers) -> Member | None:
    """The member whose header ends `raw`, with the extensions before it."""
    stream = TarStream(io.BytesIO(raw).read)
    try:
        member = headers.next(stream)
    except InputError as error:
        raise Surprise(f"the engine's record of a layer is damaged: {error.cause}") from None
    if stream.position != len(raw):
        raise Surprise("the engine's record of a layer has bytes that belong to no file")
    return member


def _look_into(layer: SplitLayer, listing: Listing, path: str, mode: int, size: int) -> None:
    """Opens the file in the layer's folder where its content counts later."""
    facts = layer.inspect(path, elf_facts) if may_be_elf(path, mode, size) else None
    listing.keep_elf(path, facts)
    if facts is None and captured(path, size):
        listing.contents[path] = layer.read(path, size) if size else b""
