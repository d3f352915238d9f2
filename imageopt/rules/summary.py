"""All findings together: how many of each severity, and how many bytes, each byte once."""

from collections.abc import Sequence

from imageopt.evidence.model import Evidence
from imageopt.image.model import FileRecord
from imageopt.rules.model import SEVERITIES, Finding, Summary


def summarise(evidence: Evidence, findings: Sequence[Finding], suppressed: int = 0) -> Summary:
    """The union of the exact byte sets of all findings; bytes that only estimates name are summed apart.

    What another finding explains is not counted again. `suppressed` is how many findings do not count at all.
    """
    exact = {index for finding in findings if finding.saving.basis == "exact" for index in finding.files}
    estimates = [finding for finding in findings if finding.saving.basis == "estimate"]
    files = evidence.image.files if evidence.image is not None else ()
    shown = [finding.severity for finding in findings if finding.explained_by is None]
    counts = {severity: shown.count(severity) for severity in SEVERITIES}
    return Summary(
        findings={severity: count for severity, count in counts.items() if count},
        saving_bytes=sum(files[index].size for index in exact),
        estimated_saving_bytes=_estimated(estimates, exact, files),
        suppressed=suppressed,
    )


def _estimated(findings: Sequence[Finding], exact: set[int], files: Sequence[FileRecord]) -> int:
    """What the estimates come to: each its own, but no more than what it names and nothing before it has counted."""
    total, counted = 0, set(exact)
    for finding in findings:
        fresh = set(finding.files) - counted
        counted |= fresh
        most = sum(files[index].size for index in fresh) if finding.files else finding.saving.bytes or 0
        total += min(finding.saving.bytes or 0, most)
    return total
