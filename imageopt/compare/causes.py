"""The compositions of two images -> what grew and shrank, and the layers that the difference is billed to."""

from collections import Counter
from collections.abc import Iterable

from imageopt.compare.matching import Matching
from imageopt.compare.model import CauseChange, LayerBytes
from imageopt.evidence.model import Category, Evidence


def compare_causes(before: Evidence, after: Evidence, matching: Matching) -> tuple[CauseChange, ...]:
    """The categories in which something differs, the biggest change first.

    A category stands here with an equal sum, too, where other bytes took the place of some.
    """
    old, new = _sums(before), _sums(after)
    removed, added = _by_layer(before, matching.removed), _by_layer(after, matching.added)
    rules = _rules(before, matching.removed, _rules(after, matching.added, {}))
    changes = [
        CauseChange(
            category,
            old[category],
            new[category],
            tuple(sorted(rules.get(category, ()))),
            _biggest_first(added.get(category, Counter())),
            _biggest_first(removed.get(category, Counter())),
        )
        for category in sorted(old.keys() | new.keys())
        if old[category] != new[category] or category in removed or category in added
    ]
    return tuple(sorted(changes, key=lambda change: -abs(change.after - change.before)))


def _sums(evidence: Evidence) -> Counter[Category]:
    total: Counter[Category] = Counter()
    for row in evidence.composition:
        total[row.category] += row.bytes
    return total


def _by_layer(evidence: Evidence, files: Iterable[int]) -> dict[Category, Counter[int]]:
    assert evidence.image is not None
    found: dict[Category, Counter[int]] = {}
    for index in files:
        size = evidence.image.files[index].size
        if size:
            kind = evidence.classes[index]
            found.setdefault(kind.category, Counter())[kind.billed_layer] += size
    return found


def _rules(evidence: Evidence, files: Iterable[int], found: dict[Category, set[str]]) -> dict[Category, set[str]]:
    assert evidence.image is not None
    for index in files:
        kind = evidence.classes[index]
        if kind.cause is not None and evidence.image.files[index].size:
            found.setdefault(kind.category, set()).add(kind.cause)
    return found


def _biggest_first(layers: Counter[int]) -> tuple[LayerBytes, ...]:
    return tuple(
        LayerBytes(layer, size) for layer, size in sorted(layers.items(), key=lambda item: (-item[1], item[0]))
    )
