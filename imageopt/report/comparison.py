"""Two images, compared -> their JSON document `imageopt.comparison/1`.

What surprises: a row names layers by their index, and each side has indices of its own: `added` means a layer of
`after`, `removed` one of `before`.
"""

from typing import Any

from imageopt.compare.model import (
    CauseChange,
    Compared,
    LayerBytes,
    LayerChange,
    PackageChange,
    PathChange,
    PathCounts,
    SizeChange,
)
from imageopt.evidence.model import Evidence
from imageopt.masking import masked
from imageopt.report.analysis import layers_section, tool
from imageopt.report.names import path_fields, readable
from imageopt.rules.model import Target

Json = dict[str, Any]


def comparison_document(compared: Compared) -> Json:
    """The document; all lists keep the comparison's order, the biggest change first."""
    found = compared.difference
    return {
        "schema": "imageopt.comparison/1",
        "tool": tool(),
        "timing": {"seconds": round(compared.seconds, 3)},
        "before": _side(compared.before, compared.before_evidence),
        "after": _side(compared.after, compared.after_evidence),
        "identical": found.identical,
        "sizes": {name: _size(change) for name, change in found.sizes.items()},
        "file_count": dict(zip(("before", "after"), found.file_counts, strict=True)),
        "causes": [_cause(change) for change in found.causes],
        "packages": [_package(change) for change in found.packages],
        "paths": {
            "total": _counts(found.paths.total),
            "contents": [_path(row) for row in found.paths.contents],
            "metadata": [_path(row) for row in found.paths.metadata],
        },
        "layers": {
            "shared": found.layers.shared,
            "changes": [_layer(change) for change in found.layers.changes],
            "new_unpacked_bytes": found.layers.new_unpacked_bytes,
            "pull_bytes": found.layers.pull_bytes,
            "pull_by_digest_bytes": found.layers.pull_by_digest_bytes,
        },
        "config": [
            {"what": readable(change.what), "before": _value(change.before), "after": _value(change.after)}
            for change in found.config
        ],
        "limit": compared.limit,
        "notes": [readable(note) for note in compared.notes],
    }


def _side(target: Target, evidence: Evidence) -> Json:
    return {
        "reference": readable(target.reference),
        "source": target.source,
        "digest": target.digest,
        "platform": target.platform,
        "layers": layers_section(evidence),
    }


def _size(change: SizeChange) -> Json:
    delta = None if change.saved is None else -change.saved
    percent = None if change.percent is None else 0.0 - change.percent
    return {"before": change.before, "after": change.after, "delta": delta, "percent": percent}


def _cause(change: CauseChange) -> Json:
    return {
        "category": change.category,
        "change": _came_or_went(change.before, change.after),
        "before": change.before,
        "after": change.after,
        "delta": change.after - change.before,
        "rules": list(change.rules),
        "added": [_bytes(layer) for layer in change.added],
        "removed": [_bytes(layer) for layer in change.removed],
    }


def _came_or_went(before: int, after: int) -> str:
    if before == after:
        return "replaced"
    if not before or not after:
        return "gone" if before else "new"
    return "grown" if after > before else "shrunk"


def _bytes(layer: LayerBytes) -> Json:
    return {"layer": layer.layer, "bytes": layer.bytes}


def _package(change: PackageChange) -> Json:
    kind = "added" if not change.before else "removed" if not change.after else "changed"
    return {
        "manager": change.manager,
        "name": readable(change.name),
        "change": "resized" if change.before == change.after else kind,
        "before": [readable(version) for version in change.before],
        "after": [readable(version) for version in change.after],
        "before_bytes": change.before_bytes,
        "after_bytes": change.after_bytes,
        "delta": change.after_bytes - change.before_bytes,
    }


def _counts(counts: PathCounts) -> Json:
    return {**counts._asdict(), "delta_bytes": counts.delta_bytes}


def _path(row: PathChange) -> Json:
    return {
        **path_fields(f"/{row.path}"),
        "folder": row.folder,
        "rest": row.rest,
        "whole": row.whole,
        "counts": _counts(row.counts),
        "detail": row.detail,
    }


def _layer(change: LayerChange) -> Json:
    return {"change": change.fate, "before": change.before, "after": change.after}


def _value(text: str | None) -> str | None:
    return None if text is None else masked(readable(text))
