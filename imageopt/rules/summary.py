"""All findings together: how many of each severity, and how many bytes, each byte once."""

from collections.abc import Sequence

from imageopt.evidence.model import Evidence
from imageopt.rules.model import SEVERITIES, Finding, Summary


def summarise(evidence: Evidence, findings: Sequence[Finding], suppressed: int = 0) -> Summary:
    """The union of the exact byte sets of all findings; bytes that only estimates name are summed apart.

    What another finding explains is not counted again. `suppressed` is how many findings do not count at all.
    """
    exact = {index for finding in findings if finding.saving.basis == "exact" for index in finding.files}
    guessed = {index for finding in findings if finding.saving.basis == "estimate" for index in finding.files} - exact
    files = evidence.image.files if evidence.image is not None else ()
    shown = [finding.severity for finding in findings if finding.explained_by is None]
    counts = {severity: shown.count(severity) for severity in SEVERITIES}
    return Summary(
        findings={severity: count for severity, count in counts.items() if count},
        saving_bytes=sum(files[index].size for index in exact),
        estimated_saving_bytes=sum(files[index].size for index in guessed)
        + sum(f.saving.bytes or 0 for f in findings if f.saving.basis == "estimate" and not f.files),
        suppressed=suppressed,
    )
