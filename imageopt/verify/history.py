"""What earlier proofs on this machine measured -> what a rewrite may be expected to save, beside what is predicted.

A prediction counts the bytes of findings and stays as it is; what was measured of the same transformations tells how
such counts came out. Kept in the user's state folder, a file for each Dockerfile, without a name of anything in it.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.folders import state_folder
from imageopt.rewrite.model import Rewrite
from imageopt.verify.isolated import Isolated, label, labels

_MOST_PROOFS = 100
_MOST_PROJECTS = 200
_ENOUGH_PROJECTS = 3  # what one project tells of another is chance
_BOUNDS = (0.0, 2.0)  # a count that is further off was of something else


class Proof(Struct, frozen=True):
    """Transformations that were measured together, or one alone, in unpacked bytes saved; the newest stands last."""

    transforms: tuple[str, ...]
    predicted_bytes: int
    measured_bytes: int

    @property
    def ratio(self) -> float:
        """What was measured for each byte that was predicted."""
        return min(max(self.measured_bytes / self.predicted_bytes, _BOUNDS[0]), _BOUNDS[1])


class History(Struct, frozen=True):
    """The proofs of this project, and those of each other one."""

    here: tuple[Proof, ...] = ()
    elsewhere: tuple[tuple[Proof, ...], ...] = ()


def read_history(project: Path, dockerfile: str) -> History:
    """What is kept of the Dockerfile in that folder and of others; what cannot be read is as if it were not there."""
    try:
        own = _file(project, dockerfile)
        others = sorted(path for path in own.parent.glob("*.json") if path != own)[:_MOST_PROJECTS]
    except (InputError, OSError):
        return History()
    return History(_read(own), tuple(filter(None, map(_read, others))))


def note(
    project: Path, dockerfile: str, rewrite: Rewrite, measured_bytes: int | None, alone: Iterable[Isolated] = ()
) -> None:
    """Keeps what the rewrite saves as a whole, and what single transformations do. What cannot be kept is left."""
    names = tuple(sorted(labels(rewrite)))
    found: list[tuple[tuple[str, ...], int | None, int | None]] = [(names, rewrite.predicted_bytes, measured_bytes)]
    found += [((one.name,), one.predicted_bytes, one.measured_bytes) for one in alone]
    fresh = [
        Proof(transforms, predicted, saved)
        for transforms, predicted, saved in found
        if transforms and predicted is not None and predicted > 0 and saved is not None
    ]
    if not fresh:
        return
    with contextlib.suppress(InputError, OSError):
        file = _file(project, dockerfile)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode((*_read(file), *fresh)[-_MOST_PROOFS:]))
        new.replace(file)


def expected(rewrite: Rewrite, history: History) -> Rewrite:
    """The rewrite with what it may be expected to save; as it is where no proof tells.

    In this order: by the last proof of just these transformations here; by each transformation alone, here or in three
    other projects (their median); by these transformations in three other projects. What nobody measured counts as
    predicted.
    """
    if not rewrite.predicted_bytes or rewrite.predicted_bytes < 0:
        return rewrite
    names = tuple(sorted(labels(rewrite)))
    last = _last(history.here, names)
    if last is not None:
        return _with(rewrite, rewrite.predicted_bytes * last, 1)
    parts = {
        done.name: (done.predicted_bytes, *found)
        for done in rewrite.transformed
        if done.predicted_bytes and (found := _alone(history, (label(rewrite, done),)))
    }
    if parts:
        off = sum(predicted * (ratio - 1) for predicted, ratio, _ in parts.values())
        return _with(rewrite, rewrite.predicted_bytes + off, sum(count for _, _, count in parts.values()))
    whole = _elsewhere(history, names)
    return _with(rewrite, rewrite.predicted_bytes * whole[0], whole[1]) if whole else rewrite


def _alone(history: History, names: tuple[str, ...]) -> tuple[float, int] | None:
    last = _last(history.here, names)
    return (last, 1) if last is not None else _elsewhere(history, names)


def _elsewhere(history: History, names: tuple[str, ...]) -> tuple[float, int] | None:
    """The ratio in the middle, and in how many projects it was measured."""
    found = [ratio for proofs in history.elsewhere if (ratio := _last(proofs, names)) is not None]
    return (median(found), len(found)) if len(found) >= _ENOUGH_PROJECTS else None


def _last(proofs: Sequence[Proof], names: tuple[str, ...]) -> float | None:
    return next((proof.ratio for proof in reversed(proofs) if proof.transforms == names), None)


def _with(rewrite: Rewrite, expected_bytes: float, proofs: int) -> Rewrite:
    return replace(rewrite, expected_bytes=round(expected_bytes), expected_by=proofs)


def _file(project: Path, dockerfile: str) -> Path:
    place = f"{project.resolve()}\n{dockerfile}"
    name = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return state_folder() / "predictions" / f"{name}.json"


def _read(file: Path) -> tuple[Proof, ...]:
    try:
        found = msgspec.json.decode(file.read_bytes(), type=tuple[Proof, ...])
    except (OSError, ValueError):  # msgspec's own errors are ValueErrors, and so is text that is no UTF-8
        return ()
    return tuple(proof for proof in found if proof.predicted_bytes > 0)
