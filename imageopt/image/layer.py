"""One layer stream to its index: every entry, whiteout and digest, and the content of the few files that count later.

Only names make whiteouts here: in a tar, a 0/0 device is a device. Nothing is extracted, and of the content no more
than a chunk is held, except for the small files that `captures` names.
"""

import hashlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from xxhash import xxh3_128

from imageopt.errors import InputError
from imageopt.image.captures import captured
from imageopt.image.decompress import opened
from imageopt.image.model import Entry, EntryKind, LayerIndex
from imageopt.source.overlay2 import Content, SplitLayer, Surprise
from imageopt.source.tar import Member, TarStream, walk

_KINDS: dict[bytes, EntryKind] = {
    b"0": "file", b"\0": "file", b"": "file", b"7": "file", b"S": "file",
    b"1": "hardlink", b"2": "symlink", b"3": "character", b"4": "block", b"5": "directory", b"6": "fifo",
}  # fmt: skip
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."


def index_layer(stream: BinaryIO) -> LayerIndex:
    """Reads a layer (plain, gzip or zstd) to its end. Raises InputError where it is damaged."""
    stored = hashlib.sha256()
    stored_bytes = 0

    def see(data: bytes) -> None:
        nonlocal stored_bytes
        stored.update(data)
        stored_bytes += len(data)

    read, compressed = opened(stream, see)
    unpacked = hashlib.sha256()
    tar_bytes = 0

    def read_tar(count: int) -> bytes:
        nonlocal tar_bytes
        data = read(count)
        unpacked.update(data)
        tar_bytes += len(data)
        return data

    walked = _walked(_HashedTar(read_tar))
    diff_id = f"sha256:{unpacked.hexdigest()}"
    return LayerIndex(
        diff_id=diff_id,
        digest=f"sha256:{stored.hexdigest()}" if compressed else diff_id,
        stored_bytes=stored_bytes if compressed else tar_bytes,
        tar_bytes=tar_bytes,
        checksums="xxh3-128",
        entries=walked.entries,
        whiteouts=walked.whiteouts,
        opaques=walked.opaques,
        contents=walked.contents,
        problems=walked.problems,
    )


def index_split(layer: SplitLayer) -> LayerIndex:
    """The index from an engine's own record of the layer, without reading its files. Raises Surprise."""
    tar = _SplitTar(layer)
    try:
        walked = _walked(tar)
    except InputError as error:
        raise Surprise(f"the engine's record of a layer is damaged: {error.cause}") from None
    tar.finish()
    return LayerIndex(
        diff_id=layer.diff_id,
        digest=layer.diff_id,
        stored_bytes=tar.position,
        tar_bytes=tar.position,
        checksums="crc-64",
        entries=walked.entries,
        whiteouts=walked.whiteouts,
        opaques=walked.opaques,
        contents=walked.contents,
        problems=walked.problems,
    )


class _Walked(NamedTuple):
    entries: tuple[Entry, ...]
    whiteouts: tuple[str, ...]
    opaques: tuple[str, ...]
    contents: dict[str, bytes]
    problems: tuple[str, ...]


class _HashedTar(TarStream):
    """A tar whose contents pass by and are hashed."""

    def content(self, member: Member, keep: bool) -> tuple[bytes, bytes | None]:
        """The checksum of the member's content, and the content itself where it is to be kept."""
        checksum = xxh3_128()
        if keep:
            data = self.take(member.stored)
            checksum.update(data)
            return checksum.digest(), data
        self.skip(member.stored, checksum.update)
        return checksum.digest(), None


class _SplitTar(TarStream):
    """A tar whose contents are not there: an engine's record has their checksums instead."""

    def __init__(self, layer: SplitLayer) -> None:
        self._layer = layer
        self._pieces = layer.pieces()
        self._content: Content | None = None
        super().__init__(self._segment)

    def _segment(self, _count: int) -> bytes:
        """The next raw bytes; a content that comes first is left for `content` or `skip`."""
        while self._content is None:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if isinstance(piece, Content):
                self._content = piece
            elif piece:
                return piece
        return b""

    def skip(self, count: int, consume: Callable[[memoryview], object] | None = None) -> int:
        content = self._taken(count) if count > self.buffered else None
        if content is None:
            return super().skip(count, consume)
        self.position += count
        return count

    def content(self, member: Member, keep: bool) -> tuple[bytes, bytes | None]:
        """The checksum of the member's content, and the content itself where it is to be kept."""
        if not member.stored:
            return bytes(8), b"" if keep else None
        content = self._taken(member.stored)
        if content is None:
            raise Surprise("the engine's record of a layer lacks a file")
        self.position += member.stored
        return content.checksum, self._layer.read(content) if keep else None

    def finish(self) -> None:
        """Raises Surprise where a content is left that no header spoke of."""
        if self._content is not None or any(isinstance(piece, Content) for piece in self._pieces):
            raise Surprise("the engine's record of a layer has a file that its tar does not")

    def _taken(self, size: int) -> Content | None:
        """The content that comes next, if it is of that size."""
        self._segment_ahead()
        content, self._content = self._content, None
        if content is not None and content.size != size:
            raise Surprise("the engine's record of a layer does not fit its tar")
        return content

    def _segment_ahead(self) -> None:
        if self._content is None and not self.buffered:
            self.peek(1)


def _walked(tar: "_HashedTar | _SplitTar") -> _Walked:
    entries: list[Entry] = []
    whiteouts: list[str] = []
    opaques: list[str] = []
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for member in walk(tar):
        path = _normal(member.name)
        if path is None:
            problems.append(f"an entry named {member.name[:200]!r} leads out of the image: left out")
            tar.skip(member.stored)
            continue
        folder, _, name = path.rpartition("/")
        if name == _OPAQUE:
            opaques.append(folder)
        elif name.startswith(_RESERVED) or name == _WHITEOUT:
            pass  # bookkeeping of aufs: neither a file nor a whiteout
        elif name.startswith(_WHITEOUT):
            whiteouts.append(f"{folder}/{name[4:]}" if folder else name[4:])
        elif path:
            entries.append(_entry(tar, member, path, contents))
            continue
        tar.skip(member.stored)
    return _Walked(tuple(entries), tuple(whiteouts), tuple(opaques), contents, tuple(problems))


def _entry(tar: "_HashedTar | _SplitTar", member: Member, path: str, contents: dict[str, bytes]) -> Entry:
    kind = _KINDS.get(member.type, "file")
    if kind == "file" and member.name.endswith(b"/"):  # how tar wrote folders before it had a type for them
        kind = "directory"
    checksum = b""
    link = ""
    if kind == "file":
        checksum, data = tar.content(member, captured(path, member.stored))
        if data is not None:
            contents[path] = data
    else:
        tar.skip(member.stored)
        if kind == "hardlink":
            link = _normal(member.link) or ""
        elif kind == "symlink":
            link = member.link.decode("utf-8", "surrogateescape")
    size = member.stored if kind == "file" else 0
    logical = member.logical if kind == "file" else 0
    return Entry(path, kind, size, logical, member.mode, member.uid, member.gid, member.mtime, link, checksum)


def _normal(name: bytes) -> str | None:
    """The path relative to the root, or None where it leads out of it."""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        return None
    return b"/".join(parts).decode("utf-8", "surrogateescape")
