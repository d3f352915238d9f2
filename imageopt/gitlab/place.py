"""What a GitLab job knows of itself -> the server, the project and the merge request that are meant.

What surprises: CI_JOB_TOKEN may neither write notes nor open merge requests, so the token is a variable of the user's
own; where it is not set, nothing is posted and nothing fails.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from msgspec import Struct

from imageopt.errors import UsageError

TOKEN = "IMAGEOPT_GITLAB_TOKEN"  # noqa: S105 (the variable's name)
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
_API = "/api/v4"


class Place(Struct, frozen=True):
    """A project on a server, with what may write there. `url` is the server's, without the path of its API.

    `merge_request` is the number that people see (`iid`), None outside of a merge request's pipeline. `folder` is the
    current folder within the repository, `.` at its top.
    """

    url: str
    project: str
    merge_request: int | None
    default_branch: str
    folder: PurePosixPath
    token: str

    def __repr__(self) -> str:
        return f"Place({self.url!r}, {self.project!r})"  # never the token

    @classmethod
    def of(cls, environment: Mapping[str, str], current: str) -> "Place | None":
        """The place that the job's variables name; None where there is no token.

        `current` is the current folder. Raises UsageError outside of a GitLab job, or for a server that would be
        told the token without HTTPS.
        """
        token = environment.get(TOKEN, "").strip()
        if not token:
            return None
        url = (environment.get("CI_API_V4_URL") or environment.get("CI_SERVER_URL", "")).removesuffix(_API).rstrip("/")
        project = environment.get("CI_PROJECT_ID", "")
        if not url or not project:
            raise UsageError(
                "this is no GitLab job: CI_API_V4_URL or CI_PROJECT_ID is not set", "run it in a job, or set both"
            )
        if not _is_safe(url):
            raise UsageError("CI_API_V4_URL names a server without HTTPS", "use https://: a token goes to no other")
        number = environment.get("CI_MERGE_REQUEST_IID", "")
        root = PurePosixPath(environment.get("CI_PROJECT_DIR") or current)
        here = PurePosixPath(current)
        return cls(
            url=url,
            project=project,
            merge_request=int(number) if number.isdecimal() else None,
            default_branch=environment.get("CI_DEFAULT_BRANCH") or "main",
            folder=here.relative_to(root) if here.is_relative_to(root) else PurePosixPath(),
            token=token,
        )


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
