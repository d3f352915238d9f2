"""Values that are worked out when somebody looks: once, and no different from those that are there."""

from imageopt.later import LaterMapping, LaterSequence


def test_a_sequence_is_made_once_and_only_if_asked() -> None:
    made = []

    def make() -> tuple[int, ...]:
        made.append(1)
        return (3, 1, 2)

    later = LaterSequence(make)
    assert not made
    assert (len(later), later[0], later[-1], list(later[1:]), 2 in later, sorted(later)) == (
        3,
        3,
        2,
        [1, 2],
        True,
        [1, 2, 3],
    )
    assert later == (3, 1, 2)
    assert later == (3, 1, 2)
    assert later == LaterSequence(lambda: [3, 1, 2])
    assert later != (3, 1)
    assert repr(later) == "(3, 1, 2)"
    assert made == [1]


def test_a_mapping_is_made_once_and_only_if_asked() -> None:
    made = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"a": 1}

    later = LaterMapping(make)
    assert not made
    assert (len(later), later["a"], later.get("b"), later.get("b", 7), "a" in later, [*later]) == (
        1,
        1,
        None,
        7,
        True,
        ["a"],
    )
    assert later == {"a": 1}
    assert later == {"a": 1}
    assert later == LaterMapping(lambda: {"a": 1})
    assert later != {}
    assert repr(later) == "{'a': 1}"
    assert made == [1]
