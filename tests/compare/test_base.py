"""Two images on the same layers have the same base, whatever one of them alone would have guessed."""

import pytest
from imagebuilder import file
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.base import on_one_base
from imageopt.evidence.composition import compose
from imageopt.evidence.join import join
from imageopt.evidence.model import BaseImage, Evidence

ROOT, TOOLS, APP = [file("bin/sh", b"s" * 10)], [file("usr/x", b"x" * 20)], [file("app/a", b"a" * 40)]
KNOWN = BaseImage(2, "history", "node:20")


def sums(evidence: Evidence) -> dict[str, int]:
    return {row.category: row.bytes for row in evidence.composition}


@pytest.mark.parametrize("known_after", [True, False])
def test_what_is_known_of_one_holds_for_both(known_after: bool) -> None:
    small, big = join(image_of(ROOT, TOOLS), None, None), join(image_of(ROOT, TOOLS, APP), None, None)
    guess = BaseImage(1, "guessed", None)
    before, after = (
        replace(small, base=guess if known_after else KNOWN),
        replace(big, base=KNOWN if known_after else guess),
    )
    first, second = on_one_base(before, after, 2)
    assert (first.base, second.base) == ((KNOWN, KNOWN))
    moved = first if known_after else second
    assert sums(moved)["base-image"] == 30
    assert sum(sums(moved).values()) == (30 if known_after else 70)
    assert moved.image is not None
    assert moved.composition == compose(moved.image, moved.classes)


@pytest.mark.parametrize("base", [KNOWN, BaseImage(None, "unknown", None)])
def test_a_base_that_is_not_shared_or_not_known_holds_for_its_own_image(base: BaseImage) -> None:
    one = join(image_of(ROOT, TOOLS), None, None)
    other = replace(one, base=base)
    assert on_one_base(one, other, 1) == (one, other)
