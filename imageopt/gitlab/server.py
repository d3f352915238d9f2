"""A place -> its project on the server, asked through python-gitlab, with its errors in our words.

What surprises: a request that writes something new is not simply sent again. An answer that got lost may mean that it
was done, so `once` looks before it tries again; reading and overwriting may be repeated.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from imageopt import __version__
from imageopt.errors import InputError, ToolFailed
from imageopt.gitlab.place import TOKEN, Place

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

Made = TypeVar("Made")
AGAIN: dict[str, Any] = {"retry_transient_errors": True, "max_retries": 4}  # for what may be done twice
_SECONDS = 60.0
_TRIES = 3
_FIRST_WAIT = 0.5


@contextmanager
def project_of(place: Place) -> Iterator["Project"]:
    """The project, for as long as the block runs; nothing is asked yet.

    In the block, whatever the server refuses is an InputError, and whatever it cannot do a ToolFailed.
    """
    import gitlab
    import requests

    session = requests.Session()
    session.max_redirects = 0  # a token would follow to another host
    session.trust_env = True
    server = gitlab.Gitlab(
        place.url,
        private_token=place.token,
        timeout=_SECONDS,
        user_agent=f"imageopt/{__version__}",
        session=session,
        retry_transient_errors=False,
    )
    try:
        yield server.projects.get(place.project, lazy=True)
    except gitlab.exceptions.GitlabError as error:
        raise _refused(error, place) from None
    except requests.TooManyRedirects:
        raise ToolFailed("GitLab leads to another address", "set CI_API_V4_URL to where it is in the end") from None
    except (requests.RequestException, ValueError) as error:
        raise ToolFailed(
            f"GitLab does not answer as it should ({type(error).__name__})", "try again; the result is in the artifacts"
        ) from None
    finally:
        session.close()


def once(create: Callable[[], Made], find: Callable[[], Made | None]) -> Made:
    """What `create` makes, or what `find` finds where an earlier try had made it after all.

    Tried again after the server's own errors and lost connections only; the last of them is raised.
    """
    import requests
    from gitlab.exceptions import GitlabError

    for attempt in range(_TRIES):
        try:
            return create()
        except GitlabError as error:
            passes = error.response_code is None or error.response_code >= 500 or error.response_code == 409
            if not passes or attempt + 1 == _TRIES:
                raise
        except requests.RequestException:
            if attempt + 1 == _TRIES:
                raise
        time.sleep(_FIRST_WAIT * 2**attempt)
        if (found := find()) is not None:
            return found
    raise AssertionError("the last try returns or raises")


def _refused(error: Exception, place: Place) -> InputError | ToolFailed:
    code = getattr(error, "response_code", None)
    if code == 401:
        return InputError(f"GitLab does not know the token in {TOKEN}", "make a new one with the scope `api`")
    if code == 403:
        return InputError(
            f"GitLab forbids it to the token in {TOKEN}", "give it the scope `api` and the role Developer"
        )
    if code == 404:
        return InputError(
            f"GitLab has no project {place.project} that the token in {TOKEN} may see, or no such merge request",
            "make the token in this project",
        )
    if code is not None and (code == 429 or code >= 500):
        return ToolFailed(f"GitLab answers {code}", "try again later; the result is in the artifacts")
    return InputError(f"GitLab refuses it with {code}: {error}", "see what its message says")
