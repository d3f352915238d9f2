"""Evidence held against the rules: the findings, biggest saving first, and those that somebody suppressed.

A check is a pure function from evidence and rule to findings; its name stands in the rule's file and its module is
that of the name before the dot (`size.billed` is `billed` in `checks/size.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.rules.fingerprint import fingerprinted
from imageopt.rules.joins import joined
from imageopt.rules.model import Finding, Rule, Suppressed
from imageopt.rules.suppress import REPORT, Suppressions

if TYPE_CHECKING:
    from imageopt.config import Waiver

Check = Callable[[Evidence, Rule, date], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules found, biggest saving first, and what of it is suppressed."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]


def check(evidence: Evidence, rules: Iterable[Rule], *, now: date | None = None) -> tuple[Finding, ...]:
    """The findings that no comment suppresses, of all rules that are not off; `now` is as for `judge`."""
    return judge(evidence, tuple(rules), now=now).findings


def judge(
    evidence: Evidence, rules: Sequence[Rule], *, waivers: Sequence[Waiver] = (), now: date | None = None
) -> Judged:
    """The findings of all rules that are not off, sifted by the Dockerfile's comments and the waivers.

    `now` decides what is past its end of life and which suppressions have expired: today for None.
    """
    today = now or date.today()  # noqa: DTZ011 (a day in the user's own calendar)
    active = [rule for rule in rules if rule.severity != "off"]
    found = sorted(
        (item for rule in active if rule.check != REPORT for item in find_check(rule)(evidence, rule, today)),
        key=_order,
    )
    suppressions = Suppressions(evidence, rules, waivers, today)
    kept, gone = suppressions.sift(found)
    told: list[Finding] = []
    for rule in active:
        if rule.check == REPORT:
            from imageopt.rules.checks.suppressions import in_vain

            told.extend(in_vain(evidence, rule, today, suppressions.in_vain()))
    more, also_gone = suppressions.sift(told)
    return Judged(joined(fingerprinted(evidence, sorted((*kept, *more), key=_order))), (*gone, *also_gone))


def _order(found: Finding) -> tuple[int, str, int, int, str]:
    place = found.location
    return (
        -(found.saving.bytes or 0),
        found.code,
        place.line if place else 0,
        place.column if place else 0,
        found.message,
    )


def find_check(rule: Rule) -> Check:
    """The function that a rule's file names. Raises UsageError where there is none."""
    found = _function(rule.check)
    if found is None:
        raise UsageError(f"rule {rule.name}: there is no check {rule.check!r}", "name one that another rule uses")
    return found


@cache
def _function(check: str) -> Check | None:
    family, _, name = check.partition(".")
    if family.isidentifier() and name.isidentifier() and not name.startswith("_"):
        try:
            found: Check = getattr(import_module(f"imageopt.rules.checks.{family}"), name)
        except (ImportError, AttributeError):
            pass
        else:
            return found
    return None
