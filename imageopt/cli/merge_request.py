"""What `imageopt rewrite` leaves for a merge request: a patch and a commit message, where the options ask for them.

Both are always written, empty where there is nothing to deliver: what an earlier run left there must not be taken for
this run's. On stdout they stand alone, so that `| git apply` gets nothing else.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from imageopt.cli.output import check_place, emit, parse_formats, write_whole
from imageopt.errors import InputError, UsageError

if TYPE_CHECKING:
    from imageopt.rewrite.model import Rewrite

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--patch", metavar="FILE", help="Write the change as a patch for git apply; - is stdout."),
    click.option(
        "--commit-message",
        "message",
        is_flag=False,
        flag_value="-",
        metavar="[FILE]",
        help="Write a message to commit the change with; stdout without a FILE.",
    ),
    click.option("--result", metavar="FILE", help="The verification, as JSON, that the commit message tells of."),
    click.option(
        "--force",
        is_flag=True,
        help="Overwrite edits that are in no commit; undo over later edits; write a patch that shows a secret.",
    ),
)


def merge_request_options(function: Function) -> Function:
    """The way of a rewrite into a merge request."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class Delivery(Struct, frozen=True):
    """Where the patch and the message go (None: nowhere, `-`: stdout), and what the message is to tell of."""

    patch: str | None
    message: str | None
    result: str | None
    force: bool

    @classmethod
    def of(cls, options: dict[str, Any], *, write: bool, undo: bool, prove: bool) -> "Delivery":
        """Takes the options out of a command's options. Raises UsageError for some that do not go together."""
        patch, message = options.pop("patch"), options.pop("message")
        result, force = options.pop("result"), options.pop("force")
        if undo and (patch is not None or message is not None):
            raise UsageError("--undo goes with neither --patch nor --commit-message", "leave one of them out")
        if result is not None and message is None:
            raise UsageError("--result goes with --commit-message", "add --commit-message FILE")
        if result is not None and prove:
            raise UsageError("--result and --verify both say what was measured", "leave one of them out")
        if force and not (write or undo or patch is not None):
            raise UsageError("--force goes with --apply, --undo or --patch", "leave it out")
        stdout = [name for name, place in (("--patch", patch), ("--commit-message", message)) if place == "-"]
        results = [name for name, file in parse_formats(options["formats"]) if file is None]
        if len(stdout) + len(results) > 1:
            raise UsageError("two results cannot both go to stdout", "give one of them a file")
        for place in (patch, message):
            if place not in (None, "-"):
                check_place(Path(str(place)))
        if patch not in (None, "-") and message is not None and _same(str(patch), message):
            raise UsageError("the patch and the message would be one file", "give each a file of its own")
        return cls(patch, message, result, force)

    def show(self, document: dict[str, Any], formats: tuple[str, ...], color: str) -> None:
        """Emits a result; not on the terminal where the patch or the message has stdout."""
        if formats or "-" not in (self.patch, self.message):
            emit(document, formats, color)

    def prepare(self, root: Path, rewrite: "Rewrite") -> "Prepared":
        """What is to be delivered. Raises InputError, before anything is built, for what could not be."""
        from imageopt.masking import masked
        from imageopt.rewrite.patch import rewrite_patch

        for place in (self.patch, self.message):
            if place is not None and any(_same(place, root / change.path) for change in rewrite.changes):
                raise UsageError(f"{place} is a file that the change is about", "choose another place")
        patch = rewrite_patch(root, rewrite) if self.patch is not None else b""
        shown = patch.decode("utf-8", "surrogateescape")
        if not self.force and masked(shown) != shown:
            raise InputError(
                "the patch would show a secret that stands in the Dockerfile",
                "use --apply, or add --force to write the patch all the same; and change the secret",
            )
        result = _read(self.result) if self.result is not None else None
        return Prepared(self, rewrite, patch, result)


class Prepared(Struct, frozen=True):
    """The patch of a rewrite, and the verification that its message is to tell of, None without one."""

    to: Delivery
    rewrite: "Rewrite"
    patch: bytes
    result: Any

    def message(self, proof: dict[str, Any] | None) -> str:
        """The message; `proof` is the verification's document that was made in this run.

        Raises InputError where the result is that of another change.
        """
        from imageopt.report.measured import measured
        from imageopt.rewrite.commit_message import commit_message

        if self.to.message is None:
            return ""
        result = proof if proof is not None else self.result
        nothing = result is None or not self.rewrite.changes
        return commit_message(self.rewrite, None if nothing else measured(result, self.rewrite))

    def deliver(self, message: str) -> None:
        """Writes the patch and the message to their places."""
        _put(self.to.patch, self.patch)
        _put(self.to.message, message.encode("utf-8"))

    def withhold(self) -> None:
        """Writes both empty: the change was not proven."""
        _put(self.to.patch, b"")
        _put(self.to.message, b"")


def _put(place: str | None, data: bytes) -> None:
    if place == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif place is not None:
        write_whole(Path(place), data)


def _same(place: str, other: str | Path) -> bool:
    return place != "-" and os.path.realpath(place) == os.path.realpath(other)


def _read(name: str) -> Any:
    try:
        return json.loads(Path(name).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise InputError(
            f"{name} cannot be read: {reason}", "make it with imageopt verify --format json=FILE"
        ) from None
