"""The place is read from the job's variables; a token goes nowhere without HTTPS, and stands in no text."""

from pathlib import PurePosixPath

import pytest

from imageopt.errors import UsageError
from imageopt.gitlab.place import Place

JOB = {
    "CI_API_V4_URL": "https://gitlab.example.org/api/v4",
    "CI_PROJECT_ID": "42",
    "CI_PROJECT_DIR": "/builds/group/app",
    "CI_MERGE_REQUEST_IID": "5",
    "CI_DEFAULT_BRANCH": "trunk",
    "IMAGEOPT_GITLAB_TOKEN": "glpat-canary-for-tests-1234",
}


def test_of_a_merge_requests_job() -> None:
    place = Place.of(JOB, "/builds/group/app/services/api")
    assert place is not None
    assert (place.url, place.project, place.merge_request) == ("https://gitlab.example.org", "42", 5)
    assert (place.default_branch, place.folder) == ("trunk", PurePosixPath("services/api"))
    assert "canary" not in repr(place)


def test_without_a_token_there_is_no_place() -> None:
    assert Place.of({**JOB, "IMAGEOPT_GITLAB_TOKEN": " "}, "/") is None


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"CI_PROJECT_ID": ""}, "no GitLab job"),
        ({"CI_API_V4_URL": ""}, "no GitLab job"),
        ({"CI_API_V4_URL": "http://gitlab.example.org/api/v4"}, "without HTTPS"),
        ({"CI_API_V4_URL": "https://[/api/v4"}, "without HTTPS"),
    ],
)
def test_what_is_no_place(changed: dict[str, str], cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        Place.of({**JOB, **changed}, "/")


def test_outside_of_a_merge_request_and_of_the_projects_folder() -> None:
    place = Place.of({**JOB, "CI_MERGE_REQUEST_IID": ""}, "/tmp")
    assert place is not None
    assert place.merge_request is None
    assert place.folder == PurePosixPath()
