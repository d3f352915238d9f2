"""The search among candidates: which are built, which are not worth it, and which one is kept."""

from collections.abc import Mapping, Sequence

import pytest

from imageopt.build.model import Built
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Rewrite
from imageopt.verify.best import Search, climb, not_begun
from imageopt.verify.model import Comparison, NotDone, Side, Verdict, Verification

MB = 1_000_000
TOTAL = 1000 * MB
NOT_DONE = NotDone("it is made up")
SIDE = Side("", Built("sha256:1", "t", None, 3, 0, ()), NOT_DONE, None, (), NOT_DONE, NOT_DONE)
EMPTY = Comparison({}, (None, None), (), (), (), (), (), (), (), (), (), (), (), (), {}, (), ())


def candidate(name: str, predicted: int | None = None, reason: str = "") -> Candidate:
    """One that is predicted to save so many MB, or cannot be offered for that reason."""
    size = None if predicted is None else predicted * MB
    return Candidate(
        name, f"about {name}", None if reason else Rewrite("proposed", (), (), (), size, "estimate", ()), reason
    )


def searched(candidates: Sequence[Candidate], results: Mapping[str, int | Verdict]) -> tuple[Search, list[str]]:
    """The search where each candidate saves so many MB and is verified, or has that verdict; and those built."""
    built: list[str] = []

    def prove(one: Candidate, rewrite: Rewrite) -> Verification:
        built.append(one.name)
        result = results[one.name]
        verdict, saved = ("verified", result * MB) if isinstance(result, int) else (result, 900 * MB)
        return Verification("x", SIDE, SIDE, rewrite, EMPTY, rewrite.predicted_bytes, saved, verdict, (), ())  # type: ignore[arg-type]

    return climb(candidates, prove, TOTAL), built


@pytest.mark.parametrize(
    ("candidates", "results", "built", "best"),
    [
        ([("a", 100), ("b", 500)], {"a": 90, "b": 480}, "ab", "b"),
        ([("a", 100), ("b", 105), ("c", 500)], {"a": 90, "c": 480}, "ac", "c"),
        ([("a", 100), ("b", 500), ("c", 505)], {"a": 90, "b": "broken", "c": 400}, "abc", "c"),
        ([("a", 100), ("b", 500)], {"a": 90, "b": "behaviour-changed"}, "ab", "a"),
        ([("a", 0), ("b", 500)], {"b": 400}, "b", "b"),
        ([("a", None), ("b", None)], {"a": 90, "b": 80}, "ab", "a"),
        ([("a", 100), ("b", 500)], {"a": "broken", "b": "less-secure"}, "ab", None),
        ([("a", -5)], {}, "", None),
        ([], {}, "", None),
    ],
    ids=["down the ladder", "a step that pays too little", "a step after one that broke", "what verified is kept",
         "a first step that saves nothing", "what is not known has to be tried", "none verifies", "it would grow",
         "no candidates"],
)  # fmt: skip
def test_the_smallest_that_verifies_is_kept(
    candidates: list[tuple[str, int | None]], results: dict[str, int | Verdict], built: str, best: str | None
) -> None:
    search, made = searched([candidate(*one) for one in candidates], results)
    assert "".join(made) == built
    assert (search.best.candidate.name if search.best else None) == best
    assert [one.candidate.name for one in search.tried] == [name for name, _ in candidates]


def test_what_is_left_out_says_what_it_would_have_saved() -> None:
    search, _ = searched([candidate("a", 500), candidate("b", 502)], {"a": 500})
    told = "it is predicted to save 2.00 MB more than a; less than 5.00 MB is not worth a build"
    assert search.tried[1].reason == told
    assert search.stopped == "b cannot pay"


@pytest.mark.parametrize(
    ("predicted", "told"), [(2, "save 2.00 MB; less than 10.0 MB"), (0, "save nothing; less than 10.0 MB")]
)
def test_a_first_step_that_pays_nothing_is_left_out(predicted: int, told: str) -> None:
    search, _ = searched([candidate("a", predicted)], {})
    assert search.tried[0].reason == f"it is predicted to {told} is not worth a build"
    assert search.stopped == "none can pay"


def test_a_step_pays_by_the_size_it_starts_from() -> None:
    """1 % of what is left, not of where it began: 5 MB are much for an image of 100 MB."""
    search, built = searched([candidate("a", 900), candidate("b", 905)], {"a": 900, "b": 905})
    assert built == ["a", "b"]
    assert search.stopped == "every candidate that could be offered was tried"


def test_one_that_is_not_offered_keeps_its_reason() -> None:
    search, built = searched([candidate("alpine", reason="sharp needs glibc")], {})
    assert (built, search.tried[0].reason) == ([], "sharp needs glibc")
    assert search.stopped == "no candidate could be offered"
    assert search.rewrite.outcome == "refused"


def test_a_search_that_is_not_begun_builds_nothing() -> None:
    search = not_begun([candidate("a", 5), candidate("b", reason="no")], "the Dockerfile as it stands does not build")
    assert [one.reason for one in search.tried] == ["nothing was built to compare with it", "no"]
    assert search.rewrite.refusals[0].reason == "the Dockerfile as it stands does not build"


def test_the_rewrite_of_a_search_is_that_of_the_best() -> None:
    first = candidate("a", 100)
    assert searched([first], {"a": 90})[0].rewrite is first.rewrite
