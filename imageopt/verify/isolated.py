"""Rewrites that were built and measured -> what a single transformation saved, where one has just that one more.

What a rewrite saves as a whole tells little about the guess that was wrong in it. A swap of the base image is known by
what it goes to: the saving of the slim image is not that of alpine.
"""

from collections.abc import Sequence
from itertools import combinations

from msgspec import Struct

from imageopt.rewrite.model import Rewrite, Transformed
from imageopt.rewrite.worth import final_image

AS_IT_STANDS = "the Dockerfile as it stands"
_FLAVOURS = ("alpine", "slim")


class Measured(Struct, frozen=True):
    """A rewrite by its name, with its transformations, what it was to save and what it saves, in unpacked bytes."""

    name: str
    labels: frozenset[str]
    predicted_bytes: int | None
    saved_bytes: int


class Isolated(Struct, frozen=True):
    """What one transformation saved by itself: the difference `between` two rewrites, the second of which has it."""

    name: str
    between: tuple[str, str]
    predicted_bytes: int | None
    measured_bytes: int


def measured(name: str, rewrite: Rewrite, saved_bytes: int) -> Measured:
    """The rewrite with what it saves."""
    return Measured(name, labels(rewrite), rewrite.predicted_bytes, saved_bytes)


def labels(rewrite: Rewrite) -> frozenset[str]:
    """What its transformations are told apart by."""
    return frozenset(label(rewrite, done) for done in rewrite.transformed)


def label(rewrite: Rewrite, done: Transformed) -> str:
    """The transformation's name, and what a swap of the base image goes to."""
    if done.name != "base-swap":
        return done.name
    tag = (final_image(rewrite) or "").rpartition(":")[2]
    return f"base-swap to {next((flavour for flavour in _FLAVOURS if flavour in tag), 'another image')}"


def isolated(found: Sequence[Measured]) -> tuple[Isolated, ...]:
    """Every transformation that two of them isolate, in the order of the rewrites, each once.

    The version as it stands is one of them: it has none, and saves nothing.
    """
    first = Measured(AS_IT_STANDS, frozenset(), 0, 0)
    seen: dict[str, Isolated] = {}
    for one, other in combinations((first, *found), 2):
        name = only_addition(one.labels, other.labels)
        if name is not None and name not in seen:
            known = one.predicted_bytes is not None and other.predicted_bytes is not None
            predicted = (other.predicted_bytes or 0) - (one.predicted_bytes or 0) if known else None
            saved = other.saved_bytes - one.saved_bytes
            seen[name] = Isolated(name, (one.name, other.name), predicted, saved)
    return tuple(seen.values())


def only_addition(old: frozenset[str], new: frozenset[str]) -> str | None:
    """The only transformation that the new one has and the old one has not; None where there is not just one."""
    more = new - old
    return next(iter(more)) if old < new and len(more) == 1 else None
