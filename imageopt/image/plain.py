"""A tar header with nothing unusual about it -> the fields of its entry, in one step: nearly all entries of an image.

Whatever is unusual (an extension, a whiteout, the root, a damaged number) is None here. `Headers` and `Listing` read
that, and would find the same for what is read here: a new case belongs there.
"""

from functools import lru_cache
from struct import Struct

from imageopt.image.model import EntryKind
from imageopt.source.tar import BLOCK, has_sum

Fields = tuple[str, EntryKind, int, int, int, int, int, int, str]  # of an `Entry`, but for its checksum

# name, owner, size and what ends it, mtime, checksum, kind, the first byte of the link and of the prefix (POSIX ustar)
_HEADER = Struct("100s 24s 11s c 12s 8s c B 187x B")
_ENDS = (b"\0", b" ")
_KINDS: dict[bytes, EntryKind] = {
    b"0": "file", b"\0": "file", b"7": "file", b"1": "hardlink", b"2": "symlink", b"3": "character", b"4": "block",
    b"5": "directory", b"6": "fifo",
}  # fmt: skip


def plain_entry(data: bytes | memoryview, at: int, *, proved: bool) -> Fields | None:
    """The entry whose header stands at `at` of `data`; if it is not `proved` already, its checksum has to be right."""
    name, owner, size, end, mtime, checksum, type_flag, links, prefixed = _HEADER.unpack_from(data, at)
    kind = _KINDS.get(type_flag)
    if kind is None or end not in _ENDS:
        return None
    try:
        mode, uid, gid = _owner(owner)
        seconds = _octal(mtime)
        stored = int(size, 8) if kind == "file" else 0
    except ValueError:
        return None
    if stored < 0 or not (proved or has_sum(data[at : at + BLOCK], checksum)):
        return None
    name = name.partition(b"\0")[0]
    if prefixed:
        name = _prefix(data, at) + name
    path = name.decode("utf-8", "surrogateescape")
    if path[-1:] == "/":
        if kind == "file":
            return None
        path = path[:-1]
    if "/." in path or "//" in path or path[:1] in "/.":  # most need no second look
        path = normal(path) or ""
        if not path or ".wh." in path:
            return None
    target = _target(data, at, kind) if links else ""
    return path, kind, stored, stored, mode, uid, gid, seconds, target


def _prefix(data: bytes | memoryview, at: int) -> bytes:
    """The folder that ustar keeps apart from a name that is too long for its field."""
    header = bytes(data[at : at + BLOCK])
    return header[345:500].partition(b"\0")[0] + b"/" if header[257:263] == b"ustar\0" else b""


def _target(data: bytes | memoryview, at: int, kind: EntryKind) -> str:
    """Where a link leads, as an `Entry` says it."""
    target = bytes(data[at + 157 : at + 257]).partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if kind == "hardlink":
        return normal(target) or ""
    return target if kind == "symlink" else ""


def normal(path: str) -> str | None:
    """The path relative to the root, or None where it leads out of it."""
    path = path.removesuffix("/")
    if "/." in path or "//" in path or path.startswith(("/", ".")):
        parts = [part for part in path.split("/") if part not in ("", ".")]
        return None if ".." in parts else "/".join(parts)
    return path


@lru_cache(4096)
def _octal(field: bytes) -> int:
    """A number in octal text alone. Raises ValueError for anything else."""
    return int(field.rstrip(b"\0 "), 8)


@lru_cache(4096)
def _owner(fields: bytes) -> tuple[int, int, int]:
    return _octal(fields[:8]) & 0o7777, _octal(fields[8:16]), _octal(fields[16:])
