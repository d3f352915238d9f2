"""Checks on versions that are stated in several places and cannot all be true: Node, PHP, the package manager.

What surprises: a range is no version, and contradicts one only where it leaves out the whole release line.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.project.constraints import Product, contradictions
from imageopt.project.model import Fact
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule

_TITLES: dict[Product, str] = {"node": "Node", "php": "PHP"}


def node_conflict(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Places that name versions of Node which cannot all be meant."""
    if evidence.project is not None:
        yield from _conflict(evidence, rule, "node", evidence.project.node_versions)


def php_conflict(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Places that name versions of PHP which cannot all be meant."""
    php = evidence.project.php if evidence.project is not None else None
    if php is not None:
        yield from _conflict(evidence, rule, "php", php.versions)


def manager_conflict(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """What the project's files say of its package manager and cannot all be true, one finding for each."""
    manager = evidence.project.manager if evidence.project is not None else None
    for fact in manager.contradictions if manager is not None else ():
        place = _place(fact)
        message = f"{place.file}:{place.line}: {fact.value}."
        yield stated(evidence, rule, None, message=message, place=place)


def _conflict(evidence: Evidence, rule: Rule, product: Product, facts: Sequence[Fact]) -> Iterator[Finding]:
    found = contradictions(product, facts)
    if found:
        said = ", ".join(f"{fact.source} says {fact.value}" for fact in found)
        message = f"The {_TITLES[product]} versions differ: {said}."
        yield stated(evidence, rule, None, message=message, place=_place(found[0]))


def _place(fact: Fact) -> Location:
    """The file and line of a fact; the first line where it names none."""
    place = fact.source.partition(" ")[0]
    match = re.fullmatch(r"(.+):(\d{1,9})", place)
    path, line = (match[1], int(match[2])) if match else (place, 1)
    return Location(path, line, 1, line)
