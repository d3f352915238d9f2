"""Findings -> the same findings, those that a safe edit mends with that edit, for editors that offer it at the line.

What surprises: each edit stands alone. Two of them may touch the same words, so applying all at once is the business of
`fix.py`; and the ignore file is left out, for an editor shows one file.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from imageopt.config import Waiver
from imageopt.dockerfile.model import Dockerfile, Edit
from imageopt.evidence.model import Evidence
from imageopt.masking import masked
from imageopt.rewrite.fixes.model import Patterns, Refusal, Site
from imageopt.rewrite.fixes.registry import find_fix, safety
from imageopt.rewrite.fixes.trial import Judge, State
from imageopt.rules.model import Finding, Rule, TextEdit

_ATTEMPTS = 100  # each is tried by judging the whole file again


def with_edits(
    evidence: Evidence,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    *,
    waivers: Sequence[Waiver] = (),
    now: date | None = None,
) -> tuple[Finding, ...]:
    """The findings in their order. `rules`, `waivers` and `now` are those that they were made with."""
    if evidence.dockerfile is None:
        return tuple(findings)
    judge = Judge(tuple(rules), tuple(waivers), now)
    known = {rule.name: rule for rule in rules}
    state: State | None = None
    left = _ATTEMPTS
    made: list[Finding] = []
    for finding in findings:
        edits = _edits(evidence, evidence.dockerfile, finding, known[finding.rule]) if finding.rule in known else ()
        if edits and left:
            left -= 1
            state = state or judge.first(evidence)
            mended = 1 if evidence.image is None else 0
            if not isinstance(judge.edited(state, edits, finding.rule, mended), str):
                shown = tuple(_text_edit(evidence.dockerfile, edit) for edit in edits)
                finding = replace(finding, fix=replace(finding.fix, edits=shown))
        made.append(finding)
    return tuple(made)


def _edits(evidence: Evidence, tree: Dockerfile, finding: Finding, rule: Rule) -> tuple[Edit, ...]:
    """What the fix of the rule would change; nothing where it cannot or is not safe."""
    place, function = finding.location, find_fix(rule.name)
    if function is None or safety(rule.name) != "safe" or place is None or place.file != evidence.dockerfile_path:
        return ()
    offset = tree.offset(place.line, place.column)
    above = bisect_right(tree.instructions, offset, key=lambda item: item.start)
    if not above:
        return ()
    instruction = tree.instructions[above - 1]
    written = tree.source(instruction)
    if masked(written) != written:
        return ()  # its words stand in the edit, without the name that tells that they are a secret
    outcome = function(Site(tree, tree.stage_of(instruction), instruction, offset, finding, rule, evidence))
    return () if isinstance(outcome, Patterns | Refusal) else tuple(dict.fromkeys(outcome))


def _text_edit(tree: Dockerfile, edit: Edit) -> TextEdit:
    return TextEdit(*tree.position(edit.start), *tree.position(edit.end), edit.replacement)
