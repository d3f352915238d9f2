"""Writes a rewrite into the project, all of it or nothing, and takes it back to the byte.

Every new file is written beside its target and flushed before the first one is put in place; a file that somebody
changed in the meantime stops everything. A symlink is followed inside the project only.
"""

import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imageopt.errors import InputError
from imageopt.project.files import inside
from imageopt.rewrite import undo as record
from imageopt.rewrite.model import Rewrite

_NEW_FILE_MODE = 0o644


@dataclass(frozen=True, slots=True)
class _Write:
    """A file's real path, what is expected there now, what goes there (None: it is deleted), and its mode."""

    target: Path
    expected: bytes | None
    content: bytes | None
    mode: int


def apply(root: Path, rewrite: Rewrite) -> None:
    """Writes the changes. Raises InputError, and changes nothing, where a file is not as the rewrite found it."""
    if not rewrite.changes:
        return
    with record.alone(root):
        _apply(root, rewrite)


def undo(root: Path) -> tuple[str, ...]:
    """Takes the last applied rewrite back and returns the paths it restored or deleted.

    Raises InputError, and changes nothing, where there is none or a file was edited since.
    """
    if not record.state_folder(root).is_dir():
        raise _nothing()
    with record.alone(root):
        return _undo(root)


def _apply(root: Path, rewrite: Rewrite) -> None:
    writes = []
    kept = []
    for change in rewrite.changes:
        target = _target(root, change.path)
        now = _read(target)
        if now != change.before:
            raise InputError(
                f"{change.path} was changed since it was read", "run imageopt rewrite again to see the new proposal"
            )
        mode = _mode(target)
        writes.append(_Write(target, change.before, change.after, mode))
        kept.append(record.Replaced(change.path, change.before, record.digest(change.after), mode))
    kept_record = record.keep(root, kept)
    try:
        _write_all(writes)
    except BaseException:
        kept_record.unlink(missing_ok=True)
        raise


def _undo(root: Path) -> tuple[str, ...]:
    found = record.newest(root)
    if found is None:
        raise _nothing()
    path, files = found
    writes = []
    for file in files:
        target = _target(root, file.path)
        now = _read(target)
        if now == file.before:
            continue  # somebody took it back already
        if now is None or record.digest(now) != file.after_digest:
            raise InputError(
                f"{file.path} was edited since the rewrite was applied", "take your edit back, or undo it by hand"
            )
        writes.append(_Write(target, now, file.before, file.mode))
    _write_all(writes)
    path.unlink(missing_ok=True)
    return tuple(file.path for file in files)


def _nothing() -> InputError:
    return InputError("no rewrite was applied here", "run imageopt rewrite --apply first")


def _target(root: Path, path: str) -> Path:
    target = inside(root, path)
    if target is None or target == root.resolve():
        raise InputError(f"{path} leads out of the project", "replace the symlink by a file of the project")
    return target


def _read(target: Path) -> bytes | None:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{target.name} cannot be read: {error.strerror}", "check what it is and who may read it"
        ) from None


def _mode(target: Path) -> int:
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o7777
    return _NEW_FILE_MODE


def _write_all(writes: Sequence[_Write]) -> None:
    """Puts every file in place, or every one that was put in place back as it was."""
    prepared: list[tuple[_Write, Path | None]] = []
    placed: list[_Write] = []
    try:
        prepared += [(write, _beside(write)) for write in writes]
        for write, temporary in prepared:
            placed.append(write)
            _place(write.target, temporary)
        for folder in {write.target.parent for write in writes}:
            _flush_folder(folder)
    except BaseException as error:  # a Ctrl-C too
        for write in placed:
            with contextlib.suppress(OSError):
                _place(write.target, _beside(_Write(write.target, None, write.expected, write.mode)))
        if not isinstance(error, OSError):
            raise
        raise InputError(
            f"the files could not be written: {error.strerror}", "make the project folder writable, with some room"
        ) from None
    finally:
        for _, temporary in prepared:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


def _beside(write: _Write) -> Path | None:
    """A flushed file next to the target with the new content and the mode; None where the target is to go."""
    if write.content is None:
        return None
    descriptor, name = tempfile.mkstemp(dir=write.target.parent, prefix=f".{write.target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(write.content)
            stream.flush()
            os.fchmod(stream.fileno(), write.mode)
            os.fsync(stream.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _place(target: Path, temporary: Path | None) -> None:
    if temporary is None:
        target.unlink(missing_ok=True)
    else:
        temporary.replace(target)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
