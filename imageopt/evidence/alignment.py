"""Two sequences to their pairs: which history entry belongs to which instruction, or to none.

It is the best alignment by score that never crosses, as for two versions of a text. The one thing to know: where
several alignments are equally good, only what all of them say is given; the rest stays unpaired.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Cost(NamedTuple):
    """What it costs to leave each entry, and each step, without a partner."""

    entries: Sequence[int]
    steps: Sequence[int]


def certain_pairs(scores: Sequence[Sequence[int]], cost: Cost) -> dict[int, int]:
    """The pairs (entry to step) that stand in every best alignment.

    `scores[entry][step]` is 0 where the two cannot be a pair. Entries before the first pair cost nothing: they are
    another history's.
    """
    entries, steps = len(cost.entries), len(cost.steps)
    ahead = _best_before(scores, cost)
    after = _best_after(scores, cost)
    best = ahead[entries][steps]
    pairs: dict[int, int] = {}
    for entry in range(entries):
        partners = [
            step
            for step in range(steps)
            if (score := scores[entry][step]) and ahead[entry][step] + score + after[entry + 1][step + 1] == best
        ]
        alone = any(
            ahead[entry][step] - _leaving(cost, entry, step) + after[entry + 1][step] == best
            for step in range(steps + 1)
        )
        if len(partners) == 1 and not alone:
            pairs[entry] = partners[0]
    return pairs


def _leaving(cost: Cost, entry: int, step: int) -> int:
    return cost.entries[entry] if step else 0


def _best_before(scores: Sequence[Sequence[int]], cost: Cost) -> list[list[int]]:
    """The best score of the entries and steps before each place."""
    rows: list[list[int]] = []
    for entry in range(len(cost.entries) + 1):
        row: list[int] = []
        for step in range(len(cost.steps) + 1):
            ways = []
            if entry == step == 0:
                ways.append(0)
            if step:
                ways.append(row[step - 1] - cost.steps[step - 1])
            if entry:
                ways.append(rows[entry - 1][step] - _leaving(cost, entry - 1, step))
            if entry and step and (score := scores[entry - 1][step - 1]):
                ways.append(rows[entry - 1][step - 1] + score)
            row.append(max(ways))
        rows.append(row)
    return rows


def _best_after(scores: Sequence[Sequence[int]], cost: Cost) -> list[list[int]]:
    """The best score of the entries and steps from each place on."""
    entries, steps = len(cost.entries), len(cost.steps)
    rows = [[0] * (steps + 1) for _ in range(entries + 1)]
    for entry in range(entries, -1, -1):
        for step in range(steps, -1, -1):
            ways = []
            if entry == entries and step == steps:
                ways.append(0)
            if step < steps:
                ways.append(rows[entry][step + 1] - cost.steps[step])
            if entry < entries:
                ways.append(rows[entry + 1][step] - _leaving(cost, entry, step))
            if entry < entries and step < steps and (score := scores[entry][step]):
                ways.append(rows[entry + 1][step + 1] + score)
            rows[entry][step] = max(ways)
    return rows
