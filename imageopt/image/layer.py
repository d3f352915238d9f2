"""One layer stream to its index: every entry, whiteout and digest, and the content of the few files that count later.

Only names make whiteouts here: in a tar, a 0/0 device is a device. Nothing is extracted, and of the content no more
than a chunk is held, except for the small files that `captures` names.
"""

from typing import BinaryIO

from xxhash import xxh3_128, xxh3_128_digest

from imageopt.image.captures import ELF_MAGIC, captured, may_be_elf
from imageopt.image.digest import Digest
from imageopt.image.elf import ElfFacts, elf_facts_of
from imageopt.image.model import ChecksumKind, Entry, EntryKind, LayerIndex
from imageopt.image.plain import Fields, normal, plain_entry
from imageopt.source.decompress import opened
from imageopt.source.tar import BLOCK, Member, TarStream, shown, walk

_KINDS: dict[bytes, EntryKind] = {
    b"0": "file", b"\0": "file", b"": "file", b"7": "file", b"S": "file",
    b"1": "hardlink", b"2": "symlink", b"3": "character", b"4": "block", b"5": "directory", b"6": "fifo",
}  # fmt: skip
_new = tuple.__new__
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."
_CHUNK = 1 << 20  # bytes; a member that lies across two of them costs more than one within


def index_layer(stream: BinaryIO) -> LayerIndex:
    """Reads a layer (plain, gzip or zstd) to its end. Raises InputError where it is damaged."""
    with Digest() as stored, Digest() as unpacked:
        read, compressed = opened(stream, stored.update)

        def read_tar(count: int) -> bytes:
            data = read(count)
            unpacked.update(data)
            return data

        listing = Listing()
        fill(listing, HashedTar(read_tar, _CHUNK))
        diff_id = unpacked.value()
        return listing.index(
            diff_id=diff_id,
            digest=stored.value() if compressed else diff_id,
            stored_bytes=stored.length if compressed else unpacked.length,
            tar_bytes=unpacked.length,
            checksums="xxh3-128",
        )


def fill(listing: "Listing", tar: "HashedTar") -> None:
    """Puts every member of the tar into the listing. Raises InputError where the tar is damaged."""
    for member in walk(tar, between=lambda: tar.take_plain(listing)):
        fields = listing.fields(member)
        if fields is None:
            tar.skip(member.stored)
            continue
        path, kind, size, _, mode, _, _, _, _ = fields
        checksum = b""
        if kind == "file":
            facts = None
            if may_be_elf(path, mode, size) and tar.peek(len(ELF_MAGIC)) == ELF_MAGIC:
                checksum, facts = tar.elf(size)
            else:
                checksum, data = tar.content(size, captured(path, size))
                if data is not None:
                    listing.contents[path] = data
            listing.keep_elf(path, facts)
        else:
            tar.skip(member.stored)
        listing.add(fields, checksum)


class HashedTar(TarStream):
    """A tar whose contents pass by and are hashed."""

    def take_plain(self, listing: "Listing") -> None:
        """Takes in what lies at hand whole, up to the first member that `plain_entry` leaves to others."""
        data = self._buffer
        at, end = 0, len(data)
        while (start := at + BLOCK) <= end:
            fields = plain_entry(data, at, proved=False)
            if fields is None:
                break
            path, kind, size, _, mode, _, _, _, _ = fields
            following = start + size + -size % BLOCK
            if following > end:
                break
            checksum = b""
            if kind == "file":
                content = data[start : start + size]
                checksum = xxh3_128_digest(content)
                facts = None
                if may_be_elf(path, mode, size) and content[: len(ELF_MAGIC)] == ELF_MAGIC:
                    facts = elf_facts_of(bytes(content))
                elif captured(path, size):
                    listing.contents[path] = bytes(content)
                listing.keep_elf(path, facts)
            listing.add(fields, checksum)
            at = following
        self._buffer = data[at:]
        self.position += at

    def content(self, size: int, keep: bool) -> tuple[bytes, bytes | None]:
        """The checksum of the next `size` bytes, and the bytes themselves where they are to be kept."""
        checksum = xxh3_128()
        if keep:
            data = self.take(size)
            checksum.update(data)
            return checksum.digest(), data
        self.skip(size, checksum.update)
        return checksum.digest(), None

    def elf(self, size: int) -> tuple[bytes, ElfFacts | None]:
        """The checksum of the next `size` bytes, and what the ELF file that they are needs."""
        checksum, data = self.content(size, keep=True)
        return checksum, elf_facts_of(data or b"")


class Listing:
    """The members of one layer as they come, sorted into entries, whiteouts and what is left out."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.elf: dict[str, ElfFacts] = {}
        self.entries: list[Entry] = []
        self._whiteouts: list[str] = []
        self._opaques: list[str] = []
        self._problems: list[str] = []

    def fields(self, member: Member) -> Fields | None:
        """What its entry says; None for a whiteout, bookkeeping, the root, or a name that leads out of it."""
        path = self._path(member)
        if path is None:
            return None
        kind = _KINDS.get(member.type, "file")
        if kind == "file" and member.name.endswith(b"/"):  # how tar wrote folders before it had a type for them
            kind = "directory"
        _, _, stored, logical, mode, uid, gid, mtime, target = member
        link = ""
        if kind == "hardlink":
            link = normal(target.decode("utf-8", "surrogateescape")) or ""
        elif kind == "symlink":
            link = target.decode("utf-8", "surrogateescape")
        if kind != "file":
            stored = logical = 0
        return path, kind, stored, logical, mode, uid, gid, mtime, link

    def _path(self, member: Member) -> str | None:
        path = normal(member.name.decode("utf-8", "surrogateescape"))
        if not path:
            if path is None:
                self._problems.append(f"an entry named {shown(member)} leads out of the image: left out")
            return None
        if _WHITEOUT in path:
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                self._opaques.append(folder)
                return None
            if name.startswith(_RESERVED) or name == _WHITEOUT:
                return None  # bookkeeping of aufs: neither a file nor a whiteout
            if name.startswith(_WHITEOUT):
                self._whiteouts.append(f"{folder}/{name[4:]}" if folder else name[4:])
                return None
        return path

    def keep_elf(self, path: str, facts: ElfFacts | None) -> None:
        """Notes what the file needs; the last of a name counts."""
        if facts is not None:
            self.elf[path] = facts
        elif path in self.elf:
            del self.elf[path]

    def add(self, fields: Fields, checksum: bytes) -> None:
        """Takes in an entry; `checksum` is of a regular file's content."""
        # what Entry(...) makes, without the call that its named fields cost
        self.entries.append(_new(Entry, fields + (checksum,)))  # noqa: RUF005 (and a sum of tuples is quicker, too)

    def index(
        self, *, diff_id: str, digest: str, stored_bytes: int, tar_bytes: int, checksums: ChecksumKind
    ) -> LayerIndex:
        """The index of the layer, with the totals of its stream."""
        return LayerIndex(
            diff_id=diff_id,
            digest=digest,
            stored_bytes=stored_bytes,
            tar_bytes=tar_bytes,
            checksums=checksums,
            entries=tuple(self.entries),
            whiteouts=tuple(self._whiteouts),
            opaques=tuple(self._opaques),
            contents=self.contents,
            elf=self.elf,
            problems=tuple(self._problems),
        )
