"""Evidence held against the rules: the findings, biggest saving first.

A check is a pure function from evidence and rule to findings; its name stands in the rule's file and its module is
that of the name before the dot (`size.billed` is `billed` in `checks/size.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from importlib import import_module

from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.rules.model import Finding, Rule

Check = Callable[[Evidence, Rule, date], Iterator[Finding]]


def check(evidence: Evidence, rules: Iterable[Rule], *, now: date | None = None) -> tuple[Finding, ...]:
    """The findings of all rules that are not off. `now` decides what is past its end of life: today for None."""
    today = now or date.today()  # noqa: DTZ011 (a day in the user's own calendar)
    findings = [
        finding for rule in rules if rule.severity != "off" for finding in find_check(rule)(evidence, rule, today)
    ]
    return tuple(
        sorted(
            findings,
            key=lambda found: (
                -(found.saving.bytes or 0),
                found.code,
                found.location.line if found.location else 0,
                found.message,
            ),
        )
    )


def find_check(rule: Rule) -> Check:
    """The function that a rule's file names. Raises UsageError where there is none."""
    family, _, name = rule.check.partition(".")
    if family.isidentifier() and name.isidentifier() and not name.startswith("_"):
        try:
            found: Check = getattr(import_module(f"imageopt.rules.checks.{family}"), name)
        except (ImportError, AttributeError):
            pass
        else:
            return found
    raise UsageError(f"rule {rule.name}: there is no check {rule.check!r}", "name one that another rule uses")
