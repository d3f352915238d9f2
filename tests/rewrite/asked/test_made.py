"""What is asked for comes on top of what is proposed, never unasked; what else could be asked for is told."""

from pathlib import Path

import pytest
from rewrite.asking import DIGEST, NOTHING, asked, text_of
from rewrite.node_shapes import evidence, package, write

from imageopt.errors import UsageError
from imageopt.rewrite.asked.made import check_names, on_request, with_asked
from imageopt.rewrite.asked.registry import ASKED
from imageopt.rewrite.model import FileChange, Rewrite, Transformed

FILES = package(prod={"express": "4.0.0"})
DONE = Transformed("npm-ci", "safe", "because", (), 5)
PROPOSED = Rewrite(
    "proposed", (FileChange("Dockerfile", b"FROM node:22\n", b"FROM node:22 AS a\n"),), (DONE,), (), 5, "exact", ("n",)
)


def test_a_name_that_is_none_is_refused_with_the_list() -> None:
    check_names([one.name for one in ASKED])
    with pytest.raises(UsageError) as error:
        check_names(["secret-mounts", "tiny"])
    assert error.value.cause == "there is no transformation 'tiny' to ask for"
    assert all(one.name in error.value.remedy for one in ASKED)


def test_it_is_made_on_top_of_the_proposal(tmp_path: Path) -> None:
    found = asked(tmp_path, "pin-digests", "FROM node:22\n", FILES, rewrite=PROPOSED, digest_of=lambda _: DIGEST)
    assert text_of(found) == f"FROM node:22@{DIGEST} AS a\n"
    assert [done.name for done in found.transformed] == ["npm-ci", "pin-digests"]
    assert (found.predicted_bytes, found.predicted_basis, found.notes[0]) == (5, "exact", "n")
    assert found.changes[0].before == b"FROM node:22\n"


def test_what_cannot_be_made_leaves_the_proposal_as_it_is(tmp_path: Path) -> None:
    found = asked(tmp_path, "pin-digests", "FROM node:22\n", FILES, rewrite=PROPOSED)
    assert (found.outcome, found.changes) == ("proposed", PROPOSED.changes)
    assert [refusal.name for refusal in found.refusals] == ["pin-digests"]


def test_without_a_proposal_the_authors_file_is_changed(tmp_path: Path) -> None:
    found = asked(tmp_path, "pin-digests", "FROM node:22\n", FILES, digest_of=lambda _: DIGEST)
    assert (found.outcome, found.predicted_bytes, found.predicted_basis) == ("proposed", 0, "exact")
    assert found.changes == (FileChange("Dockerfile", b"FROM node:22\n", f"FROM node:22@{DIGEST}\n".encode()),)
    assert "there is nothing worth doing" not in found.notes


def test_nothing_is_made_of_what_was_not_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "Dockerfile": "FROM node:22\n"})
    known = evidence(tmp_path)
    assert with_asked(PROPOSED, known, (), lambda _: DIGEST) is PROPOSED
    offers = {one.name: one for one in on_request(PROPOSED, known, ("secret-mounts",), lambda _: DIGEST)}
    assert "secret-mounts" not in offers
    assert (offers["pin-digests"].predicted_bytes, offers["pin-digests"].reason) == (0, "")
    assert all(one.reason for name, one in offers.items() if name != "pin-digests")


@pytest.mark.parametrize("dockerfile", ["# none\n", "FROM a\nRUN <<E\n"])
def test_a_faulty_dockerfile_is_left_alone(tmp_path: Path, dockerfile: str) -> None:
    found = asked(tmp_path, "pin-digests", dockerfile, FILES, digest_of=lambda _: DIGEST)
    assert (found.outcome, found.changes) == ("refused", ())
    assert found.refusals[0].reason.startswith("the Dockerfile has a fault: ")


def test_without_a_project_there_is_nothing_to_change(tmp_path: Path) -> None:
    from msgspec.structs import replace

    write(tmp_path, {**FILES, "Dockerfile": "FROM node:22\n"})
    found = with_asked(NOTHING, replace(evidence(tmp_path), project=None), ["pin-digests"], lambda _: DIGEST)
    assert found.refusals[0].reason == "a rewrite needs the project's folder with its Dockerfile"
