"""`imageopt gitlab`: what a job in GitLab does with a result: a note in the merge request, or a merge request."""

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.output import say
from imageopt.errors import InputError

if TYPE_CHECKING:
    from imageopt.gitlab.place import Place


@click.group()
def command() -> None:
    """Take a result to GitLab, from one of its jobs.

    The token is the variable IMAGEOPT_GITLAB_TOKEN (scope api, role Developer); without it nothing is sent, and the
    exit code is 0. CI_JOB_TOKEN cannot do this.

    \b
    imageopt gate . --format json=gate.json; imageopt gitlab note gate.json
    imageopt rewrite . --best --apply --commit-message message.txt \\
        --format json=rewrite.json
    imageopt gitlab propose rewrite.json message.txt
    """


@command.command(short_help="Write a result into the merge request as a note.")
@click.argument("result", type=click.Path(readable=False))
def note(result: str) -> int:
    """Write RESULT, the JSON of a command, as a note into the merge request, or update the note that is there."""
    from imageopt.gitlab.note import put_note
    from imageopt.masking import sealed
    from imageopt.report.render import render

    document = _document(result)
    text = render(sealed(document), "markdown", color=False, width=None, plain=True)
    place = _place()
    if place is None:
        return 0
    say(f"the note is {put_note(place, text)}")
    return 0


@command.command(short_help="Open a merge request with what was rewritten.")
@click.argument("result", type=click.Path(readable=False))
@click.argument("message", type=click.Path(readable=False))
@click.option("--branch", default="imageopt/rewrite", show_default=True, help="The branch that is imageopt's own.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False),
    default=".",
    show_default=True,
    help="The folder that was rewritten.",
)
def propose(result: str, message: str, branch: str, folder: str) -> int:
    """Open a merge request with the files that `rewrite --apply` changed, or update the one that is open.

    RESULT is the JSON of the rewrite; MESSAGE the file of its --commit-message: its first line is the title, the rest
    the description. What an empty message or an unchanged project gives is nothing to propose.
    """
    from imageopt.gitlab.proposal import propose as open_request
    from imageopt.masking import masked

    title, _, description = masked(_text(message)).strip().partition("\n")
    paths = [str(file["path"]) for file in _document(result).get("files", ())]
    if not title or not paths:
        say("there is nothing to propose")
        return 0
    place = _place()
    if place is None:
        return 0
    files = {str(place.folder / folder / path): _bytes(Path(folder) / path) for path in paths}
    proposed = open_request(place, _normal(files), title, description.strip(), branch)
    say(f"the merge request is {proposed.outcome}: {proposed.url}")
    return 0


def _normal(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files by paths as Git has them. Raises InputError for one that is outside of the repository."""
    found: dict[str, bytes] = {}
    for path, data in files.items():
        parts = PurePosixPath(os.path.normpath(path))
        if parts.is_absolute() or ".." in parts.parts:
            raise InputError(f"{path} is not in the repository", "run it in the project's own folder")
        found[str(parts)] = data
    return found


def _place() -> "Place | None":
    from imageopt.gitlab.place import TOKEN, Place

    place = Place.of(os.environ, str(Path.cwd()))
    if place is None:
        say(f"{TOKEN} is not set, so nothing is sent: the result stays an artifact")
    return place


def _document(path: str) -> dict[str, Any]:
    try:
        document = json.loads(_bytes(Path(path)))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InputError(f"{path} is not the JSON of a result", "write a result with --format json=FILE")
    return document


def _text(path: str) -> str:
    return _bytes(Path(path)).decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path") from None
