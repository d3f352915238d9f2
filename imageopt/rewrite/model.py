"""A rewrite before it is made: the files it would change, what each transformation did or refused, and why."""

from dataclasses import dataclass, replace
from typing import Literal

from imageopt.rules.model import Safety


@dataclass(frozen=True, slots=True)
class FileChange:
    """`path` is relative to the project; `before` is None for a new file.

    `summary` says in one line what changes in a file that nobody reads line by line, such as a lock file.
    """

    path: str
    before: bytes | None
    after: bytes
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Transformed:
    """A transformation that was made: `reason` is the evidence it rests on, `rules` the findings it closes."""

    name: str
    safety: Safety
    reason: str
    rules: tuple[str, ...]
    predicted_bytes: int | None  # unpacked bytes it saves, from the findings it closes


@dataclass(frozen=True, slots=True)
class Refused:
    """A transformation that was not made, and the reason in words."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something outside the change that must follow it, such as a line of a compose file: shown, never written.

    `change` is the edit that does it, None where a person has to find it.
    """

    path: str
    reason: str
    change: FileChange | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The proposed change. `predicted_bytes`: unpacked bytes saved, None where it cannot be said.

    `nothing` : there is nothing worth doing, `changes` is empty. `refused`: something should be done and could
    not be, safely; `refusals` say why. `follow_ups` must follow when the change is made.
    """

    outcome: Literal["proposed", "nothing", "refused"]
    changes: tuple[FileChange, ...]
    transformed: tuple[Transformed, ...]
    refusals: tuple[Refused, ...]
    predicted_bytes: int | None
    predicted_basis: Literal["exact", "estimate", "unknown"]
    notes: tuple[str, ...]
    follow_ups: tuple[FollowUp, ...] = ()


def edited(rewrite: Rewrite, change: FileChange, text: str, done: Transformed) -> Rewrite:
    """The rewrite with another text in one of its changes, and what was done for that; nothing more is predicted."""
    after = replace(change, after=text.encode("utf-8", "surrogateescape"))
    return replace(
        rewrite,
        changes=tuple(after if one is change else one for one in rewrite.changes),
        transformed=(*rewrite.transformed, done),
        predicted_bytes=None,
        predicted_basis="unknown",
    )
