"""Findings and what is meant to suppress them -> those that stand, those that are suppressed, and what was in vain.

What surprises: a comment is called unused only where its rule could have spoken. Without the image a rule that counts
bytes may be silent and the comment still be right, so nothing is said of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from imageopt.rules.comments import suppressions
from imageopt.rules.finding import Spot, place_of
from imageopt.rules.lookup import Names
from imageopt.rules.model import Finding, Location, Rule, Suppressed

if TYPE_CHECKING:
    from imageopt.config import Waiver
    from imageopt.evidence.model import Evidence

REPORT = "suppressions.in_vain"  # the check of the rule that is told of them


class InVain(Struct, frozen=True):
    """A suppression that does not do what its author thinks, and where it stands."""

    message: str
    place: Location


class _Ground(Struct, frozen=True):
    """One name of a suppression: the rules it is for and the lines it counts in, all of them for 0 and 0."""

    rules: frozenset[str]
    first: int
    last: int
    by: str
    reason: str
    until: date | None
    name: str
    place: Location | None  # of our own comments: where to say that it is in vain
    stage: bool = False


class Suppressions:
    """All that suppresses findings of one Dockerfile on a day."""

    def __init__(self, evidence: Evidence, rules: Sequence[Rule], waivers: Sequence[Waiver], today: date) -> None:
        self._evidence = evidence
        self._names = Names(rules)
        self._today = today
        self._used: set[int] = set()
        self._in_vain: list[InVain] = []
        self._grounds = [*self._of_comments(), *self._of_waivers(waivers)]
        self._index: dict[tuple[str, int], list[int]] = {}
        for number, ground in enumerate(self._grounds):
            for rule in ground.rules:
                self._index.setdefault((rule, ground.first), []).append(number)
        self._firsts = sorted({ground.first for ground in self._grounds if ground.first})
        self._stages = sorted({ground.first for ground in self._grounds if ground.first and ground.stage})

    def sift(self, findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
        """The findings that stand, and the suppressed ones with the reason, each in the order given."""
        if not self._grounds:
            return tuple(findings), ()
        kept: list[Finding] = []
        gone: list[Suppressed] = []
        for finding in findings:
            grounds = self._covering(finding)
            self._used.update(grounds)
            if grounds:
                ground = self._grounds[grounds[0]]
                gone.append(Suppressed(finding, ground.by, ground.reason, ground.until))
            else:
                kept.append(finding)
        return tuple(kept), tuple(gone)

    def in_vain(self) -> tuple[InVain, ...]:
        """What expired, names no rule, or suppressed nothing of what `sift` was given."""
        unused = (
            InVain(f"Nothing here is suppressed by ignore={ground.name}", ground.place)
            for number, ground in enumerate(self._grounds)
            if ground.place is not None and number not in self._used and self._could_speak(ground.rules)
        )
        return (*self._in_vain, *unused)

    def _covering(self, finding: Finding) -> list[int]:
        """The grounds that cover it: the file's, and those of the instruction and the stage it stands in; in order."""
        place = finding.location
        found = set(self._index.get((finding.rule, 0), ()))
        if place is not None and place.file == self._evidence.dockerfile_path:
            for firsts in (self._firsts, self._stages):
                above = bisect_right(firsts, place.line)
                near = self._index.get((finding.rule, firsts[above - 1]), ()) if above else ()
                found.update(number for number in near if place.line <= self._grounds[number].last)
        return sorted(found)

    def _of_comments(self) -> Iterator[_Ground]:
        dockerfile = self._evidence.dockerfile
        for one in suppressions(dockerfile) if dockerfile is not None else ():
            own = one.tool == "imageopt"
            if one.fault or (one.until is not None and one.until < self._today):
                if own:
                    why = one.fault or f"it expired on {one.until}"
                    self._in_vain.append(InVain(f"This comment suppresses nothing: {why}", self._place(one)))
                continue
            for name in one.names:
                place = self._place(name) if own else None
                rules = self._own(name.value, place) if place else self._names.of_tool(one.tool, name.value)
                if rules:
                    yield _Ground(
                        frozenset(rule.name for rule in rules),
                        one.first,
                        one.last,
                        _AUTHORS[one.tool],
                        one.reason,
                        one.until,
                        name.value,
                        place,
                        one.stage,
                    )

    def _of_waivers(self, waivers: Sequence[Waiver]) -> Iterator[_Ground]:
        for waiver in waivers:
            place = Location(waiver.file, waiver.line, 1, waiver.line)
            if waiver.until is not None and waiver.until < self._today:
                self._in_vain.append(InVain(f"The waiver of {waiver.rule} expired on {waiver.until}", place))
            elif rules := self._own(waiver.rule, place):
                names = frozenset(rule.name for rule in rules)
                yield _Ground(names, 0, 0, "a waiver", waiver.reason, waiver.until, waiver.rule, None)

    def _own(self, name: str, place: Location) -> tuple[Rule, ...]:
        rule = self._names.own.get(name.lower())
        if rule is None:
            close = self._names.suggestion(name)
            self._in_vain.append(InVain(f"There is no rule {name!r}{f', {close}' if close else ''}".rstrip("?"), place))
        return (rule,) if rule is not None else ()

    def _could_speak(self, names: frozenset[str]) -> bool:
        """Whether the rules had all they can ask for, so that their silence means something."""
        rules = (self._names.own[name.lower()] for name in names)
        return all(
            rule.check != REPORT and rule.severity != "off" and _judged_by(self._evidence, rule) for rule in rules
        )

    def _place(self, spot: Spot) -> Location:
        assert self._evidence.dockerfile is not None
        return place_of(self._evidence.dockerfile, self._evidence.dockerfile_path, spot)


_AUTHORS = {
    "imageopt": "a comment",
    "hadolint": "a comment for hadolint",
    "buildkit": "a comment for BuildKit",
    "trivy": "a comment for Trivy",
}


def _judged_by(evidence: Evidence, rule: Rule) -> bool:
    """Whether the rule wants no more evidence than there is."""
    return not (rule.wants_image and evidence.image is None) and not (rule.wants_project and evidence.project is None)
