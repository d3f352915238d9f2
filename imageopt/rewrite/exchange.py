"""Several files exchanged at once: all of them have their new content afterwards, or all have their old one.

Whatever needs room or permission happens before the first file is replaced: the new and the old content lie beside each
file, flushed, so that going forward and going back are renames only. The spare files bear the token of the undo record,
so that whoever finds the record after a crash can sweep them away.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError


class Exchange(Struct, frozen=True):
    """A file's real path, its content now and then (None: it is not there), and its mode where one is to be kept.

    `spare` is the beginning of the names that its spare files get.
    """

    target: Path
    before: bytes | None
    after: bytes | None
    mode: int | None
    spare: str


def spare_name(token: str, index: int) -> str:
    """The beginning of the spare files' names of the file at `index` in the record with this token."""
    return f".imageopt-{token}-{index}"


def sweep(folder: Path, spare: str) -> None:
    """Deletes the spare files, whatever is left of them."""
    for path in (_new(folder, spare), _old(folder, spare)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def read(target: Path) -> bytes | None:
    """The content of a file, None where there is none. Raises InputError where it is no file or cannot be read."""
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise InputError(f"{target.name} is no file", "move what is in its place out of the way")
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{target.name} cannot be read: {error.strerror}", "check what it is and who may read it"
        ) from None


def exchange(changes: Sequence[Exchange]) -> None:
    """Gives every file its new content. Raises InputError, with every file as it was, where that cannot be done."""
    placed: list[Exchange] = []
    try:
        for change in changes:
            _prepare(change)
        for change in changes:
            _check(change)
        for change in changes:
            placed.append(change)
            _place(change.target, None if change.after is None else _new(change.target.parent, change.spare))
        for folder in {change.target.parent for change in changes}:
            flush_folder(folder)
    except BaseException as error:  # a Ctrl-C too
        for change in placed:
            with contextlib.suppress(OSError):
                _place(change.target, None if change.before is None else _old(change.target.parent, change.spare))
        if not isinstance(error, OSError):
            raise
        raise InputError(
            f"the files could not be written: {error.strerror}", "make the project folder writable, with some room"
        ) from None
    finally:
        for change in changes:
            sweep(change.target.parent, change.spare)


def create(path: Path, data: bytes, *, mode: int | None = None, like: os.stat_result | None = None) -> None:
    """Writes a new file and flushes it; nothing is left of it where that fails. Raises OSError.

    `mode`: as given, else what the user's mask leaves. `like`: whose owner it gets, as far as this user may give it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o666 if mode is None else 0o600)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            if like is not None and (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, like.st_uid, like.st_gid)
            if mode is not None:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def flush_folder(folder: Path) -> None:
    """Makes what was renamed or deleted in the folder outlive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that flushes no folders
            raise
    finally:
        os.close(descriptor)


def _prepare(change: Exchange) -> None:
    folder = change.target.parent
    like = change.target.stat() if change.before is not None else None
    if change.after is not None:
        create(_new(folder, change.spare), change.after, mode=change.mode, like=like)
    if change.before is not None:
        assert like is not None
        create(_old(folder, change.spare), change.before, mode=stat.S_IMODE(like.st_mode), like=like)


def _check(change: Exchange) -> None:
    if read(change.target) != change.before:  # an editor saved while the spare files were written
        raise InputError(f"{change.target.name} is being edited", "save it, and try again")


def _place(target: Path, spare: Path | None) -> None:
    if spare is None:
        target.unlink(missing_ok=True)
    else:
        spare.replace(target)


def _new(folder: Path, spare: str) -> Path:
    return folder / f"{spare}.new"


def _old(folder: Path, spare: str) -> Path:
    return folder / f"{spare}.old"
