"""A Markdown report -> one note in the merge request: written the first time, overwritten from then on.

The note is found by the hidden line that ends the report, so a merge request has one for each thing that is reported
on, however often its pipeline runs.
"""

from typing import TYPE_CHECKING, Literal

from imageopt.errors import UsageError
from imageopt.gitlab.place import Place
from imageopt.gitlab.server import AGAIN, once, project_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitlab.v4.objects import ProjectMergeRequest, ProjectMergeRequestNote

Put = Literal["posted", "updated", "unchanged"]


def put_note(place: Place, text: str) -> Put:
    """What became of the note; `text` ends with its marker, a line of its own.

    Raises UsageError outside of a merge request's pipeline, InputError where GitLab refuses, ToolFailed where it
    cannot be reached.
    """
    if place.merge_request is None:
        raise UsageError(
            "this pipeline belongs to no merge request: CI_MERGE_REQUEST_IID is not set",
            "run the job in merge request pipelines",
        )
    mark = text.rstrip().rpartition("\n")[2]
    with project_of(place) as project:
        request = project.mergerequests.get(place.merge_request, lazy=True)
        for note in _marked(request, mark):
            if note.body.strip() == text.strip():
                return "unchanged"
            if _overwritten(note, text):
                return "updated"
        once(
            lambda: request.notes.create({"body": text}),
            lambda: next((note for note in _marked(request, mark) if note.body.strip() == text.strip()), None),
        )
    return "posted"


def _marked(request: "ProjectMergeRequest", mark: str) -> "Iterator[ProjectMergeRequestNote]":
    """The notes that end with the marker; one that quotes it is somebody else's."""
    for note in request.notes.list(iterator=True, per_page=100, order_by="created_at", sort="asc", **AGAIN):
        if not note.system and note.body.rstrip().rpartition("\n")[2] == mark:
            yield note


def _overwritten(note: "ProjectMergeRequestNote", text: str) -> bool:
    """Whether the note could be overwritten; one of another author cannot."""
    from gitlab.exceptions import GitlabError

    note.body = text
    try:
        note.save(**AGAIN)
    except GitlabError as error:
        if error.response_code == 403:
            return False
        raise
    return True
