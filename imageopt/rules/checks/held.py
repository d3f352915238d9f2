"""Files of an image as findings: one for each instruction that brought some of them in.

What surprises: the base image's files never count, whatever they are called; nobody can mend them in this Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from imageopt.rules.finding import measured

if TYPE_CHECKING:
    from imageopt.evidence.model import Evidence
    from imageopt.rules.model import Finding, Rule


def held(evidence: Evidence, rule: Rule, files: Iterable[int], *, message: str | None = None) -> Iterator[Finding]:
    """One finding for each layer's instruction, from the first on; fewer than the rule's `least_bytes` make none.

    `files` are indices into the image's files; `message` stands for the rule's own, with the same placeholders.
    """
    of_layers: dict[int, list[int]] = {}
    for index in files:
        of_layers.setdefault(evidence.classes[index].billed_layer, []).append(index)
    rule = rule if message is None else replace(rule, message=message)
    for layer in sorted(of_layers):
        origin = evidence.origins[layer]
        finding = measured(
            evidence,
            rule,
            origin.instruction if origin is not None else None,
            of_layers[layer],
            {layer},
            confidence="low" if evidence.base.decided_by in ("guessed", "unknown") else "high",
        )
        if (finding.saving.bytes or 0) >= int(rule.parameters.get("least_bytes", 1)):
            yield finding
