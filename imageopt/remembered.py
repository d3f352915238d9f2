"""What the rules say of an image, worked out once and kept in the cache beside the image.

It is found by all that it depends on: image, Dockerfile, base, the rules in force, the day, the code. What surprises:
nothing is kept where there is a project, for rules read its files, which change without anybody telling.
"""

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from imageopt.evidence.folders import FolderRow
from imageopt.evidence.model import CompositionRow, Evidence, Inventory, InventoryRow, Overview
from imageopt.image.cache import NOT_PACKED, LayerCache, user_cache
from imageopt.image.known import key_of
from imageopt.image.model import FileRecord
from imageopt.rules.model import Finding, Summary, Suppressed
from imageopt.rules.policy import Policy


class Judgement(Struct, frozen=True):
    """The evidence, with what was told of all files together, and what the rules in force make of it."""

    evidence: Evidence
    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    summary: Summary


class _Kept(Struct, frozen=True):
    """A judgement, and the overview of the image, as they lie in the cache."""

    composition: tuple[CompositionRow, ...]
    inventory: tuple[InventoryRow, ...]
    setuid: tuple[FileRecord, ...]
    folders: tuple[FolderRow, ...]
    native: tuple[FileRecord, ...]
    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    summary: Summary


def judgement(evidence: Evidence, policy: Policy, today: date) -> Judgement:
    """What the rules say on that day, from the cache where they said it before."""
    cache = user_cache()
    name = _name(evidence, policy, today) if cache is not None else None
    if cache is None or name is None:
        return _judged(evidence, policy, today)
    kept = cache.recall(name, _Kept)
    if kept is not None:
        told = Overview(Inventory(kept.inventory, kept.setuid), kept.folders, kept.native)
        known = replace(evidence, composition=kept.composition, told=told)
        return Judgement(known, kept.findings, kept.suppressed, kept.summary)
    found = _judged(evidence, policy, today)
    _keep(cache, name, found)
    return found


def _judged(evidence: Evidence, policy: Policy, today: date) -> Judgement:
    from imageopt.rules.check import judge
    from imageopt.rules.summary import summarise

    found = judge(evidence, policy.rules, waivers=policy.waivers, now=today)
    summary = summarise(evidence, found.findings, len(found.suppressed))
    return Judgement(evidence, found.findings, found.suppressed, summary)


def _keep(cache: LayerCache, name: str, found: Judgement) -> None:
    evidence = found.evidence
    kept = _Kept(
        tuple(evidence.composition),
        evidence.inventory.rows,
        evidence.inventory.setuid,
        tuple(evidence.folders),
        tuple(evidence.native),
        found.findings,
        found.suppressed,
        found.summary,
    )
    cache.keep(name, kept)
    cache.prune()


def _name(evidence: Evidence, policy: Policy, today: date) -> str | None:
    """The entry of the judgement; None where it depends on more than can be named."""
    image, dockerfile = evidence.image, evidence.dockerfile
    if image is None or evidence.project is not None or not image.told_by:
        return None
    try:
        key = key_of(
            (image.source, image.reference, image.digest, image.config, image.layers, image.told_by),
            (dockerfile.text if dockerfile is not None else None, evidence.dockerfile_path, evidence.target),
            (
                evidence.base,
                [(one.instruction.line, one.base) if one is not None else None for one in evidence.origins],
            ),
            (policy.rules, policy.waivers, today),
        )
    except NOT_PACKED:
        return None
    return f"{key}.judgement"
