"""A rewrite before it is made: the files it would change, what each transformation did or refused, and why."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from imageopt.rules.model import Safety


class FileChange(Struct, frozen=True):
    """`path` is relative to the project; `before` is None for a new file.

    `summary` says in one line what changes in a file that nobody reads line by line, such as a lock file.
    """

    path: str
    before: bytes | None
    after: bytes
    summary: str = ""


class Transformed(Struct, frozen=True):
    """A transformation that was made: `reason` is the evidence it rests on, `rules` the findings it closes."""

    name: str
    safety: Safety
    reason: str
    rules: tuple[str, ...]
    predicted_bytes: int | None  # unpacked bytes it saves, from the findings it closes


class Refused(Struct, frozen=True):
    """A transformation that was not made, and the reason in words."""

    name: str
    reason: str


class FollowUp(Struct, frozen=True):
    """Something outside the change that must follow it, such as a line of a compose file: shown, never written.

    `change` is the edit that does it, None where a person has to find it.
    """

    path: str
    reason: str
    change: FileChange | None = None


class OnRequest(Struct, frozen=True):
    """A transformation that is made only when asked for by its name, with `--with`.

    `predicted_bytes`: what it would save on top, None where that is not known. `reason`: why it cannot be made here.
    """

    name: str
    summary: str
    predicted_bytes: int | None
    reason: str = ""


class Rewrite(Struct, frozen=True):
    """The proposed change. `predicted_bytes`: unpacked bytes saved, None where it cannot be said.

    `nothing` : there is nothing worth doing, `changes` is empty. `refused`: something should be done and could
    not be, safely; `refusals` say why. `follow_ups` must follow when the change is made. `on_request` is what could be
    asked for on top. `expected_bytes`: what it may be expected to save by `expected_by` earlier proofs of such changes,
    None where there was none.
    """

    outcome: Literal["proposed", "nothing", "refused"]
    changes: tuple[FileChange, ...]
    transformed: tuple[Transformed, ...]
    refusals: tuple[Refused, ...]
    predicted_bytes: int | None
    predicted_basis: Literal["exact", "estimate", "unknown"]
    notes: tuple[str, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    on_request: tuple[OnRequest, ...] = ()
    expected_bytes: int | None = None
    expected_by: int = 0


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


def same_changes(one: Rewrite, other: Rewrite) -> bool:
    """Whether both leave the same files with the same content."""
    return [(change.path, change.after) for change in one.changes] == [
        (change.path, change.after) for change in other.changes
    ]
