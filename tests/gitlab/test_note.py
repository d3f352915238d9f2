"""A merge request has one note for each thing reported on, however often and however badly it is asked for."""

import pytest
from gitlabserver import TOKEN, GitLab
from msgspec.structs import replace

from imageopt.errors import ImageoptError, InputError, ToolFailed, UsageError
from imageopt.gitlab.note import put_note
from imageopt.gitlab.place import Place

MARK = "<!-- imageopt:gate:0123456789abcdef -->"
FIRST, SECOND = f"312 MB\n\n{MARK}\n", f"151 MB\n\n{MARK}\n"


def _bodies(gitlab: GitLab) -> list[str]:
    return [note["body"] for note in gitlab.notes]


def test_it_is_posted_updated_and_left_alone(gitlab: GitLab, place: Place) -> None:
    assert put_note(place, FIRST) == "posted"
    assert put_note(place, SECOND) == "updated"
    assert put_note(place, SECOND) == "unchanged"
    assert _bodies(gitlab) == [SECOND]


def test_it_is_found_on_a_later_page_among_others(gitlab: GitLab, place: Place) -> None:
    others = ["looks good", f"> {MARK}\nwhat is this?", "<!-- imageopt:gate:fedcba9876543210 -->", "and this"]
    for body in others:
        gitlab.note(body, author="anna")
    gitlab.note(f"approved {MARK}", system=True)
    gitlab.note(FIRST)
    assert put_note(place, SECOND) == "updated"
    assert _bodies(gitlab) == [*others, f"approved {MARK}", SECOND]


def test_a_note_of_another_author_is_not_overwritten(gitlab: GitLab, place: Place) -> None:
    gitlab.note(FIRST, author="anna")
    assert put_note(place, SECOND) == "posted"
    assert put_note(place, SECOND) == "unchanged"
    assert _bodies(gitlab) == [FIRST, SECOND]


@pytest.mark.parametrize(
    "faults",
    [
        {"POST notes": ["500"]},
        {"POST notes": ["502 done"]},  # it was written, and only the answer was lost
        {"POST notes": ["429", "503 done"]},
        {"GET notes": ["429", "503", "500"]},
        {"GET notes": ["502"], "POST notes": ["504", "504"]},
    ],
)
def test_what_passes_is_asked_again_and_nothing_is_posted_twice(
    gitlab: GitLab, place: Place, faults: dict[str, list[str]]
) -> None:
    gitlab.faults.update(faults)
    assert put_note(place, FIRST) == "posted"
    assert _bodies(gitlab) == [FIRST]


def test_an_update_may_be_repeated(gitlab: GitLab, place: Place) -> None:
    gitlab.note(FIRST)
    gitlab.faults["PUT notes"] = ["503 done", "429"]
    assert put_note(place, SECOND) == "updated"
    assert _bodies(gitlab) == [SECOND]


@pytest.mark.parametrize(
    ("fault", "error", "hint"),
    [
        ("401", InputError, "scope `api`"),
        ("403", InputError, "role Developer"),
        ("404", InputError, "in this project"),
        ("400", InputError, "its message"),
        ("302", ToolFailed, "CI_API_V4_URL"),
    ],
)
def test_what_stays_is_said_at_once(
    gitlab: GitLab, place: Place, fault: str, error: type[ImageoptError], hint: str
) -> None:
    gitlab.faults["POST notes"] = gitlab.faults["GET notes"] = [fault]
    with pytest.raises(error) as raised:
        put_note(place, FIRST)
    assert hint in raised.value.remedy
    assert TOKEN not in f"{raised.value.cause} {raised.value.remedy}"
    assert gitlab.asked == ["GET notes"]


def test_a_server_that_stays_broken_is_given_up(gitlab: GitLab, place: Place) -> None:
    gitlab.faults["POST notes"] = ["500"] * 9
    with pytest.raises(ToolFailed, match="500"):
        put_note(place, FIRST)
    assert gitlab.asked.count("POST notes") == 3


def test_a_server_that_is_not_there(place: Place) -> None:
    with pytest.raises(ToolFailed) as raised:
        put_note(replace(place, url="http://127.0.0.1:9"), FIRST)
    assert TOKEN not in str(raised.value)


def test_outside_of_a_merge_request_there_is_no_note(place: Place) -> None:
    with pytest.raises(UsageError, match="CI_MERGE_REQUEST_IID"):
        put_note(replace(place, merge_request=None), FIRST)
