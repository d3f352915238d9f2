"""An image on disk as named files, whether it is a folder or one tar: nothing is unpacked, layers are read in place."""

import hashlib
import io
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from imageopt.errors import InputError
from imageopt.source.tar import BLOCK, Headers, TarStream, walk

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LINKS = 16  # symlinks to follow from one name; archives use one (a layer shared by two images)

_SETTLED_SECONDS = 2  # a file changed later than this ago may change once more at what its times call the same moment

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh")  # gzip, zstd, xz, bzip2


class Files(Protocol):
    """Named files that can be read again and again."""

    def size(self, name: str) -> int | None:
        """Bytes of the file, None where there is none of that name."""

    def open(self, name: str) -> io.BufferedReader:
        """The file, at its beginning. Raises InputError where there is none of that name."""


def read_small(files: Files, name: str, limit: int) -> bytes | None:
    """The file's bytes, None where there is none. Raises InputError where it is longer than `limit` bytes."""
    size = files.size(name)
    if size is None:
        return None
    if size > limit:
        raise InputError(f"{name} is {size} bytes long: too long for what it should be", "is this a container image?")
    with files.open(name) as stream:
        return stream.read()


class FolderFiles:
    """The files below a folder; names that lead out of it are not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def size(self, name: str) -> int | None:
        path = self._path(name)
        return path.stat().st_size if path is not None else None

    def open(self, name: str) -> io.BufferedReader:
        path = self._path(name)
        if path is None:
            raise missing(name)
        return path.open("rb")

    def place(self, name: str) -> str:
        path = self._path(name)
        return _place(path.stat(), 0) if path is not None else ""

    def _path(self, name: str) -> Path | None:
        try:
            path = (self._folder / name).resolve(strict=True)
            return path if path.is_file() and self._folder in path.parents else None
        except (OSError, RuntimeError, ValueError):  # a name that no file can have, or links that lead in a circle
            return None


class TarFiles:
    """The members of a tar file, found by reading its headers once and seeking over the content."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[str, tuple[int, int]] = {}  # name -> offset and bytes of the content
        self._links: dict[str, str] = {}
        with _open_regular(path) as stream:
            self._status = os.fstat(stream.fileno())
            _check_head(path, stream)
            tar = _SeekingTar(stream)
            for member in walk(tar):
                name = os.path.normpath(member.name.decode("utf-8", "surrogateescape"))
                if member.type in (b"0", b"\0", b""):
                    self._members[name] = (tar.position, member.stored)
                elif member.type in (b"1", b"2"):
                    link = member.link.decode("utf-8", "surrogateescape")
                    base = name.rpartition("/")[0] if member.type == b"2" else ""
                    self._links[name] = os.path.normpath(f"{base}/{link}" if base else link)
                tar.skip(member.stored)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._members, *self._links}))

    def size(self, name: str) -> int | None:
        place = self._members.get(self._resolved(name))
        return place[1] if place is not None else None

    def open(self, name: str) -> io.BufferedReader:
        place = self._members.get(self._resolved(name))
        if place is None:
            raise missing(name)
        stream = self._path.open("rb", buffering=0)
        return io.BufferedReader(_Part(stream, *place), 1 << 18)

    def place(self, name: str) -> str:
        place = self._members.get(self._resolved(name))
        return _place(self._status, place[0]) if place is not None else ""

    def _resolved(self, name: str) -> str:
        for _ in range(_LINKS):
            if name not in self._links:
                break
            name = self._links[name]
        return name


class _SeekingTar(TarStream):
    """A tar whose content is passed over by seeking, so that only its headers are read."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream.read, chunk=0)
        self._stream = stream
        self._length = os.fstat(stream.fileno()).st_size

    def take(self, count: int) -> bytes:
        data = self._stream.read(count)
        self.position += len(data)
        return data

    def skip(self, count: int, consume: object = None) -> int:  # noqa: ARG002
        there = min(count, self._length - self.position)
        self._stream.seek(there, os.SEEK_CUR)
        self.position += there
        return there


class _Part(io.RawIOBase):
    """A piece of a file as a file of its own, which closes the file when it is closed."""

    def __init__(self, stream: io.RawIOBase, start: int, length: int) -> None:
        self._stream = stream
        self._start = start
        self._length = length
        self._position = 0
        stream.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        from_where = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(0, from_where + offset)
        self._stream.seek(self._start + self._position)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._length - self._position)]
        count = self._stream.readinto(view) or 0
        self._position += count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def place_of(files: Files, name: str) -> str:
    """Where the file's bytes lie, unchanged: 64 hex digits; empty where nothing tells that they are still the same."""
    return files.place(name) if isinstance(files, FolderFiles | TarFiles) else ""


def _place(status: os.stat_result, offset: int) -> str:
    """A file as git knows one again: by device, inode, length and both times, of which no program can set the later."""
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if changed > time.time_ns() - _SETTLED_SECONDS * 1_000_000_000:
        return ""
    parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, offset)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def missing(name: str) -> InputError:
    """The error for a file that an image's own documents name and that is not there."""
    return InputError(f"the image names {name!r}, which is not there", "it is incomplete: save or pull it again")


def _open_regular(path: Path) -> BinaryIO:
    try:
        stream = open(path, "rb", opener=_at_once)  # noqa: SIM115 (Path.open takes no opener)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", "check the path") from None
    except OSError as error:
        raise InputError(f"{str(path)[:200]} cannot be read: {error.strerror}", "check the path") from None
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise InputError(f"{path} is not a regular file", "write the image to a file first")
    return stream


def _check_head(path: Path, stream: BinaryIO) -> None:
    """Raises InputError where the file is no tar at all, which is worth other words than a damaged one."""
    head = stream.read(BLOCK)
    stream.seek(0)
    if head.startswith(_COMPRESSED):
        raise InputError(f"{path} is compressed", "unpack it first, for example with gunzip")
    try:
        Headers().next(TarStream(io.BytesIO(head).read))
    except InputError:
        if head[257:262] != b"ustar":
            raise InputError(
                f"{path} is not an image: it is no tar", "write one with: docker save NAME -o FILE"
            ) from None


def _at_once(path: str, flags: int) -> int:
    """Opens a pipe that nobody writes to as well, instead of waiting for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)
