"""Findings -> the same findings, those that another one already explains marked, and named with it.

What surprises: nothing is dropped here. A rewrite works on all findings; what is shown to people leaves out the marked
ones, for one cause told three times reads like three problems.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from imageopt.rules.model import SEVERITIES, Finding

# A cause -> what goes away with it where both point at the same text.
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "invalid-json-form": ("shell-form-cmd",),  # it is the shell form only because it is no JSON
    "npm-start-as-pid1": ("shell-form-cmd",),
    "npm-token-exposed": ("secret-in-arg-or-env",),
    "apt-lists-left": ("no-cache-mount",),  # a cache mount is how both are mended
    "pkg-manager-cache-left": ("no-cache-mount",),
    "npm-yarn-pnpm-cache-left": ("no-cache-mount",),
    "composer-cache-or-binary-left": ("no-cache-mount",),
}


def joined(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in the order given, with `explained_by` and `also` put in.

    A finding explains another that is no graver if the other's files are all among its own, or if it is that one's
    cause and points at the same text. Bytes that were counted are never hidden behind a finding without any.
    """
    causes: dict[int, int] = {}
    for cause, symptom in (*_same_bytes(findings), *_same_text(findings)):
        no_graver = _grave(findings[cause]) <= _grave(findings[symptom])
        if no_graver and symptom not in causes and _root(causes, cause) != symptom:
            causes[symptom] = cause
    also: dict[int, list[str]] = {}
    for symptom in sorted(causes):
        also.setdefault(_root(causes, symptom), []).append(findings[symptom].rule)
    return tuple(
        replace(
            finding,
            explained_by=findings[_root(causes, number)].rule if number in causes else None,
            also=tuple(dict.fromkeys(also.get(number, ()))),
        )
        if number in causes or number in also
        else finding
        for number, finding in enumerate(findings)
    )


def _root(causes: Mapping[int, int], number: int) -> int:
    while number in causes:
        number = causes[number]
    return number


def _grave(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _same_bytes(findings: Sequence[Finding]) -> Iterator[tuple[int, int]]:
    """Pairs (main, other) where the other's files are all among the main one's; of equals the graver first."""
    with_files = [number for number, finding in enumerate(findings) if finding.files]
    with_files.sort(key=lambda number: (-len(findings[number].files), _grave(findings[number]), number))
    sets = {number: frozenset(findings[number].files) for number in with_files}
    for place, main in enumerate(with_files):
        for other in with_files[place + 1 :]:
            if findings[other].files[0] in sets[main] and sets[other] <= sets[main]:
                yield main, other


def _same_text(findings: Sequence[Finding]) -> Iterator[tuple[int, int]]:
    """Pairs (cause, symptom) of `EXPLAINS` that point at the same text, the symptom beginning in the cause's lines."""
    places: dict[str, list[tuple[str, int, int]]] = {}
    for number, finding in enumerate(findings):
        if finding.location is not None:
            places.setdefault(finding.rule, []).append((finding.location.file, finding.location.line, number))
    for found in places.values():
        found.sort()
    for rule, symptoms in EXPLAINS.items():
        for _, _, cause in places.get(rule, ()):
            place = findings[cause].location
            assert place is not None
            for name in symptoms:
                known = places.get(name, [])
                first = bisect_left(known, (place.file, place.line, 0))
                last = bisect_left(known, (place.file, place.end_line + 1, 0))
                yield from ((cause, at[2]) for at in known[first:last] if _hides(findings[cause], findings[at[2]]))


def _hides(cause: Finding, symptom: Finding) -> bool:
    """Whether they overlap, and the symptom's bytes are not lost with it."""
    (start, end), (begin, finish) = _span(cause), _span(symptom)
    return start < finish and begin < end and (not symptom.saving.bytes or bool(cause.saving.bytes))


def _span(finding: Finding) -> tuple[tuple[int, float], tuple[int, float]]:
    place = finding.location
    assert place is not None
    return (place.line, place.column), (place.end_line, place.end_column or float("inf"))
