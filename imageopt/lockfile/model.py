"""What came of looking after a project's lock file: it fits, it was made, or neither, with the reason."""

from msgspec import Struct

from imageopt.project.model import Lock


class Kept(Struct, frozen=True):
    """The lock file that is there fits, as the package manager itself says; `how` is the command that said so."""

    path: str
    how: str


class Made(Struct, frozen=True):
    """A new lock file: `before` is None where there was none. `lock` is what the project's own reader sees in it.

    `reason` says why it was made, `drifted` are the packages that did not fit before, `summary` what changes, in
    one line; `how` is the command and the image.
    """

    path: str
    before: bytes | None
    after: bytes
    lock: Lock
    reason: str
    drifted: tuple[str, ...]
    summary: str
    how: str


class NotDone(Struct, frozen=True):
    """The lock file was neither checked nor made. `lock` is what is known of the one that is there."""

    reason: str
    lock: Lock | None


LockOutcome = Kept | Made | NotDone
