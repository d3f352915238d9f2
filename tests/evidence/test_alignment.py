"""Two sequences aligned: what every best alignment says, against all alignments counted out."""

from hypothesis import given
from hypothesis import strategies as st

from imageopt.evidence.alignment import Cost, certain_pairs


def test_what_is_equally_good_twice_is_left_out() -> None:
    assert pairs("ab", "aab") == {1: 2}
    assert pairs("aab", "ab") == {1: 0, 2: 1}  # entries before the first pair are another history's
    assert pairs("aa", "a") == {1: 0}


def test_a_change_in_the_middle_leaves_both_ends() -> None:
    assert pairs("axb", "ayb") == {0: 0, 2: 2}


def test_nothing_has_no_pairs() -> None:
    assert pairs("", "") == pairs("a", "") == pairs("", "a") == pairs("a", "b") == {}


texts = st.text(alphabet="ab", max_size=4)


@given(texts, texts)
def test_it_says_what_every_best_alignment_says(entries: str, steps: str) -> None:
    every = list(alignments(entries, steps))
    best = max(score for score, _ in every)
    common = frozenset.intersection(*(found for score, found in every if score == best))
    assert pairs(entries, steps) == dict(common)


def pairs(entries: str, steps: str) -> dict[int, int]:
    scores = [[6 if one == other else 0 for other in steps] for one in entries]
    return certain_pairs(scores, Cost([3] * len(entries), [3] * len(steps)))


def alignments(entries: str, steps: str) -> list[tuple[int, frozenset[tuple[int, int]]]]:
    """All sets of pairs that do not cross, each with its score, counted out one by one."""
    chosen: list[frozenset[tuple[int, int]]] = [frozenset()]
    for entry, letter in enumerate(entries):
        for step, other in enumerate(steps):
            if letter == other:
                chosen += [found | {(entry, step)} for found in chosen if all(e < entry and s < step for e, s in found)]
    return [(score(found, len(entries), len(steps)), found) for found in chosen]


def score(found: frozenset[tuple[int, int]], entries: int, steps: int) -> int:
    """Six for a pair, less three for what is alone; entries before the first pair and before any step are free."""
    alone_steps = steps - len(found)
    if not found:
        return -3 * alone_steps
    first = min(entry for entry, _ in found)
    alone_entries = entries - first - len(found)
    return 6 * len(found) - 3 * alone_steps - 3 * alone_entries
