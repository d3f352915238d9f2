"""A rewrite that was proposed without an image -> the same with what it was to save, as the first version tells.

Whoever verifies often has no image yet when the rewrite is proposed. It is predicted then from the version that was
built meanwhile, by the same rules; nothing of the rewritten image goes into it but the size of its base image.
"""

from msgspec.structs import replace

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.worth import ORDER, credit, less_new_base, swapped_base
from imageopt.verify.model import Side


def with_prediction(rewrite: Rewrite, before: Side, after: Side) -> Rewrite:
    """The rewrite with its prediction; as it is where it has one, or where the first image could not be read."""
    evidence = before.evidence
    if rewrite.predicted_bytes is not None or evidence is None or evidence.image is None:
        return rewrite
    done = {item.name: item.reason for item in rewrite.transformed if item.name in ORDER}
    credited, saved, basis = credit(evidence, before.findings, done)
    others = tuple(item for item in rewrite.transformed if item.name not in ORDER)
    known = replace(rewrite, transformed=(*credited, *others), predicted_bytes=saved, predicted_basis=basis)
    reference, size = swapped_base(known), _base_bytes(after)
    return known if reference is None or size is None else less_new_base(known, reference, size)


def _base_bytes(side: Side) -> int | None:
    """Unpacked bytes of the base image's layers, None where it is not known which they are."""
    evidence = side.evidence
    if evidence is None or evidence.image is None or evidence.base.layers is None:
        return None
    return sum(layer.unpacked_bytes for layer in evidence.image.layers[: evidence.base.layers])
