"""Is a rewrite worth a reviewer's time, and which finding does each of its transformations close?

Decided from the findings alone, so that a Dockerfile which is already good is left alone: one transformation must save
at least 1 MB and 1 % of the image, or a finding about security must be closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from imageopt.dockerfile.parser import parse
from imageopt.evidence.model import Evidence
from imageopt.rewrite.model import Rewrite, Transformed
from imageopt.rules.model import Finding, Safety
from imageopt.units import format_bytes

ORDER = (
    "multi-stage", "static-site", "framework-output", "asset-stage", "composer-stage", "composer-no-dev",
    "extension-build", "base-swap", "prune-dev-deps", "narrow-copies", "dockerignore",
    "copy-chown", "drop-deleted", "drop-caches", "drop-global-tools", "npm-ci", "frozen-install", "order-copies",
    "exec-form-start", "node-env", "run-as-node",
)  # fmt: skip
_SAVES = {
    "multi-stage",
    "asset-stage",
    "composer-stage",
    "composer-no-dev",
    "extension-build",
    "base-swap",
    "prune-dev-deps",
    "dockerignore",
    "copy-chown",
    "narrow-copies",
    "drop-deleted",
    "drop-caches",
    "drop-global-tools",
}
_CLOSES = {  # surgical edits, and the findings that a file of stages would close
    "narrow-copies": "source-maps-and-sources-in-final",
    "drop-deleted": "deleted-in-later-layer",
}
_SECURITY = {"run-as-node"}
_SAFETY: Mapping[str, Safety] = {
    "npm-ci": "safe", "frozen-install": "safe", "dockerignore": "safe", "copy-chown": "safe", "drop-caches": "safe",
    "drop-deleted": "safe",
    "order-copies": "safe",
}  # fmt: skip
_LEAST_BYTES = 1_000_000
_LEAST_SHARE = 100  # one part in a hundred


def automatic(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that a transformation of `rewrite/` mends."""
    return tuple(f for f in findings if f.fix.kind == "automatic" and f.fix.transform in ORDER and f.severity != "off")


def is_worth_doing(evidence: Evidence, findings: Sequence[Finding]) -> bool:
    """Whether any transformation would save enough or close a finding about security.

    Without an image nothing is measured: then a warning with an unknown saving is enough.
    """
    total = evidence.image.sizes.unpacked_bytes if evidence.image else 0
    least = max(_LEAST_BYTES, total // _LEAST_SHARE)
    for name in ORDER:
        mended = [finding for finding in automatic(findings) if finding.fix.transform == name]
        if name in _SECURITY and mended:
            return True
        if name not in _SAVES:
            continue
        if any(f.saving.bytes is None and f.severity in ("error", "warning") for f in mended):
            return True
        if _measured(evidence, mended) + sum(_estimated(f) for f in mended) >= least:
            return True
    return False


def is_worth_making(done: Iterable[str]) -> bool:
    """Whether one of these transformations alone would be a reason to change a file."""
    return not (_SAVES | _SECURITY).isdisjoint(done)


def safety_of(name: str) -> Safety:
    """Whether the transformation cannot change behaviour, or must be verified."""
    return _SAFETY.get(name, "verify")


def credit(
    evidence: Evidence, findings: Sequence[Finding], done: Mapping[str, str]
) -> tuple[tuple[Transformed, ...], int | None, Literal["exact", "estimate", "unknown"]]:
    """The transformations with the findings they close and the bytes they save, each byte credited once, to the first.

    Then their sum, None without an image, and what it rests on.
    """
    image = evidence.image
    counted: set[int] = set()
    made: list[Transformed] = []
    is_estimate = False
    for name in (name for name in ORDER if name in done):
        closed = [f for f in automatic(findings) if f.fix.transform == name or f.rule == _CLOSES.get(name)]
        rules = tuple(sorted({finding.rule for finding in closed}))
        saved: int | None = None
        if image is not None:
            fresh = {index for finding in closed for index in finding.files} - counted
            if name == "base-swap" and not closed:  # as from slim to alpine, which is no finding
                fresh = _of_old_base(evidence) - counted
            counted |= fresh
            estimates = sum(_estimated(finding) for finding in closed)
            is_estimate = is_estimate or estimates > 0 or any(f.saving.bytes is None for f in closed if name in _SAVES)
            saved = sum(image.files[index].size for index in fresh) + estimates
        made.append(Transformed(name, safety_of(name), done[name], rules, saved))
    if image is None:
        return tuple(made), None, "unknown"
    return tuple(made), sum(item.predicted_bytes or 0 for item in made), "estimate" if is_estimate else "exact"


def swapped_base(rewrite: Rewrite) -> str | None:
    """The image that the rewritten last stage is built on, where that is another one than before."""
    return final_image(rewrite) if any(done.name == "base-swap" for done in rewrite.transformed) else None


def final_image(rewrite: Rewrite) -> str | None:
    """The image that the rewritten last stage is built on; None where the Dockerfile stays, or does not name it."""
    stages = [
        parse(change.after).stages for change in rewrite.changes if change.path.rpartition("/")[2] != ".dockerignore"
    ]
    if not stages or not stages[0]:
        return None
    stage = stages[0][-1]
    while stage.parent is not None:
        stage = stages[0][stage.parent]
    return stage.base


def less_new_base(rewrite: Rewrite, reference: str, size: int) -> Rewrite:
    """The same with the new base image's bytes taken off the saving: they come in for the old one's."""
    if rewrite.predicted_bytes is None:
        return rewrite
    return replace(
        rewrite,
        transformed=tuple(
            replace(done, predicted_bytes=done.predicted_bytes - size)
            if done.name == "base-swap" and done.predicted_bytes is not None
            else done
            for done in rewrite.transformed
        ),
        predicted_bytes=rewrite.predicted_bytes - size,
        notes=(*rewrite.notes, f"the saving counts the {format_bytes(size)} of {reference} that come in"),
    )


def _of_old_base(evidence: Evidence) -> set[int]:
    """The files that the base image brought, by their indices; none where its layers are not known."""
    files = evidence.image.files if evidence.image else ()
    return {index for index, file in enumerate(files) if file.birth < (evidence.base.layers or 0)}


def _measured(evidence: Evidence, findings: Iterable[Finding]) -> int:
    """Bytes of the union of the findings' files."""
    files = evidence.image.files if evidence.image else ()
    return sum(files[index].size for index in {index for finding in findings for index in finding.files})


def _estimated(finding: Finding) -> int:
    """Bytes of a finding that names no files."""
    return 0 if finding.files else finding.saving.bytes or 0
