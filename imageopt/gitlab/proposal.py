"""Files that a rewrite changed -> a branch with one commit, and a merge request for it, opened or brought up to date.

The branch is imageopt's own: its one commit is made anew on the default branch each time, so that a proposal which runs
every night is one merge request, and never a pile of them.
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from imageopt.gitlab.place import Place
from imageopt.gitlab.server import AGAIN, once, project_of

if TYPE_CHECKING:
    from gitlab.v4.objects import Project, ProjectMergeRequest

BRANCH = "imageopt/rewrite"


class Proposed(Struct, frozen=True):
    """What became of the merge request, and its address."""

    outcome: Literal["opened", "updated", "unchanged"]
    url: str


def propose(place: Place, files: Mapping[str, bytes], title: str, description: str, branch: str = BRANCH) -> Proposed:
    """Commits the files, by their paths in the repository, and opens or updates the merge request.

    Where the branch holds the very files already, nothing is committed again. Raises as `put_note` does.
    """
    with project_of(place) as project:
        committed = _is_there(project, branch, files)
        if not committed:
            once(
                lambda: project.commits.create(_commit(project, place, files, f"{title}\n\n{description}", branch)),
                lambda: True if _is_there(project, branch, files) else None,
            )
        request = _open_request(project, branch)
        if request is None:
            wanted = {
                "source_branch": branch,
                "target_branch": place.default_branch,
                "title": title,
                "description": description,
                "remove_source_branch": True,
            }
            request = once(lambda: _made(project, wanted), lambda: _open_request(project, branch))
            return Proposed("opened", request.web_url)
        if committed and (request.title, request.description) == (title, description):
            return Proposed("unchanged", request.web_url)
        request.title, request.description = title, description
        request.save(**AGAIN)
        return Proposed("updated", request.web_url)


def _made(project: "Project", wanted: Mapping[str, Any]) -> "ProjectMergeRequest":
    return project.mergerequests.create(dict(wanted))


def _open_request(project: "Project", branch: str) -> "ProjectMergeRequest | None":
    found = project.mergerequests.list(iterator=True, state="opened", source_branch=branch, **AGAIN)
    return next(iter(found), None)


def _commit(project: "Project", place: Place, files: Mapping[str, bytes], message: str, branch: str) -> dict[str, Any]:
    """`force` lets the commit replace what the branch held, on top of the default branch."""
    return {
        "branch": branch,
        "start_branch": place.default_branch,
        "force": True,
        "commit_message": message,
        "actions": [
            {
                "action": "create" if _content(project, place.default_branch, path) is None else "update",
                "file_path": path,
                "encoding": "base64",
                "content": base64.b64encode(data).decode("ascii"),
            }
            for path, data in files.items()
        ],
    }


def _is_there(project: "Project", branch: str, files: Mapping[str, bytes]) -> bool:
    return all(_content(project, branch, path) == data for path, data in files.items())


def _content(project: "Project", branch: str, path: str) -> bytes | None:
    """The file's bytes on the branch; None where there is no such file, or no such branch."""
    from gitlab.exceptions import GitlabError

    try:
        return project.files.get(file_path=path, ref=branch, **AGAIN).decode()
    except GitlabError as error:
        if error.response_code == 404:
            return None
        raise
