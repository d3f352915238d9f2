"""An analysis -> its JSON document `imageopt.analysis/1`.

What surprises: without an image `image` is null, and where it is not known which layers are the base image's, the
numbers that need it (`base`, `own_unpacked_bytes`, `waste_author_bytes`) are null and not 0.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import to_builtins

from imageopt.evidence.model import Evidence, Origin
from imageopt.image.model import WASTE_KINDS, Image, Layer
from imageopt.masking import masked
from imageopt.report.contents import (
    folders_section,
    inventory_section,
    native_section,
    packages_section,
    setuid_section,
)
from imageopt.report.findings import dated, suppressed_section
from imageopt.report.findings import findings_section as findings_section
from imageopt.report.findings import tool as tool
from imageopt.report.names import readable
from imageopt.rules.model import Analysis, Target

Json = dict[str, Any]


def analysis_document(analysis: Analysis) -> Json:
    """The document; findings keep the analysis' order, biggest saving first."""
    summary = analysis.summary
    return {
        "schema": "imageopt.analysis/1",
        "tool": tool(),
        "timing": {"seconds": round(analysis.seconds, 3), **dated(analysis.day)},
        "target": to_builtins(analysis.target),
        "image": image_section(analysis.evidence),
        "findings": findings_section(analysis.findings),
        "summary": {
            "findings": summary.findings,
            "saving_bytes": summary.saving_bytes,
            "estimated_saving_bytes": summary.estimated_saving_bytes,
            "suppressed": summary.suppressed,
        },
        "suppressed": suppressed_section(analysis.suppressed),
        "notes": [readable(note) for note in analysis.notes],
    }


def measured_document(target: Target, evidence: Evidence) -> Json:
    """As much of the document as a gate judges: what was measured of the image, and no opinion."""
    measured = None if evidence.image is None else _measured(evidence.image, evidence)
    return {"schema": "imageopt.analysis/1", "target": to_builtins(target), "image": measured, "findings": []}


def image_section(evidence: Evidence) -> Json | None:
    """`image` of the document: sizes, waste, layers (base first) and composition (biggest first)."""
    image = evidence.image
    if image is None:
        return None
    return {
        **_measured(image, evidence),
        "composition": [
            {"category": row.category, "cause": row.cause, "bytes": row.bytes, "layers": list(row.layers)}
            for row in sorted(evidence.composition, key=lambda row: (-row.bytes, row.category, row.cause or ""))
        ],
        "packages": packages_section(image.packages),
        "folders": folders_section(evidence.folders),
        "inventory": inventory_section(evidence.inventory),
        "setuid": setuid_section(evidence.inventory),
        "native": native_section(evidence.native, image.elf),
        "problems": [readable(problem) for problem in image.problems],
    }


def _measured(image: Image, evidence: Evidence) -> Json:
    base = evidence.base.layers
    return {
        "sizes": {
            "download_bytes": image.sizes.download_bytes,
            "unpacked_bytes": image.sizes.unpacked_bytes,
            "logical_bytes": image.sizes.logical_bytes,
            "live_bytes": image.sizes.live_bytes,
            "wasted_bytes": image.sizes.wasted_bytes,
            "overhead_bytes": image.sizes.overhead_bytes,
        },
        "own_unpacked_bytes": None if base is None else sum(layer.unpacked_bytes for layer in image.layers[base:]),
        "waste": {kind: image.waste.get(kind, 0) for kind in WASTE_KINDS},
        "waste_author_bytes": _author_waste(image, base),
        "duplicate_content_bytes": image.duplicate_content_bytes,
        "digest_verified": image.digest_verified,
        "file_count": image.file_count,
        "base": {"layers": base, "decided_by": evidence.base.decided_by, "reference": evidence.base.reference},
        "layers": layers_section(evidence),
        "dive": {
            "efficiency": image.dive.efficiency,
            "wasted_bytes": image.dive.wasted_bytes,
            "user_wasted_percent": image.dive.user_wasted_percent,
        },
    }


def layers_section(evidence: Evidence) -> list[Json]:
    """The layers of the evidence's image, base first, each with the instruction that made it."""
    assert evidence.image is not None
    return [
        _layer(layer, _origin(evidence.origins, layer.index), evidence.base.layers, evidence.dockerfile_path)
        for layer in evidence.image.layers
    ]


def _author_waste(image: Image, base: int | None) -> int | None:
    """Waste is billed to its layer of death; what died within the base image is the base's; none is nobody's."""
    if base is None:
        return None if any(layer.hid_bytes for layer in image.layers) else 0
    return sum(layer.hid_bytes for layer in image.layers[base:])


def _layer(layer: Layer, origin: Origin | None, base: int | None, file: str) -> Json:
    instruction = origin.instruction if origin else None
    return {
        "index": layer.index,
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "created_by": None if layer.created_by is None else masked(readable(layer.created_by)),
        "base": None if base is None else layer.index < base,
        "download_bytes": layer.download_bytes,
        "unpacked_bytes": layer.unpacked_bytes,
        "logical_bytes": layer.logical_bytes,
        "live_bytes": layer.live_bytes,
        "wasted_bytes": layer.wasted_bytes,
        "overhead_bytes": layer.overhead_bytes,
        "file_count": layer.file_count,
        "instruction": None
        if instruction is None
        else {
            "file": readable(file),
            "line": instruction.line,
            "end_line": instruction.end_line,
            "text": masked(readable(f"{instruction.keyword} {instruction.arguments}".strip())),
        },
    }


def _origin(origins: Sequence[Origin | None], index: int) -> Origin | None:
    return origins[index] if index < len(origins) else None
