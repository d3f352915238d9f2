"""Checks on bytes: what the image holds, and, without an image, what the Dockerfile is bound to leave in it."""

from collections.abc import Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import has_slimmer_variant
from imageopt.rules.checks.match import matching, shipped_stages
from imageopt.rules.finding import measured, stated
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
    keys = [  # by layer; each unknown apart
        origin.instruction.line if origin is not None else -1 - layer for layer, origin in enumerate(evidence.origins)
    ]
    for index in evidence.files_of_causes.get(rule.name, ()):
        billed_layer = evidence.classes[index].billed_layer
        key = keys[billed_layer]
        if key not in found:
            found[key], layers[key] = [], set()
        found[key].append(index)
        layers[key].add(billed_layer)
        layers[key].add(evidence.image.files[index].birth)
    instructions = {origin.instruction.line: origin.instruction for origin in evidence.origins if origin is not None}
    for key, files in found.items():
        finding = measured(
            evidence,
            rule,
            instructions.get(key),
            files,
            layers[key],
            basis="estimate" if rule.parameters.get("basis") == "estimate" else "exact",
            confidence="low" if evidence.base.decided_by in ("guessed", "unknown") else "high",
        )
        if (finding.saving.bytes or 0) >= int(rule.parameters.get("least_bytes", 1)):
            yield finding


def fat_base(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """The full variant of a base image that has a slim one: its bytes, or, without an image, its name alone."""
    dockerfile = evidence.dockerfile
    if evidence.image is not None or dockerfile is None:
        yield from billed(evidence, rule, now)
        return
    stages = shipped_stages(dockerfile, evidence.target)
    root = dockerfile.stages[stages[0]] if stages else None
    if root is not None and has_slimmer_variant(root.base):
        yield stated(evidence, rule, root.from_instruction, at=root.from_instruction.words[0])


def single_stage(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """A build in the stage that is shipped: the tools and sources of the build stay in the image."""
    dockerfile = evidence.dockerfile
    stage = dockerfile.target(evidence.target) if dockerfile is not None else None
    if dockerfile is None or stage is None or len(dockerfile.stages) > 1:
        return
    for finding in matching(evidence, rule, now):
        yield finding
        return  # once: it is about the whole file
