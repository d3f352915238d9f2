"""What a rewrite replaced, kept in the user's state folder (never in the build context) until it is taken back.

One folder per project, named by its real path; one numbered record per applied rewrite, so that undo takes them back
in turn. A record is written whole before the first file of the project changes.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imageopt import folders
from imageopt.errors import InputError

_SCHEMA = "imageopt.undo/1"


@dataclass(frozen=True, slots=True)
class Replaced:
    """One file: its content before (None where it was not there), the digest of what replaced it, its mode before."""

    path: str
    before: bytes | None
    after_digest: str
    mode: int


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def state_folder(root: Path) -> Path:
    """Where the records of this project lie; nothing is made."""
    return folders.state_folder() / digest(os.fsencode(root.resolve()))[:32]


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Nobody else writes or takes back a rewrite of this project during the block.

    Raises InputError where the state folder cannot be written.
    """
    folder = state_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unkept(folder, error) from None
    try:
        with contextlib.suppress(OSError):  # a file system without locks: the check of every file must do
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def keep(root: Path, files: list[Replaced]) -> Path:
    """Writes a record and returns its path. Raises InputError where the state folder cannot be written."""
    folder = state_folder(root)
    entries = [
        {
            "path": file.path,
            "before": None if file.before is None else base64.b64encode(file.before).decode("ascii"),
            "after_sha256": file.after_digest,
            "mode": file.mode,
        }
        for file in files
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = folder / f"{_last_number(folder) + 1:06d}.json"
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".new-")  # mode 0600: it may hold secrets
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump({"schema": _SCHEMA, "files": entries}, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).rename(record)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unkept(folder, error) from None
    return record


def newest(root: Path) -> tuple[Path, tuple[Replaced, ...]] | None:
    """The newest record and its path, or None. Raises InputError where it is damaged."""
    folder = state_folder(root)
    number = _last_number(folder)
    if number == 0:
        return None
    record = folder / f"{number:06d}.json"
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
        assert data["schema"] == _SCHEMA
        return record, tuple(
            Replaced(
                str(entry["path"]),
                None if entry["before"] is None else base64.b64decode(entry["before"], validate=True),
                str(entry["after_sha256"]),
                int(entry["mode"]),
            )
            for entry in data["files"]
        )
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        raise InputError(f"the undo record {record} is damaged", "restore the files from version control") from None


def _unkept(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"what the rewrite replaces cannot be kept in {folder}: {error.strerror}",
        "make room there and make it writable, or set XDG_STATE_HOME",
    )


def _last_number(folder: Path) -> int:
    names = [path.stem for path in folder.glob("*.json")] if folder.is_dir() else []
    return max((int(name) for name in names if name.isdigit()), default=0)
