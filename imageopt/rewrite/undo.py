"""What a rewrite replaced, kept in the user's state folder (never in the build context) until it is taken back.

One folder per project, named by its real path; one numbered record per applied rewrite, so that undo takes them back
in turn. A record is `NUMBER.begun` while files are being exchanged and `NUMBER.json` otherwise: one that is found as
`.begun` was left by a run that was killed.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imageopt import folders
from imageopt.errors import InputError
from imageopt.rewrite.exchange import create, flush_folder

_SCHEMA = "imageopt.undo/1"
_NAME = re.compile(r"(\d+)\.(?:begun|json)")


class Replaced(Struct, frozen=True):
    """One file: its content and mode before (None where it was not there), and the digest of what replaced it."""

    path: str
    before: bytes | None
    after_digest: str
    mode: int | None


class Record(Struct, frozen=True):
    """An applied rewrite, or one that was begun. `token` names the spare files that it may have left."""

    place: Path
    token: str
    files: tuple[Replaced, ...]

    @property
    def begun(self) -> bool:
        """Whether the files may be half exchanged."""
        return self.place.suffix == ".begun"


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
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unkept(folder, error) from None
    try:
        with contextlib.suppress(OSError):  # a file system without locks: the check of every file must do
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def begin(root: Path, files: Sequence[Replaced]) -> Record:
    """The record, written as begun, of what is about to be replaced. Raises InputError where it cannot be kept."""
    folder = state_folder(root)
    record = Record(folder / f"{_last_number(folder) + 1:06d}.begun", secrets.token_hex(8), tuple(files))
    entries = [
        {
            "path": file.path,
            "before": None if file.before is None else base64.b64encode(file.before).decode("ascii"),
            "after_sha256": file.after_digest,
            "mode": file.mode,
        }
        for file in files
    ]
    text = json.dumps({"schema": _SCHEMA, "token": record.token, "files": entries}, indent=1)
    unfinished = folder / ".new"  # there is one at most: nobody else writes here
    try:
        unfinished.unlink(missing_ok=True)
        create(unfinished, text.encode("ascii"), mode=0o600)  # it may hold secrets
        unfinished.rename(record.place)
        flush_folder(folder)
    except OSError as error:
        for left in (unfinished, record.place):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        raise _unkept(folder, error) from None
    return record


def finish(record: Record) -> Record:
    """The record as one whose files are all exchanged. Raises InputError where that cannot be kept."""
    return _renamed(record, ".json")


def reopen(record: Record) -> Record:
    """The record as one whose files are being exchanged back. Raises InputError where that cannot be kept."""
    return _renamed(record, ".begun")


def forget(record: Record) -> None:
    """Deletes the record. Raises InputError where that is not allowed."""
    try:
        record.place.unlink(missing_ok=True)
        flush_folder(record.place.parent)
    except OSError as error:
        raise _unkept(record.place.parent, error) from None


def newest(root: Path) -> Record | None:
    """The newest record, or None. Raises InputError where it is damaged."""
    folder = state_folder(root)
    number = _last_number(folder)
    if number == 0:
        return None
    begun, whole = folder / f"{number:06d}.begun", folder / f"{number:06d}.json"
    place = begun if begun.exists() else whole
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        assert data["schema"] == _SCHEMA
        token = str(data["token"])
        assert re.fullmatch(r"[0-9a-f]{16}", token)
        return Record(
            place,
            token,
            tuple(
                Replaced(
                    str(entry["path"]),
                    None if entry["before"] is None else base64.b64decode(entry["before"], validate=True),
                    str(entry["after_sha256"]),
                    None if entry["mode"] is None else int(entry["mode"]) & 0o7777,
                )
                for entry in data["files"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        raise InputError(f"the undo record {place} is damaged", "restore the files from version control") from None


def _renamed(record: Record, suffix: str) -> Record:
    place = record.place.with_suffix(suffix)
    if place != record.place:
        try:
            record.place.rename(place)
            flush_folder(place.parent)
        except OSError as error:
            raise _unkept(place.parent, error) from None
    return replace(record, place=place)


def _unkept(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"what the rewrite replaces cannot be kept in {folder}: {error.strerror}",
        "make room there and make it writable, or set XDG_STATE_HOME",
    )


def _last_number(folder: Path) -> int:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=0)
