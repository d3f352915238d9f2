"""Checks on bytes: what the image holds, and, without an image, what the Dockerfile is bound to leave in it."""

from collections.abc import Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.rules.checks.match import matching
from imageopt.rules.finding import measured
from imageopt.rules.model import Finding, Rule


def billed(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """The files whose cause is this rule, one finding for each instruction that is to blame.

    Without an image the rule's `match` is asked instead, and the saving is unknown.
    """
    if evidence.image is None:
        yield from matching(evidence, rule, now)
        return
    found: dict[int, list[int]] = {}
    layers: dict[int, set[int]] = {}
    for index, kind in enumerate(evidence.classes):
        if kind.cause == rule.name:
            origin = evidence.origins[kind.billed_layer]
            key = origin.instruction.line if origin is not None else -1 - kind.billed_layer
            found.setdefault(key, []).append(index)
            layers.setdefault(key, set()).update((evidence.image.files[index].birth, kind.billed_layer))
    least = int(rule.parameters.get("least_bytes", 1))
    for key, files in found.items():
        origin = (
            evidence.origins[max(layers[key])]
            if key < 0
            else next(origin for origin in evidence.origins if origin is not None and origin.instruction.line == key)
        )
        finding = measured(
            evidence,
            rule,
            origin.instruction if origin is not None else None,
            files,
            layers[key],
            basis="estimate" if rule.parameters.get("basis") == "estimate" else "exact",
            confidence="high" if evidence.base.decided_by != "guessed" else "low",
        )
        if (finding.saving.bytes or 0) >= least:
            yield finding


def single_stage(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """A build in the stage that is shipped: the tools and sources of the build stay in the image."""
    dockerfile = evidence.dockerfile
    stage = dockerfile.target(evidence.target) if dockerfile is not None else None
    if dockerfile is None or stage is None or len(dockerfile.stages) > 1:
        return
    for finding in matching(evidence, rule, now):
        yield finding
        return  # once: it is about the whole file
