"""What a single transformation saved: only where of two measured rewrites one has just that one more."""

import pytest

from imageopt.rewrite.model import FileChange, Rewrite, Transformed
from imageopt.verify.isolated import AS_IT_STANDS, Isolated, isolated, labels, measured, only_addition


def rewrite(predicted: int | None, *names: str, base: str = "node:22") -> Rewrite:
    """A rewrite of these transformations, to that base image."""
    change = FileChange("Dockerfile", None, f"FROM {base}\n".encode())
    made = tuple(Transformed(name, "verify", "", (), None) for name in names)
    return Rewrite("proposed", (change,), made, (), predicted, "exact", ())


@pytest.mark.parametrize(
    ("old", "new", "addition"),
    [
        ("", "stages", "stages"),
        ("stages", "stages slim", "slim"),
        ("stages slim", "stages alpine", None),  # one for another
        ("", "stages slim", None),
        ("stages slim", "stages", None),  # taken back, which saves nothing
        ("stages", "stages", None),
    ],
)
def test_one_has_just_one_more_or_they_tell_nothing(old: str, new: str, addition: str | None) -> None:
    assert only_addition(frozenset(old.split()), frozenset(new.split())) == addition


def test_a_swap_is_told_by_what_it_goes_to() -> None:
    for base, flavour in (
        ("node:22-alpine", "alpine"),
        ("r.example:5000/node:22-slim", "slim"),
        ("node:22", "another image"),
    ):
        assert labels(rewrite(1, "base-swap", "npm-ci", base=base)) == {f"base-swap to {flavour}", "npm-ci"}


def test_each_is_told_once_with_what_was_predicted_of_it() -> None:
    found = isolated([
        measured("multi-stage", rewrite(700, "multi-stage"), 650),
        measured("slim", rewrite(1500, "multi-stage", "base-swap", base="node:22-slim"), 1400),
        measured("alpine", rewrite(1600, "multi-stage", "base-swap", base="node:22-alpine"), 1550),
    ])  # fmt: skip
    assert found == (
        Isolated("multi-stage", (AS_IT_STANDS, "multi-stage"), 700, 650),
        Isolated("base-swap to slim", ("multi-stage", "slim"), 800, 750),
        Isolated("base-swap to alpine", ("multi-stage", "alpine"), 900, 900),
    )


def test_without_a_prediction_the_measured_saving_stands_alone() -> None:
    (one,) = isolated([measured("multi-stage", rewrite(None, "multi-stage"), 650)])
    assert (one.predicted_bytes, one.measured_bytes) == (None, 650)
