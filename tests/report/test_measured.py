"""What a commit message tells of a verification is what that verification measured, of this very change."""

import pytest
from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.report.measured import measured
from imageopt.report.verification import verification_document
from imageopt.rewrite.commit_message import commit_message
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.verify.model import Verification


def test_the_table_holds_what_was_measured(verification: Verification, rewrite: Rewrite) -> None:
    found = measured(verification_document(verification, 1.0), rewrite)
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["unpacked"] == ("400 MB", "90.0 MB", "-78 %")
    assert rows["cold build"] == ("1 min 33 s", "42 s", "-55 %")
    assert rows["runs as user"] == ("0:0", "1000:1000", "no longer root")
    assert "download" not in rows  # it is not known of either
    assert (found.before_bytes, found.after_bytes) == (400_000_000, 90_000_000)
    assert found.verdict == "behaviour-changed"
    assert "measured 310 MB" in found.predicted
    message = commit_message(rewrite, found)
    assert message.startswith("Shrink the image from 400 MB to 90.0 MB\n")
    assert "- GET /<b> answered 500 instead of 200\n" in message


def test_what_was_not_done_is_left_out(broken: Verification, rewrite: Rewrite) -> None:
    found = measured(verification_document(replace(broken, rewrite=rewrite), 1.0), rewrite)
    nothing = {"unknown", "not done", "failed"}
    assert [row for row in found.rows if {row[1], row[2]} <= nothing] == []
    assert "Verdict: broken" in commit_message(rewrite, found)


def test_a_result_of_another_change_is_refused(verification: Verification, rewrite: Rewrite) -> None:
    document = verification_document(verification, 1.0)
    others = [
        replace(rewrite, changes=rewrite.changes[:1]),
        replace(rewrite, changes=(*rewrite.changes[:1], FileChange(".dockerignore", None, b"other\n"))),
    ]
    for other in others:
        with pytest.raises(InputError, match="another change"):
            measured(document, other)
    of_a_file = verification_document(replace(verification, rewrite=None), 1.0)
    with pytest.raises(InputError, match="another change"):
        measured(of_a_file, rewrite)


@pytest.mark.parametrize("key", ["rewrite", "comparison", "before", "after", "prediction", "timing"])
@pytest.mark.parametrize("value", [None, 3, [], {}, "x"])
def test_a_damaged_result_is_an_input_error(
    verification: Verification, rewrite: Rewrite, key: str, value: object
) -> None:
    document = {**verification_document(verification, 1.0), key: value}
    with pytest.raises(InputError, match=r"is damaged|another change"):
        measured(document, rewrite)


@pytest.mark.parametrize("document", [None, [], "x", {}, {"schema": "imageopt.rewrite/1"}])
def test_what_is_no_verification_is_refused(rewrite: Rewrite, document: object) -> None:
    with pytest.raises(InputError, match="is no verification"):
        measured(document, rewrite)
