"""Two evidences -> the same two, with one base image where both stand on it.

Which layers are the base image's is often a guess from one image alone. Layers that two images share are the base of
the one as much as of the other: what is known of the one holds for both, and no guess moves a byte between categories.
"""

from msgspec.structs import replace

from imageopt.evidence.classify import classify
from imageopt.evidence.composition import compose
from imageopt.evidence.model import BaseImage, DecidedBy, Evidence

_SURENESS: tuple[DecidedBy, ...] = ("unknown", "guessed", "compared", "history", "digest")


def on_one_base(before: Evidence, after: Evidence, shared: int) -> tuple[Evidence, Evidence]:
    """Both with the surer of the two bases, if it lies within the `shared` layers; else as they are."""
    surer = max(after.base, before.base, key=lambda base: _SURENESS.index(base.decided_by))
    if surer.layers is None or surer.layers > shared:
        return before, after
    return _with_base(before, surer), _with_base(after, surer)


def _with_base(evidence: Evidence, base: BaseImage) -> Evidence:
    if evidence.image is None or evidence.base.layers == base.layers:
        return evidence
    classes = classify(evidence.image, evidence.origins, base, evidence.project)
    return replace(evidence, base=base, classes=classes, composition=compose(evidence.image, classes))
