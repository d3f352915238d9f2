"""The sentence about the base image: how many layers, and how that is known."""

import pytest

from imageopt.report.words import base_image


@pytest.mark.parametrize(
    ("layers", "decided", "reference", "sentence"),
    [
        (8, "digest", "node@sha256:00", "base image: node@sha256:00, 8 layers (known by its digest)"),
        (1, "history", "alpine", "base image: alpine, 1 layer (by the image's history)"),
        (2, "compared", "node:20", "base image: node:20, 2 layers (by comparison with it)"),
        (2, "guessed", None, "base image: no name known, 2 layers (a guess)"),
        (0, "history", "scratch", "base image: scratch, 0 layers (by the image's history)"),
        (None, "unknown", "node:20", "which layers are the base image's is not known"),
    ],
)
def test_it_says_how_it_is_known(layers: int | None, decided: str, reference: str | None, sentence: str) -> None:
    base = {"layers": layers, "decided_by": decided, "reference": reference}
    assert base_image({"image": {"base": base}}) == sentence


def test_without_an_image_there_is_none() -> None:
    assert base_image({"image": None}) == ""
