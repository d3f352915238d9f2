"""Layer indexes kept between runs, so that a layer that two images share, or the same image again, is read once.

One file for each digest and kind of checksum, in the user's cache folder: a hash over what follows, then zstd over
MessagePack. Only what was read and found true to its digest is kept, and it is found by that digest alone, so an entry
needs no trust in the image that asks. A file that is damaged, or of another version, is as if it were not there.

Beside them lies what was worked out of whole images (known.py), in files of the same form that are found by a hash over
all that went into it.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from imageopt.image.model import ChecksumKind, LayerIndex
from imageopt.lazy_pattern import lazy_pattern
from imageopt.source.decompress import zstd

_VERSION = 3
_MOST_BYTES = 1 << 30
_MOST_SECONDS = 60 * 86_400
_HASH = 16  # bytes of xxh3-128
_LONGEST = 1 << 30  # bytes of one entry, unpacked
NOT_PACKED = (UnicodeEncodeError, OverflowError)  # of names that are not UTF-8, of numbers of more than 64 bits
_NAME = lazy_pattern(r"[0-9a-f]{64}\.(?:crc-64|xxh3-128)")

T = TypeVar("T")


class LayerCache:
    """The indexes in one folder. It never raises: a folder that cannot be used is an empty one."""

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES, most_seconds: float = _MOST_SECONDS) -> None:
        self.folder = folder / f"layers-{_VERSION}"
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds

    def has(self, digest: str, checksums: ChecksumKind) -> bool:
        """Whether there is an entry for the stream with that digest; what it is worth shows when it is read."""
        try:
            path = self._path(digest, checksums)
        except ValueError:
            return False
        if not path.is_file():
            return False
        _touch(path)
        return True

    def get(self, digest: str, checksums: ChecksumKind) -> LayerIndex | None:
        """The index of the stream with that digest, None where it is not known."""
        try:
            path = self._path(digest, checksums)
        except ValueError:
            return None
        index = self._read(path, LayerIndex)
        if index is not None and (index.digest, index.checksums) != (digest, checksums):
            _remove(path)
            return None
        return index

    def put(self, index: LayerIndex) -> None:
        """Keeps the index; older ones go where the folder grows too big."""
        with contextlib.suppress(ValueError):
            self._write(self._path(index.digest, index.checksums), index)

    def holds(self, name: str) -> bool:
        """Whether something was kept under that name; what it is worth shows when it is recalled."""
        return (self.folder / name).is_file()

    def recall(self, name: str, kind: type[T]) -> T | None:
        """What was kept under that name, as a record of that kind; None where there is nothing, or nothing whole."""
        return self._read(self.folder / name, kind)

    def keep(self, name: str, value: Any) -> None:
        """Keeps what was worked out of layers under a name of its own."""
        self._write(self.folder / name, value)

    def prune(self) -> None:
        """Removes what was not used for long, and of the rest the oldest, until it fits."""
        left = self._most_bytes
        oldest = time.time() - self._most_seconds
        for path, size, used in sorted(self._files(), key=lambda file: -file[2]):
            left -= size
            if left < 0 or used < oldest:
                _remove(path)

    def clear(self) -> int:
        """Removes everything; gives the bytes that went."""
        gone = 0
        for path, size, _ in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
                gone += size
        return gone

    def size(self) -> int:
        """Bytes of all that is kept."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    yield Path(entry.path), status.st_size, status.st_mtime

    def _path(self, digest: str, checksums: ChecksumKind) -> Path:
        """The file of an entry. Raises ValueError for what is no SHA-256."""
        name = f"{digest.removeprefix('sha256:')}.{checksums}"
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        return self.folder / name

    def _read(self, path: Path, kind: type[T]) -> T | None:
        try:
            data = path.read_bytes()
        except OSError:
            return None
        value = _unpacked(data, kind)
        if value is None:
            _remove(path)
        else:
            _touch(path)
        return value

    def _write(self, path: Path, value: Any) -> None:
        packed = _packed(value)
        if packed is None:
            return
        import tempfile

        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
            fresh = Path(name)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(packed)
                fresh.replace(path)
            except BaseException:
                fresh.unlink()
                raise


def user_cache() -> LayerCache | None:
    """The user's own; IMAGEOPT_CACHE names another folder, or, empty, none at all."""
    named = os.environ.get("IMAGEOPT_CACHE")
    if named is not None:
        return LayerCache(Path(named)) if named else None
    import platformdirs

    return LayerCache(platformdirs.user_cache_path("imageopt"))


def pack(value: Any) -> bytes:
    """A record as MessagePack. Raises one of NOT_PACKED for what that has no form for."""
    import msgspec

    return msgspec.msgpack.encode(value)


def unpack(data: bytes | memoryview, kind: type[T]) -> T:
    """What `pack` packed. Raises msgspec.MsgspecError for anything else."""
    import msgspec

    return msgspec.msgpack.decode(data, type=kind)


def compressed(data: bytes) -> bytes:
    """The bytes as one frame of zstd, at its quickest."""
    packed: bytes = zstd().compress(data, 1)
    return packed


def decompressed(data: bytes) -> bytes:
    """What `compressed` gave. Raises ZstdError for anything else."""
    plain: bytes = zstd().ZstdDecompressor().decompress(data, _LONGEST)
    return plain


def _packed(value: Any) -> bytes | None:
    from xxhash import xxh3_128_digest

    try:
        data = compressed(pack(value))
    except NOT_PACKED:
        return None
    return xxh3_128_digest(data) + data


def _unpacked(data: bytes, kind: type[T]) -> T | None:
    import msgspec
    from xxhash import xxh3_128_digest

    if xxh3_128_digest(data[_HASH:]) != data[:_HASH]:
        return None
    try:
        return unpack(decompressed(data[_HASH:]), kind)
    except (zstd().ZstdError, msgspec.MsgspecError):
        return None


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)  # the last to go is the last that was used


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
