"""Findings -> the same findings with a fingerprint each, by which they are known again when the file has changed.

What surprises: there is no line, no column and no size in it. What stands above may grow, and the image too; the
finding is the same as long as its rule, its file and the text of its instruction are.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable

from msgspec.structs import replace

from imageopt.dockerfile.model import Instruction
from imageopt.evidence.model import Evidence
from imageopt.masking import masked
from imageopt.rules.model import Finding

_SUBJECT = 2_000  # characters of an instruction: longer ones differ before that, or are told apart by their order


def fingerprinted(evidence: Evidence, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order given; those of one rule about equal texts are numbered in the order of the file."""
    ordered = sorted(enumerate(findings), key=lambda pair: _place(pair[1]))
    subjects = _Subjects(evidence)
    counts: dict[str, int] = {}
    made: dict[int, Finding] = {}
    for number, finding in ordered:
        file = finding.location.file if finding.location is not None else evidence.dockerfile_path
        key = f"{finding.rule}\n{file}\n{subjects.of(finding)}"
        counts[key] = counts.get(key, 0) + 1
        digest = hashlib.sha256(f"{key}\n{counts[key]}".encode("utf-8", "surrogateescape")).hexdigest()
        made[number] = replace(finding, fingerprint=digest)
    return tuple(made[number] for number in sorted(made))


def _place(finding: Finding) -> tuple[int, int, str]:
    place = finding.location
    return (place.line, place.column, finding.message) if place is not None else (0, 0, finding.message)


class _Subjects:
    """What findings are about, in words; each instruction's are worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._instructions = evidence.dockerfile.instructions if evidence.dockerfile is not None else ()
        self._texts: dict[int, str] = {}

    def of(self, finding: Finding) -> str:
        place, image = finding.location, self._evidence.image
        if place is None:
            layers = image.layers if image is not None else ()
            made = (layers[index].created_by for index in finding.layers if index < len(layers))
            return masked(" ".join(text or "" for text in made))[:_SUBJECT]
        if place.file != self._evidence.dockerfile_path:
            return ""
        above = bisect_right(self._instructions, place.line, key=lambda instruction: instruction.line) - 1
        if above < 0 or place.line > self._instructions[above].end_line:
            return ""
        if above not in self._texts:
            self._texts[above] = _text(self._instructions[above])
        return self._texts[above]


def _text(instruction: Instruction) -> str:
    """The instruction on one line, however it is laid out, and without what must be in no report."""
    flags = (f"--{flag.name}={flag.value}" for flag in instruction.flags)
    written = " ".join((instruction.keyword, *flags, instruction.arguments[:_SUBJECT]))
    return masked(" ".join(written[: 2 * _SUBJECT].split()))
