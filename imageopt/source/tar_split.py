"""An engine's own record of a layer's tar (tar-split), decoded: raw bytes, and each content's facts.

The record is a gzip stream of JSON lines. A segment holds raw bytes of the tar (headers, padding, extensions); a file
stands for one content by name, size and checksum, and follows the segment that ends with its header: every member has
its file line, those without content too. This module loads the JSON decoder, so it is imported where a record is read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from imageopt.errors import InputError
from imageopt.source.decompress import opened
from imageopt.source.overlay2 import Surprise

FILE, SEGMENT = 1, 2  # the entry types (vbatts/tar-split, tar/storage/entry.go)
_CHUNK = 1 << 17  # bytes; what the lines make of it has room in a core's own cache
_LONGEST = 64 << 20  # bytes of one line; a segment is a few headers


class Record(msgspec.Struct, gc=False):
    """One line. `payload` is a segment's bytes, or a content's checksum: CRC-64 (ISO), 8 bytes.

    A file's line has its name too, which its header has already said.
    """

    type: int
    size: int = 0
    payload: bytes | None = None


RecordT = TypeVar("RecordT", bound=Record)


def read_records(path: Path, kind: type[RecordT]) -> Iterator[list[RecordT]]:
    """The lines in order, some thousand at a time, as records of that kind.

    Raises Surprise where the record is damaged or cannot be read.
    """
    decode = msgspec.json.Decoder(kind).decode_lines
    rest = b""
    try:
        with path.open("rb") as stream:
            read, _ = opened(stream, lambda _: None)
            while chunk := read(_CHUNK):
                first = chunk.find(b"\n")
                if first >= 0:
                    last = chunk.rfind(b"\n")
                    yield decode(rest + chunk[:first])
                    yield decode(memoryview(chunk)[first + 1 : last])  # nearly all of it, which is copied nowhere
                    rest = chunk[last + 1 :]
                elif len(rest) > _LONGEST:
                    raise Surprise("the engine's record of a layer has a line without end")
                else:
                    rest += chunk
        yield decode(rest)
    except (OSError, InputError, msgspec.MsgspecError) as error:
        raise Surprise(f"the engine's record of a layer cannot be read: {error}") from None
