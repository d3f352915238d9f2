"""Evidence held against the rules: the findings, biggest saving first, and those that somebody suppressed.

A check is a pure function from evidence and rule to findings; its name stands in the rule's file and its module is
that of the name before the dot (`size.billed` is `billed` in `checks/size.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.joins import joined
from imageopt.rules.model import SEVERITIES, Finding, Rule, Suppressed
from imageopt.rules.suppress import REPORT, Suppressions

if TYPE_CHECKING:
    from imageopt.config import Waiver

_WORD = lazy_pattern("[a-z]+")
# What the builder and the shell take out of a word.
_CUT = lazy_pattern(r"(?<=[a-z])(?:[\"'\\]|[\\`][ \t]*\r?\n)+(?=[a-z])")

Check = Callable[[Evidence, Rule, date], Iterator[Finding]]


class Judged(Struct, frozen=True):
    """What the rules found, biggest saving first, and what of it is suppressed."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]


def check(evidence: Evidence, rules: Iterable[Rule], *, now: date | None = None) -> tuple[Finding, ...]:
    """The findings that no comment suppresses, of all rules that are not off; `now` is as for `judge`."""
    return judge(evidence, tuple(rules), now=now).findings


def judge(
    evidence: Evidence,
    rules: Sequence[Rule],
    *,
    waivers: Sequence[Waiver] = (),
    now: date | None = None,
    with_fingerprints: bool = True,
) -> Judged:
    """The findings of all rules that are not off, sifted by the Dockerfile's comments and the waivers.

    `now` decides what is past its end of life and which suppressions have expired: today for None.
    Fingerprints cost the start of a hash library, and a terminal shows none.
    """
    today = now or date.today()  # noqa: DTZ011 (a day in the user's own calendar)
    active = [rule for rule in rules if rule.severity != "off"]
    asked = (rule for rule in concerned(active, evidence) if rule.check != REPORT)
    found = sorted((item for rule in asked for item in find_check(rule)(evidence, rule, today)), key=_order)
    suppressions = Suppressions(evidence, rules, waivers, today)
    kept, gone = suppressions.sift(found)
    told: list[Finding] = []
    for rule in active if (vain := suppressions.in_vain()) else ():
        if rule.check == REPORT:
            from imageopt.rules.checks.suppressions import in_vain

            told.extend(in_vain(evidence, rule, today, vain))
    more, also_gone = suppressions.sift(told)
    findings: Sequence[Finding] = sorted((*kept, *more), key=_order)
    if with_fingerprints:
        from imageopt.rules.fingerprint import fingerprinted

        findings = fingerprinted(evidence, findings)
    return Judged(joined(findings), (*gone, *also_gone))


def concerned(rules: Iterable[Rule], evidence: Evidence) -> list[Rule]:
    """The rules that may find something here: with a Dockerfile alone, its words tell that most have nothing to say."""
    if evidence.dockerfile is None or evidence.image is not None or evidence.project is not None:
        return list(rules)
    text = evidence.dockerfile.text.lower()
    words = set(_WORD.findall(text))
    whole, cuts = _CUT.subn("", text)
    if cuts:
        words.update(_WORD.findall(whole))
    return [rule for rule in rules if rule.words is None or not words.isdisjoint(rule.words)]


def _order(found: Finding) -> tuple[int, int, int, int, str, str]:
    """Biggest first; what saves nothing that is known, gravest first and then from top to bottom."""
    place = found.location
    return (
        -(found.saving.bytes or 0),
        SEVERITIES.index(found.severity),
        place.line if place else 0,
        place.column if place else 0,
        found.code,
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
