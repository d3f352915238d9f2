"""Writes a rewrite into the project, all of it or nothing, and takes it back to the byte.

A file that is not as the rewrite found it, or holds what no commit does, stops everything unless it is forced. What a
killed run left half done is taken back before anything else is done. A symlink is followed inside the project only.
"""

import contextlib
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from imageopt.errors import InputError
from imageopt.project.files import inside
from imageopt.rewrite import undo as records
from imageopt.rewrite.exchange import Exchange, exchange, read, spare_name, sweep
from imageopt.rewrite.git import uncommitted
from imageopt.rewrite.model import FileChange, Rewrite


def apply(root: Path, rewrite: Rewrite, *, force: bool = False) -> tuple[str, ...]:
    """Writes the changes and returns the paths of the files that were written; those that are so already are not.

    Raises InputError, and changes nothing, where a file is not as the rewrite found it or its content is in no commit,
    unless `force` is given; `undo` restores it all the same.
    """
    if not rewrite.changes:
        return ()
    with records.alone(root):
        _recover(root)
        return _apply(root, rewrite.changes, force)


def undo(root: Path, *, force: bool = False) -> tuple[str, ...]:
    """Takes the last applied rewrite back, also one that was broken off, and returns the paths of its files.

    Raises InputError, and changes nothing, where there is none or, unless `force` is given, a file was edited since.
    """
    if not records.state_folder(root).is_dir():
        raise _nothing()
    with records.alone(root):
        record = records.newest(root)
        if record is None:
            raise _nothing()
        _take_back(root, record, force)
        return tuple(file.path for file in record.files)


def recover(root: Path) -> tuple[str, ...]:
    """Takes back what a killed run left half done and returns the paths of its files; empty where there is nothing.

    Raises InputError, and changes nothing, where one of them was edited since.
    """
    if not records.state_folder(root).is_dir():
        return ()
    with records.alone(root):
        return _recover(root)


def in_place(root: Path) -> bool:
    """Whether the project's files are as the last applied rewrite left them."""
    record = records.newest(root)
    if record is None:
        return False
    found = [(file, read(_target(root, file.path))) for file in record.files]
    return all(now is not None and records.digest(now) == file.after_digest for file, now in found)


def _apply(root: Path, changes: Sequence[FileChange], force: bool) -> tuple[str, ...]:
    last = records.newest(root)
    ours = {(file.path, file.after_digest) for file in last.files} if last is not None else set()
    wanted: list[tuple[FileChange, Path, bytes | None]] = []
    for change in changes:
        target = _target(root, change.path)
        now = read(target)
        if now == change.after:
            continue
        if not force:
            _refuse_changed(change, now)
            if now is None or (change.path, records.digest(now)) not in ours:  # else undo has what is in no commit
                _refuse_uncommitted(change.path, target, now)
        if any(target == other for _, other, _ in wanted):
            raise InputError(f"{change.path} is another changed file too", "replace the symlink by a file of its own")
        wanted.append((change, target, now))
    if not wanted:
        return ()
    record = records.begin(
        root,
        [
            records.Replaced(change.path, now, records.digest(change.after), _mode(target))
            for change, target, now in wanted
        ],
    )
    try:
        exchange(
            [
                Exchange(target, now, change.after, _mode(target), spare_name(record.token, index))
                for index, (change, target, now) in enumerate(wanted)
            ]
        )
    except BaseException:
        if _all_hold((target, now) for _, target, now in wanted):  # else the record says how to go back
            records.forget(record)
        raise
    with contextlib.suppress(InputError):  # all is in place, and a begun record takes it back as well
        records.finish(record)
    return tuple(change.path for change, _, _ in wanted)


def _recover(root: Path) -> tuple[str, ...]:
    record = records.newest(root)
    if record is None or not record.begun:
        return ()
    _sweep(root, record)
    if in_place(root):
        records.finish(record)  # it was killed when all was in place
        return ()
    _take_back(root, record, force=False)
    return tuple(file.path for file in record.files)


def _take_back(root: Path, record: records.Record, force: bool) -> None:
    _sweep(root, record)
    changes = []
    for index, file in enumerate(record.files):
        target = _target(root, file.path)
        now = read(target)
        if now == file.before:
            continue  # somebody took it back already
        if not force and (now is None or records.digest(now) != file.after_digest):
            raise InputError(
                f"{file.path} was edited since the rewrite was applied",
                "take your edit back, or lose it with --undo --force",
            )
        changes.append(Exchange(target, now, file.before, file.mode, spare_name(record.token, index)))
    was_whole = not record.begun
    record = records.reopen(record)
    try:
        exchange(changes)
    except BaseException:
        if was_whole and _all_hold((change.target, change.before) for change in changes):
            records.finish(record)
        raise
    with contextlib.suppress(InputError):  # all is back, and of a begun record nothing more would be taken back
        records.forget(record)


def _sweep(root: Path, record: records.Record) -> None:
    for index, file in enumerate(record.files):
        sweep(_target(root, file.path).parent, spare_name(record.token, index))


def _refuse_changed(change: FileChange, now: bytes | None) -> None:
    if now != change.before:
        raise InputError(
            f"{change.path} was changed since it was read",
            "run imageopt rewrite again to see the new proposal, or add --force",
        )


def _refuse_uncommitted(path: str, target: Path, now: bytes | None) -> None:
    reason = uncommitted(target, now)
    if reason is not None:
        raise InputError(f"{path} {reason}", "commit it, or add --force; --undo restores it all the same")


def _all_hold(files: Iterable[tuple[Path, bytes | None]]) -> bool:
    with contextlib.suppress(InputError):
        return all(read(target) == content for target, content in files)
    return False


def _nothing() -> InputError:
    return InputError("no rewrite was applied here", "run imageopt rewrite --apply first")


def _target(root: Path, path: str) -> Path:
    target = inside(root, path)
    if target is None or target == root.resolve():
        raise InputError(f"{path} leads out of the project", "replace the symlink by a file of the project")
    return target


def _mode(target: Path) -> int | None:
    with contextlib.suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    return None
