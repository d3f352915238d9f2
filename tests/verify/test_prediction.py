"""A prediction for a rewrite that was proposed before there was an image: from the first version's layers."""

import pytest
from imagebuilder import file
from imageof import image_of
from msgspec.structs import replace

from imageopt.build.model import Built
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.rewrite.model import FileChange, Rewrite, Transformed
from imageopt.rules.model import Finding, Fix, Saving
from imageopt.verify.model import NotDone, Side
from imageopt.verify.prediction import with_prediction

NOT_DONE = NotDone("it is made up")
BUILT = Built("sha256:1", "t", 1.0, 3, 0, ())


def side(*sizes: int, base: int | None = None, findings: tuple[Finding, ...] = ()) -> Side:
    """A version whose one layer has files of these sizes, `base` of its layers being the base image's."""
    image = image_of([file(f"app/{number}", b"x" * size) for number, size in enumerate(sizes)])
    evidence = Evidence(image, None, "Dockerfile", None, BaseImage(base, "history", None), (), (), ())
    return Side("", BUILT, NOT_DONE, evidence, findings, NOT_DONE, NOT_DONE)


def finding(transform: str, *files: int) -> Finding:
    fix = Fix("automatic", transform, "verify", "")
    return Finding(
        f"rule-{transform}", "IO000", "warning", "high", "", "", Saving(1, "exact"), None, (), (), files, fix
    )


def proposed(*names: str) -> Rewrite:
    done = tuple(Transformed(name, "verify", f"why {name}", (), None) for name in names)
    changes = (FileChange("Dockerfile", b"FROM node:20\n", b"FROM node:20-slim\n"),)
    return Rewrite("proposed", changes, done, (), None, "unknown", ())


def test_the_bytes_of_the_findings_that_it_closes() -> None:
    before = side(1000, 200, 30, findings=(finding("prune-dev-deps", 0), finding("dockerignore", 0, 1)))
    found = with_prediction(proposed("prune-dev-deps", "dockerignore", "lockfile"), before, side(30))
    assert (found.predicted_bytes, found.predicted_basis) == (1200, "exact")
    assert [(done.name, done.predicted_bytes) for done in found.transformed] == [
        ("prune-dev-deps", 1000),
        ("dockerignore", 200),
        ("lockfile", None),
    ]


def test_a_new_base_image_comes_in_for_the_old_one() -> None:
    before = side(1000, 200, findings=(finding("base-swap", 0),))
    assert with_prediction(proposed("base-swap"), before, side(300, base=1)).predicted_bytes == 700
    assert with_prediction(proposed("base-swap"), before, side(300)).predicted_bytes == 1000


@pytest.mark.parametrize("image", [True, False])
def test_what_is_predicted_already_or_cannot_be_stays(image: bool) -> None:
    before = side(1000, findings=(finding("prune-dev-deps", 0),))
    known = replace(proposed("prune-dev-deps"), predicted_bytes=7 if image else None)
    assert with_prediction(known, before if image else replace(before, evidence=None), side(1)) is known
