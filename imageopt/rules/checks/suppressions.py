"""What suppresses findings in vain: comments and waivers that expired, name no rule, or have nothing to suppress.

What surprises: only the engine knows what the other rules found, so it calls this one last and hands it over.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule
from imageopt.rules.suppress import InVain


def in_vain(evidence: Evidence, rule: Rule, now: date, found: Iterable[InVain] = ()) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each suppression that is in vain."""
    for one in found:
        yield stated(evidence, rule, None, message=f"{one.message}.", place=one.place)
