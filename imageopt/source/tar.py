"""A stream of tar bytes, walked entry by entry: names, kinds and stored sizes, without extracting anything.

Follows POSIX.1-2008 pax and the GNU extensions (long names, base-256 numbers, sparse files). The one thing a
newcomer gets wrong: a sparse file stores fewer bytes than a reader would see, and only the stored ones are counted.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from zlib import adler32

from imageopt.errors import InputError

BLOCK = 512
_EXTENSION_LIMIT = 4 << 20  # a longer pax header or name is an attack, not a name
_DIGITS = 20  # of a decimal number: 64 bits have no more
_WITH_CONTENT = frozenset((b"0", b"\0", b"7"))
_PLAIN = {kind: kind in _WITH_CONTENT for kind in (b"0", b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7")}
_EXTENSIONS = frozenset((b"x", b"g", b"L", b"K"))


class Member(NamedTuple):
    """One tar header with its extensions applied. `type` is the type flag; `stored` bytes of content follow."""

    name: bytes
    type: bytes
    stored: int
    logical: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: bytes


class TarStream:
    """Reads exactly: `take(n)` gives n bytes, `skip(n, consume)` passes n bytes to `consume` piece by piece.

    `read(n)` of the underlying stream may give fewer bytes, and nothing at its end. `position` counts bytes.
    """

    def __init__(self, read: Callable[[int], bytes], chunk: int = 1 << 18) -> None:
        self._read = read
        self._chunk = chunk
        self._buffer = memoryview(b"")
        self.position = 0

    @property
    def buffered(self) -> int:
        """How many bytes are at hand without reading."""
        return len(self._buffer)

    def drop_buffered(self) -> int:
        """Forgets what is at hand, for a reader that moves the stream itself; gives how many bytes that were."""
        count, self._buffer = len(self._buffer), memoryview(b"")
        return count

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes; fewer only at the end of the stream."""
        if count <= len(self._buffer):
            piece = bytes(self._buffer[:count])
            self._buffer = self._buffer[count:]
        else:
            parts = [bytes(self._buffer)]
            missing = count - len(self._buffer)
            self._buffer = memoryview(b"")
            while missing and (more := self._read(self._chunk)):
                parts.append(more[:missing])
                self._buffer = memoryview(more)[missing:]
                missing -= len(parts[-1])
            piece = b"".join(parts)
        self.position += len(piece)
        return piece

    def peek(self, count: int) -> bytes:
        """The next `count` bytes without consuming them; fewer only at the end of the stream."""
        data = self.take(count)
        self.position -= len(data)
        self._buffer = memoryview(data + bytes(self._buffer))
        return data

    def some(self, count: int) -> memoryview:
        """At most `count` bytes, as many as are at hand or come at once; none only at the end of the stream."""
        if not self._buffer:
            self._buffer = memoryview(self._read(self._chunk))
        piece, self._buffer = self._buffer[:count], self._buffer[count:]
        self.position += len(piece)
        return piece

    def skip(self, count: int, consume: Callable[[memoryview], object] | None = None) -> int:
        """Passes over `count` bytes; returns how many there were."""
        left = count
        while left and (piece := self.some(left)):
            left -= len(piece)
            if consume is not None:
                consume(piece)
        return count - left


def walk(stream: TarStream, between: Callable[[], None] | None = None) -> Iterator[Member]:
    """The members in order. After each, the caller consumes exactly `stored` bytes of `stream` (padding is ours).

    `between` may consume whole members on its own before each header, as long as no global header holds for them.
    Raises InputError where the tar breaks off or a header is damaged.
    """
    headers = Headers()
    while True:
        if between is not None and not headers.pax_global:
            between()
        at = stream.position
        member = headers.next(stream)
        if member is None:
            break
        start = stream.position
        yield member
        consumed = stream.position - start
        if consumed != member.stored:
            raise _broken(f"breaks off in {shown(member)}", at)
        padding = -member.stored % BLOCK
        if padding and stream.skip(padding) != padding:
            raise _broken(f"breaks off after {shown(member)}", at)
    if any(stream.take(BLOCK)):  # it takes two of them; what stands behind one, no engine unpacks
        raise _broken("has a block of zeros in the middle", at)
    while stream.take(1 << 16):  # padding after the last member, which belongs to the tar's length
        pass


class Headers:
    """Reads headers with the extensions before them; global ones hold for all that follow."""

    def __init__(self) -> None:
        self.pax_global: dict[str, bytes] = {}

    def next(self, stream: TarStream) -> Member | None:
        """The next member; None at a zero block or the end of the stream. Raises InputError for a damaged header."""
        pax: dict[str, bytes] = {}
        long_name = long_link = b""
        while True:
            at = stream.position
            header = stream.take(BLOCK)
            if not header or not any(header):
                return None
            if len(header) < BLOCK:
                raise _broken("breaks off in a header", at)
            _verify(header, at)
            kind = header[156:157]
            if kind not in _EXTENSIONS:
                return _member(stream, header, self.pax_global | pax, long_name, long_link, at)
            size = _size(header, at)
            if size > _EXTENSION_LIMIT:
                raise _broken(f"has an extension header of {size} bytes", at)
            body = _body(stream, size, at)
            match kind:
                case b"x":
                    pax = _records(body, at)
                case b"g":
                    self.pax_global |= _records(body, at)
                case b"L":
                    long_name = _text(body)
                case _:
                    long_link = _text(body)


def _member(
    stream: TarStream,
    header: bytes,
    pax: dict[str, bytes],
    long_name: bytes,
    long_link: bytes,
    at: int,
) -> Member:
    kind = header[156:157]
    name = long_name or _text(header[0:100])
    link = long_link or _text(header[157:257])
    if not long_name and header[257:263] == b"ustar\0" and header[345] and kind != b"S":
        name = _text(header[345:500]) + b"/" + name
    name = pax.get("path", name)
    link = pax.get("linkpath", link)
    size = _decimal(pax["size"], at) if "size" in pax else _size(header, at)
    if _PLAIN.get(kind) is False:
        size = 0
    logical = size
    if kind == b"S":
        logical = _number(header[483:495], at)
        extended = header[482]
        while extended:  # more of the old GNU sparse map: metadata, not content
            block = stream.take(BLOCK)
            if len(block) < BLOCK:
                raise _broken("breaks off in a sparse map", at)
            extended = block[504]
    elif "GNU.sparse.major" in pax or "GNU.sparse.size" in pax or "GNU.sparse.realsize" in pax:
        name = pax.get("GNU.sparse.name", name)
        logical = _decimal(pax.get("GNU.sparse.realsize", pax.get("GNU.sparse.size", b"0")), at)
    return Member(
        name=name,
        type=kind,
        stored=size,
        logical=logical,
        mode=_number(header[100:108], at) & 0o7777,
        uid=_decimal(pax["uid"], at) if "uid" in pax else _number(header[108:116], at),
        gid=_decimal(pax["gid"], at) if "gid" in pax else _number(header[116:124], at),
        mtime=_time(pax["mtime"], at) if "mtime" in pax else _number(header[136:148], at),
        link=link,
    )


def has_sum(header: bytes | memoryview, checksum: bytes) -> bool:
    """Whether the header's sum is what its own field of that says; False for the few where only `_verify` can tell."""
    # the low half of Adler-32 is one more than the sum of the bytes, modulo 65521 (RFC 1950), and costs a tenth
    return adler32(header) & 0xFFFF == _low_half(checksum)


@lru_cache(1 << 14)
def _low_half(field: bytes) -> int:
    """The low half of Adler-32 of a header with that checksum; -1 where it is no number."""
    try:
        return (1 + int(field.rstrip(b"\0 "), 8) + sum(field) - 8 * 32) % 65521
    except ValueError:
        return -1


def _verify(header: bytes, at: int) -> None:
    """The checksum of POSIX ustar: the sum of the header's bytes with the checksum field as spaces."""
    if has_sum(header, header[148:156]):
        return
    stored = _number(header[148:156], at)
    total = sum(header) - sum(header[148:156]) + 8 * 32
    if stored != total:
        signed = total - 256 * sum(1 for byte in header[:148] + header[156:] if byte > 127)
        if stored != signed:  # some old tars summed signed characters
            raise _broken("has a damaged header", at)


def _size(header: bytes, at: int) -> int:
    size = _number(header[124:136], at)
    if size < 0:
        raise _broken("has an entry of a negative size", at)
    return size


def _number(field: bytes, at: int) -> int:
    """Octal text, or GNU base-256 where the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") - (1 << (8 * len(field) - 1))
        return value if not field[0] & 0x40 else value - (1 << (8 * len(field) - 1))
    text = field.split(b"\0", 1)[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise _broken("has a damaged number", at) from None


def _decimal(text: bytes, at: int) -> int:
    if not text.isdigit() or len(text) > _DIGITS:
        raise _broken("has a damaged number in a pax header", at)
    return int(text)


def _time(text: bytes, at: int) -> int:
    """Whole seconds of a pax time, which may have a fraction and a sign."""
    whole = text.partition(b".")[0]
    sign = -1 if whole.startswith(b"-") else 1
    return sign * _decimal(whole.lstrip(b"-"), at)


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _body(stream: TarStream, size: int, at: int) -> bytes:
    body = stream.take(size)
    if len(body) < size or len(stream.take(-size % BLOCK)) < -size % BLOCK:
        raise _broken("breaks off in an extension header", at)
    return body


def _records(body: bytes, at: int) -> dict[str, bytes]:
    """The `length key=value` records of a pax header."""
    records = {}
    position = 0
    while position < len(body) and body[position : position + 1] != b"\0":
        length, _, _ = body[position : position + 20].partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(body) - position:
            raise _broken("has a damaged pax header", at)
        record = body[position + len(length) + 1 : position + int(length) - 1]
        key, _, value = record.partition(b"=")
        records[key.decode("utf-8", "replace")] = value
        position += int(length)
    return records


def shown(member: Member) -> str:
    """The end of the member's name, for a message: in quotes, printable whatever bytes it has."""
    return repr(member.name[-80:].decode("utf-8", "backslashreplace"))


def _broken(what: str, at: int) -> InputError:
    return InputError(f"the tar {what} (at byte {at})", "pull or build the image again: its data is damaged")
