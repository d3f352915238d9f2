"""Stated versions -> whether they can all be true: a release line of one against the ranges of the others.

What surprises: npm and Composer write ranges alike and mean different ones by `~`. What cannot be read says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from imageopt.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from imageopt.project.model import Fact

Product = Literal["node", "php"]

_Version = tuple[int, int, int]
_LINE = {"node": 1, "php": 2}  # how many numbers name a release line
_NEVER: _Version = (1_000_000, 0, 0)
_NUMBER = r"v?(\d{1,6})(?:\.(\d{1,6}|[xX*]))?(?:\.(\d{1,6}|[xX*]))?(?:\.[xX*])?(?:[-+@][\w.+-]*)?"
_PIN = lazy_pattern(rf"=?{_NUMBER}")
_TERM = lazy_pattern(rf"(\^|~>?|>=|<=|>|<|=|!=)?\s*(?:{_NUMBER}|([*xX]))")
_HYPHEN = lazy_pattern(rf"{_NUMBER}\s+-\s+{_NUMBER}")


class _Span(NamedTuple):
    """The versions from `low` on that are below `high`."""

    low: _Version
    high: _Version


def contradictions(product: Product, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The statements that cannot be true together with another one, in the order given."""
    known = [(fact, spans) for fact in facts if (spans := _spans(product, fact.value)) is not None]
    return tuple(fact for fact, spans in known if any(not _meet(spans, others) for _, others in known))


def _meet(one: Sequence[_Span], other: Sequence[_Span]) -> bool:
    return any(max(a.low, b.low) < min(a.high, b.high) for a in one for b in other)


def _spans(product: Product, stated: str) -> list[_Span] | None:
    """The versions that a statement allows; a single version stands for its release line. None where it says none."""
    pin = _PIN.fullmatch(stated.strip())
    if pin:
        numbers = _numbers(pin.groups())
        length = min(_LINE[product], len(numbers))
        return [_Span(_padded(numbers[:length]), _next(numbers[:length]))] if numbers else None
    spans: list[_Span] = []
    for alternative in re.split(r"\|\|?", stated):
        met = _all_of(product, alternative.strip())
        if met is None:
            return None
        spans.append(met)
    return spans


def _all_of(product: Product, text: str) -> _Span | None:
    """What an alternative's terms allow together."""
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        low, high = _numbers(hyphen.groups()[:3]), _numbers(hyphen.groups()[3:])
        return _Span(_padded(low), _next(high)) if low and high else None
    span, position = _Span((0, 0, 0), _NEVER), 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None:
            return None
        allowed = _term(product, term[1] or "", _numbers(term.groups()[1:4]))
        span = _Span(max(span.low, allowed.low), min(span.high, allowed.high))
        position = term.end() + len(re.match(r"[\s,]*", text[term.end() :])[0])  # type: ignore[index]
    return span if text else None


def _term(product: Product, operator: str, numbers: tuple[int, ...]) -> _Span:
    everything = _Span((0, 0, 0), _NEVER)
    if not numbers or operator == "!=":
        return everything
    low, after = _padded(numbers), _next(numbers)
    match operator:
        case ">=":
            return _Span(low, _NEVER)
        case ">":
            return _Span(after, _NEVER)
        case "<":
            return _Span((0, 0, 0), low)
        case "<=":
            return _Span((0, 0, 0), after)
        case "^":
            return _Span(low, _next(numbers[:1] if numbers[0] else numbers[:2]))
        case "~" | "~>" if product == "php":  # Composer: all but the last number may not rise
            return _Span(low, _next(numbers[: max(1, len(numbers) - 1)]))
        case "~" | "~>":
            return _Span(low, _next(numbers[:2]))
        case _:
            return _Span(low, after)


def _numbers(parts: Sequence[str | None]) -> tuple[int, ...]:
    """The leading numbers, up to the first wildcard."""

    def leading() -> Iterator[int]:
        for part in parts:
            if part is None or not part.isdigit():
                return
            yield int(part)

    return tuple(leading())


def _padded(numbers: tuple[int, ...]) -> _Version:
    first, second, third = (*numbers, 0, 0, 0)[:3]
    return (first, second, third)


def _next(numbers: tuple[int, ...]) -> _Version:
    """The first version behind all that begin with these numbers."""
    return _padded((*numbers[:-1], numbers[-1] + 1))
