"""One layer stream to its index: every entry, whiteout and digest, and the content of the few files that count later.

Only names make whiteouts here: in a tar, a 0/0 device is a device. Nothing is extracted, and of the content no more
than a chunk is held, except for the small files that `captures` names.
"""

import hashlib
from typing import BinaryIO

from xxhash import xxh3_128

from imageopt.image.captures import captured
from imageopt.image.decompress import opened
from imageopt.image.model import Entry, EntryKind, LayerIndex
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

    tar = TarStream(read_tar)
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
    diff_id = f"sha256:{unpacked.hexdigest()}"
    return LayerIndex(
        diff_id=diff_id,
        digest=f"sha256:{stored.hexdigest()}" if compressed else diff_id,
        stored_bytes=stored_bytes if compressed else tar_bytes,
        tar_bytes=tar_bytes,
        entries=tuple(entries),
        whiteouts=tuple(whiteouts),
        opaques=tuple(opaques),
        contents=contents,
        problems=tuple(problems),
    )


def _entry(tar: TarStream, member: Member, path: str, contents: dict[str, bytes]) -> Entry:
    kind = _KINDS.get(member.type, "file")
    checksum = b""
    link = ""
    if kind == "file":
        content = xxh3_128()
        if captured(path, member.stored):
            data = tar.take(member.stored)
            content.update(data)
            contents[path] = data
        else:
            contents.pop(path, None)
            tar.skip(member.stored, content.update)
        checksum = content.digest()
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
