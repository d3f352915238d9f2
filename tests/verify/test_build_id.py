"""When a value that differs between two builds is the build's own name, and when it is a difference."""

import pytest

from imageopt.verify.build_id import build_identifier
from imageopt.verify.exchange import Exchange

OLD, NEW = "Xk3vB9_qLm2-Zt7wRp0aY", "pQ8nH4sJc-1uVe6_gDf5K"


def pages(*bodies: str) -> list[Exchange]:
    return [Exchange("GET", f"/{number}", 200, "text/html", "", body.encode()) for number, body in enumerate(bodies)]


def test_one_value_that_takes_anothers_place_everywhere() -> None:
    before = pages(f'<script>{{"buildId":"{OLD}"}}</script><p>{OLD}', "same", f"/_next/static/{OLD}/x.js")
    after = pages(f'<script>{{"buildId":"{NEW}"}}</script><p>{NEW}', "same", f"/_next/static/{NEW}/x.js")
    assert build_identifier(before, after) == (OLD.encode(), NEW.encode())
    assert build_identifier(before, before) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([f"a {OLD}"], [f"a {NEW} {NEW}"]),  # once more
        ([f"{OLD} {OLD}"], [f"{OLD} {NEW}"[::-1]]),
        ([OLD, OLD], [NEW, NEW[::-1]]),  # two values in the place of one
        ([OLD], [NEW + "x"]),  # another length
        (["internationalization"], ["internationalisation"]),  # words
        (["index-8f3a.js"], ["index-9b2c.js"]),  # too short: the name of a file by its content
    ],
)
def test_anything_else_is_a_difference(before: list[str], after: list[str]) -> None:
    assert build_identifier(pages(*before), pages(*after)) is None


def test_the_name_that_sveltekit_gives_each_build_may_be_longer() -> None:
    before = pages(
        "<script>{ __sveltekit_1uwqi7v = {}; __sveltekit_1uwqi7v.data }", "x = globalThis.__sveltekit_1uwqi7v"
    )
    after = pages("<script>{ __sveltekit_k2x01b = {}; __sveltekit_k2x01b.data }", "x = globalThis.__sveltekit_k2x01b")
    assert build_identifier(before, after) == (b"__sveltekit_1uwqi7v", b"__sveltekit_k2x01b")
    assert build_identifier(before, pages("<script>{ __sveltekit_k2x01b = {}; __sveltekit_dev.data }", "x")) is None
