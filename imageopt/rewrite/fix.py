"""Findings -> the smallest edits of the Dockerfile and its ignore file that close them, each one checked.

After each edit the files are judged again (`fixes/trial.py`); what does not help is dropped and the reason told. It
goes on until a round changes nothing, so that a second run finds nothing to do.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from imageopt.config import Waiver
from imageopt.dockerfile.edit import before
from imageopt.dockerfile.model import Edit
from imageopt.evidence.model import Evidence
from imageopt.project.context import ignore_file
from imageopt.rewrite.fixes.model import Outcome, Patterns, Refusal, Site
from imageopt.rewrite.fixes.registry import FIXES, find_fix, safety
from imageopt.rewrite.fixes.trial import Judge
from imageopt.rewrite.model import FileChange, Refused, Rewrite, Transformed
from imageopt.rules.model import Finding, Rule

_ROUNDS = 8
_ATTEMPTS = 300  # edits that are tried one by one; a file that needs more was not written by hand


class _Task(Struct, frozen=True):
    """A finding to mend, `offset` being where it stands in the text so far; -1 for one about another file."""

    finding: Finding
    offset: int

    def moved(self, edits: Iterable[Edit]) -> "_Task":
        """The task after these edits of the text."""
        offset = self.offset
        for edit in edits:
            if edit.end <= self.offset:
                offset += len(edit.replacement) - (edit.end - edit.start)
            elif edit.start < self.offset:
                offset += edit.start - self.offset
        return replace(self, offset=offset)


def fix(
    evidence: Evidence,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    *,
    waivers: Sequence[Waiver] = (),
    now: date | None = None,
) -> Rewrite:
    """The edits that close these findings, as a rewrite. What is left is refused, with the reason or with advice.

    `rules`, `waivers` and `now` are those that the findings were made with.
    """
    return fixed(evidence, findings, rules, waivers=waivers, now=now)[0]


def fixed(
    evidence: Evidence,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    *,
    waivers: Sequence[Waiver] = (),
    now: date | None = None,
) -> tuple[Rewrite, tuple[tuple[Edit, ...], ...]]:
    """What `fix` gives, and the edits of the Dockerfile one after another, each in the text that those before made."""
    if evidence.dockerfile is None:
        return Rewrite("nothing", (), (), (), None, "unknown", ("there is no Dockerfile",)), ()
    run = _Run(evidence, findings, rules, Judge(tuple(rules), tuple(waivers), now))
    run.to_the_end()
    return run.result(), tuple(run.history)


class _Run:
    """All fixes over one Dockerfile, until nothing changes any more."""

    def __init__(self, evidence: Evidence, findings: Sequence[Finding], rules: Sequence[Rule], judge: Judge) -> None:
        assert evidence.dockerfile is not None
        self._evidence, self._findings, self._old = evidence, findings, evidence.dockerfile
        self._rules = {rule.name: rule for rule in rules}
        self._judge = judge
        self._state = judge.first(evidence)
        self._told = Counter(finding.rule for finding in self._state.findings)  # by the text alone
        self._pending: dict[int, _Task] = {}
        self._done: list[Finding] = []
        self._refused: list[tuple[Finding, str]] = []  # with the line in the old text
        self.history: list[tuple[Edit, ...]] = []
        self._attempts = 0

    def to_the_end(self) -> None:
        """Tries the fixes in their order, round after round."""
        self._put(self._findings)
        for _ in range(_ROUNDS):
            done = len(self._done)
            self._round()
            if len(self._done) == done:
                return
            if self._evidence.image is None:  # then the text tells all there is
                rules = {finding.rule for finding in self._findings}
                self._put([finding for finding in self._state.findings if finding.rule in rules])

    def result(self) -> Rewrite:
        """What was done and what was not."""
        changes = tuple(self._changes())
        advised = (finding for finding in self._findings if finding.rule not in FIXES)
        left = [*self._refused, *((finding, f"{self._where(finding)}{finding.fix.text}") for finding in advised)]
        saved = _saved(self._evidence, self._done)
        return Rewrite(
            "proposed" if changes else "refused" if left else "nothing",
            changes,
            tuple(self._transformed()),
            tuple(Refused(finding.rule, reason) for finding, reason in left),
            saved,
            "unknown" if saved is None else "exact",
            () if changes or left else ("there is nothing to mend",),
        )

    def _put(self, findings: Iterable[Finding]) -> None:
        """Makes tasks of the findings, whose places are those in the text so far."""
        starts = [0, *(match.end() for match in re.finditer("\n", self._state.tree.text))]
        self._pending.clear()
        for finding in findings:
            if finding.rule in FIXES:
                place = finding.location
                here = place is not None and place.file == self._evidence.dockerfile_path
                offset = starts[place.line - 1] + place.column - 1 if here and place is not None else -1
                self._pending[len(self._pending)] = _Task(finding, offset)

    def _round(self) -> None:
        """One try of each task, rule by rule, all tasks of a rule at once where that goes."""
        self._refused = []
        for rule in FIXES:
            numbers = [number for number, task in self._pending.items() if task.finding.rule == rule]
            if self._told.get(rule) and not self._state.count(rule):  # mended along with another
                self._done += [self._pending.pop(number).finding for number in numbers]
                continue
            if len(numbers) > 1:
                self._try(numbers)
            for number in numbers:
                if number in self._pending and (reason := self._try([number])):
                    task = self._pending[number]
                    self._refused.append((task.finding, f"{self._where(task.finding, task.offset)}{reason}"))

    def _try(self, numbers: Sequence[int]) -> str:
        """Makes the edits of these tasks if all goes well; else the reason why not."""
        edits: dict[Edit, None] = {}
        mended: list[int] = []
        reason = ""
        for number in numbers:
            outcome = self._outcome(self._pending[number])
            if isinstance(outcome, Patterns):
                return self._ignore(number, outcome) if len(numbers) == 1 else "one by one"
            if isinstance(outcome, Refusal):
                reason = outcome.reason
            else:
                edits.update(dict.fromkeys(outcome))
                mended.append(number)
        if not edits:
            return reason or "nothing is to be changed for it"
        if self._attempts >= _ATTEMPTS:
            return f"more than {_ATTEMPTS} edits were tried; run it again after these"
        self._attempts += 1
        rule = self._pending[mended[0]].finding.rule
        # what only the image tells of is not seen to go
        state = self._judge.edited(self._state, edits, rule, len(mended) if self._evidence.image is None else 0)
        if isinstance(state, str):
            return state
        self._state = state
        self.history.append(tuple(sorted(edits, key=lambda edit: (edit.start, edit.end))))
        self._done += [self._pending.pop(number).finding for number in mended]
        self._pending = {number: task.moved(edits) for number, task in self._pending.items()}
        return reason if len(numbers) == 1 else ""

    def _ignore(self, number: int, found: Patterns) -> str:
        state = self._judge.ignoring(self._state, found, self._pending[number].finding.rule)
        if isinstance(state, str):
            return state
        self._state = state
        self._done.append(self._pending.pop(number).finding)
        return ""

    def _outcome(self, task: _Task) -> Outcome:
        tree, function = self._state.tree, find_fix(task.finding.rule)
        above = bisect_right(tree.instructions, max(task.offset, 0), key=lambda item: item.start)
        if function is None or not above:
            return Refusal("it stands above the first instruction")
        instruction = tree.instructions[above - 1]
        stage = tree.stage_of(instruction)
        rule = self._rules[task.finding.rule]
        return function(Site(tree, stage, instruction, task.offset, task.finding, rule, self._evidence))

    def _changes(self) -> Iterator[FileChange]:
        tree, project = self._state.tree, self._state.evidence.project
        if tree.text != self._old.text:
            yield FileChange(self._evidence.dockerfile_path, self._old.render(), tree.render())
        before = self._evidence.project
        if project is not None and before is not None and project.dockerignore != before.dockerignore:
            path = ignore_file(before.root, self._evidence.dockerfile_path)
            old = (before.root / path).read_bytes() if before.dockerignore is not None else None
            added = (project.dockerignore or "").removeprefix(before.dockerignore or "")
            yield FileChange(path, old, (old or b"") + added.encode("utf-8", "surrogateescape"))

    def _transformed(self) -> Iterator[Transformed]:
        for rule in FIXES:
            done = [finding for finding in self._done if finding.rule == rule]
            if done:
                yield Transformed(rule, safety(rule), done[0].title, (rule,), _saved(self._evidence, done))

    def _where(self, finding: Finding, offset: int | None = None) -> str:
        """The finding's line in the old text; `offset` is where it stands in the text so far."""
        place = finding.location
        if place is None or place.file != self._evidence.dockerfile_path:
            return ""
        if offset is None:
            return f"line {place.line}: "
        for edits in reversed(self.history):
            offset = before(offset, edits)
        line = self._old.text.count("\n", 0, offset) + 1
        return f"line {line}: "


def _saved(evidence: Evidence, done: Sequence[Finding]) -> int | None:
    """The bytes of the image that these findings are about, each counted once; None without an image."""
    if evidence.image is None:
        return None
    return sum(evidence.image.files[index].size for index in {index for finding in done for index in finding.files})
