"""Matches patterns with wildcards in a time that grows with pattern times text, never worse.

All positions in the pattern that are still possible advance together, character by character. A regular expression with
many stars out of a stranger's file would try them one after the other, for ever.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

Test = Callable[[str], object]  # its truth counts


class One(Struct, frozen=True):
    """Takes one character that passes the test."""

    test: Test


class Many(Struct, frozen=True):
    """Takes any number of characters that pass the test, also none."""

    test: Test


class Maybe(Struct, frozen=True):
    """Takes nothing; the next `length` items may be left out."""

    length: int


Item = One | Many | Maybe


def ends(items: Sequence[Item], text: str, start: int = 0) -> Iterator[int]:
    """Where a match that begins at `start` can end, ascending."""
    states = _reachable(items, [0])
    for at in range(start, len(text) + 1):
        if len(items) in states:
            yield at
        if at == len(text) or not states:
            return
        states = _reachable(items, _after(items, states, text[at]))


def matches(items: Sequence[Item], text: str) -> bool:
    """Whether the whole text matches."""
    return len(text) in ends(items, text)


def _after(items: Sequence[Item], states: Iterable[int], character: str) -> Iterator[int]:
    for state in states:
        match items[state] if state < len(items) else None:
            case One(test) if test(character):
                yield state + 1
            case Many(test) if test(character):
                yield state


def _reachable(items: Sequence[Item], states: Iterable[int]) -> set[int]:
    """The states and those that can be had from them without a character."""
    reached: set[int] = set()
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state in reached:
            continue
        reached.add(state)
        match items[state] if state < len(items) else None:
            case Many():
                waiting.append(state + 1)
            case Maybe(length):
                waiting += (state + 1, state + 1 + length)
    return reached
