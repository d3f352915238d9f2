"""A rewrite becomes one branch and one merge request, brought up to date by each later run."""

import base64

import pytest
from gitlabserver import GitLab

from imageopt.errors import ToolFailed
from imageopt.gitlab.place import Place
from imageopt.gitlab.proposal import BRANCH, propose

FILES = {"Dockerfile": b"FROM node:20-alpine\n", "web/.dockerignore": b"node_modules\n"}


def test_it_is_opened_left_alone_and_updated(gitlab: GitLab, place: Place) -> None:
    opened = propose(place, FILES, "Shrink the image", "2.34 GB -> 151 MB")
    assert opened.outcome == "opened"
    assert opened.url == "https://gitlab.example.org/mr/1"
    assert gitlab.branches[BRANCH] == {**gitlab.branches["main"], **FILES}
    (request,) = gitlab.requests
    assert (request["target_branch"], request["remove_source_branch"]) == ("main", True)

    assert propose(place, FILES, "Shrink the image", "2.34 GB -> 151 MB").outcome == "unchanged"
    gitlab.branches["main"]["new.js"] = b"1"
    smaller = {**FILES, "Dockerfile": b"FROM scratch\n"}
    assert propose(place, smaller, "Shrink it more", "2.34 GB -> 20 MB").outcome == "updated"
    assert gitlab.branches[BRANCH]["new.js"] == b"1"
    assert len(gitlab.requests) == 1
    assert (gitlab.requests[0]["title"], len(gitlab.commits)) == ("Shrink it more", 2)
    (action, _) = gitlab.commits[1]["actions"]
    assert (action["action"], base64.b64decode(action["content"])) == ("update", b"FROM scratch\n")


def test_after_it_was_merged_a_new_one_is_opened(gitlab: GitLab, place: Place) -> None:
    propose(place, FILES, "One", "")
    gitlab.requests[0].update(state="merged", source_branch="gone")
    assert propose(place, {"Dockerfile": b"FROM scratch\n"}, "Two", "").outcome == "opened"


@pytest.mark.parametrize(
    "faults",
    [
        {"POST commits": ["500 done"], "POST merge_requests": ["502 done"]},
        {"POST commits": ["503"], "POST merge_requests": ["429"]},
        {"GET files": ["500", "429"], "GET merge_requests": ["503"]},
    ],
)
def test_nothing_is_done_twice(gitlab: GitLab, place: Place, faults: dict[str, list[str]]) -> None:
    gitlab.faults.update(faults)
    assert propose(place, FILES, "Shrink the image", "").outcome == "opened"
    assert (len(gitlab.commits), len(gitlab.requests)) == (1, 1)


def test_a_merge_request_that_another_job_opened_meanwhile_is_taken(gitlab: GitLab, place: Place) -> None:
    propose(place, FILES, "Shrink the image", "")
    gitlab.faults["GET merge_requests"] = ["200 done"]
    gitlab.requests[0]["state"] = "opened"
    assert propose(place, {"Dockerfile": b"FROM scratch\n"}, "Again", "").outcome == "updated"


def test_a_server_that_stays_broken_is_given_up(gitlab: GitLab, place: Place) -> None:
    gitlab.faults["POST commits"] = ["500"] * 9
    with pytest.raises(ToolFailed):
        propose(place, FILES, "Shrink the image", "")
    assert gitlab.requests == []
