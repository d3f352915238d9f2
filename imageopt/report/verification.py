"""A verification -> its JSON document `imageopt.verification/1`.

What was not done is an object with a `result` of `not-done` and a reason; it is never left out and never null. All
durations, dates and memory in use are gathered under `timing`, so that the rest is the same for the same two images.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imageopt.build.model import BuildFailed, Built, Given
from imageopt.report.analysis import findings_section, image_section, tool
from imageopt.report.names import readable
from imageopt.report.rewrite import rewrite_section
from imageopt.report.static import loading_section, lost_section, modules_section, production_section
from imageopt.verify.isolated import Isolated, label
from imageopt.verify.model import (
    Change,
    Check,
    Comparison,
    NotDone,
    Response,
    RunRecord,
    ScanRecord,
    Side,
    SizeChange,
    Static,
    Verification,
    Vulnerability,
)

Json = dict[str, Any]
VULNERABILITY_SEVERITIES = ("critical", "high", "medium", "low", "unknown")  # gravest first


def verification_document(verification: Verification, seconds: float) -> Json:
    """The document; `seconds` is how long the whole verification took."""
    rewrite = verification.rewrite
    return {
        "schema": "imageopt.verification/1",
        "tool": tool(),
        "timing": _timing(verification, seconds),
        "reference": readable(verification.reference),
        "before": _side(verification.before),
        "after": _side(verification.after),
        "rewrite": None if rewrite is None else rewrite_section(rewrite),
        "comparison": _comparison(verification.comparison),
        "prediction": _prediction(verification),
        "verdict": verification.verdict,
        "reasons": _texts(verification.reasons),
        "not_checked": _texts(verification.not_checked),
        "hazards": [
            {
                "id": one.id,
                "title": one.title,
                "result": "not-checked" if one.reason else "checked",
                "reason": readable(one.reason),
            }
            for one in verification.hazards
        ],
    }


def _timing(verification: Verification, seconds: float) -> Json:
    sides = {"before": verification.before, "after": verification.after}
    runs = {name: side.run if isinstance(side.run, RunRecord) else None for name, side in sides.items()}
    scans = {name: side.scan if isinstance(side.scan, ScanRecord) else None for name, side in sides.items()}
    return {
        "seconds": round(seconds, 3),
        "build_seconds": {name: _seconds(side.build) for name, side in sides.items()},
        "step_seconds": {name: _steps(side.build) for name, side in sides.items()},
        "rebuild_seconds": {name: _seconds(side.rebuild) for name, side in sides.items()},
        "dependency_rebuild_seconds": {name: _seconds(side.dependency_rebuild) for name, side in sides.items()},
        "ready_seconds": {name: _rounded(run.ready_seconds if run else None) for name, run in runs.items()},
        "stop_seconds": {name: _rounded(run.stop_seconds if run else None) for name, run in runs.items()},
        "memory_bytes": {name: run.memory_bytes if run else None for name, run in runs.items()},
        "scan_database_days": {name: scan.database_days if scan else None for name, scan in scans.items()},
        "scan_database": {name: scan.database if scan else None for name, scan in scans.items()},
    }


def _seconds(build: Built | BuildFailed | Given | NotDone) -> float | None:
    return _rounded(build.seconds) if isinstance(build, Built | BuildFailed) else None


def _steps(build: Built | BuildFailed | Given | NotDone) -> list[Json]:
    done = build.done if isinstance(build, Built) else ()
    return [{"step": readable(step.name), "seconds": step.seconds, "cached": step.cached} for step in done]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _side(side: Side) -> Json:
    evidence = side.evidence
    return {
        "dockerfile": readable(side.dockerfile),
        "build": _build(side.build),
        "rebuild": _build(side.rebuild),
        "dependency_rebuild": _build(side.dependency_rebuild),
        "image": None if evidence is None else image_section(evidence),
        "findings": findings_section(side.findings),
        "run": _run(side.run),
        "scan": scan_section(side.scan),
        "modules": _not_done(side.modules) if isinstance(side.modules, NotDone) else modules_section(side.modules),
    }


def _build(build: Built | BuildFailed | Given | NotDone) -> Json:
    match build:
        case Given():
            return {"result": "given", "image_id": build.image_id}
        case Built():
            return {
                "result": "built",
                "image_id": build.image_id,
                "steps": build.steps,
                "cached_steps": build.cached_steps,
            }
        case BuildFailed():
            return {
                "result": "failed",
                "step": None if build.step is None else readable(build.step),
                "line": build.line,
                "reason": readable(build.reason),
                "explanation": build.explanation,
                "log_tail": _texts(build.log_tail),
            }
        case NotDone():
            return _not_done(build)


def _run(run: RunRecord | NotDone) -> Json:
    if isinstance(run, NotDone):
        return _not_done(run)
    return {
        "result": "started" if run.started else "not-started",
        "reason": readable(run.reason),
        "user": readable(run.user),
        "port": run.port,
        "responses": [_response(response) for response in run.responses],
        "unanswered": _texts(run.unanswered),
        "log_problems": _texts(run.log_problems),
        "log_tail": [] if run.started else _texts(run.log_tail),  # a running program's log has dates in it
        "written_paths": sorted(_texts(run.written_paths)),
        "stop_exit_code": run.stop_exit_code,
        "checks": [_check(check) for check in run.checks],
        "runs": run.runs,
        "hardened": None if run.hardened is None else readable(run.hardened),
    }


def _check(check: Check) -> Json:
    detail = readable(check.detail)
    return {"name": readable(check.name), "passed": check.passed, "detail": detail, "reason": readable(check.reason)}


def _response(response: Response) -> Json:
    return {
        "method": response.method,
        "path": readable(response.path),
        "status": response.status,
        "content_type": readable(response.content_type),
        "body_bytes": response.body_bytes,
        "body_digest": response.body_digest,
        "masked": _texts(response.masked),
        "statuses": list(response.statuses or (response.status,)),
        "headers": {readable(name): readable(value) for name, value in response.headers.items()},
    }


def scan_section(scan: ScanRecord | NotDone) -> Json:
    """`scan` of a side of the document; a gate asks for it alone."""
    if isinstance(scan, NotDone):
        return _not_done(scan)
    return {
        "result": "scanned",
        "scanner": scan.scanner,
        "version": scan.version,
        "has_database": scan.database is not None,
        "system": readable(scan.system),
        "vulnerabilities": _vulnerabilities(scan.vulnerabilities),
        "secrets": _texts(scan.secrets),
        "licenses": _texts(scan.licenses),
        "misconfigurations": _texts(scan.misconfigurations),
        "packages": {readable(name): readable(version) for name, version in sorted(scan.packages.items())},
    }


def _not_done(value: NotDone) -> Json:
    return {"result": "not-done", "reason": readable(value.reason)}


def _comparison(comparison: Comparison) -> Json:
    return {
        **{name: _size(comparison.sizes.get(name)) for name in _SIZES},
        "cached_steps": {"before": comparison.cached_steps[0], "after": comparison.cached_steps[1]},
        "cached_percent": dict(zip(("before", "after"), comparison.cached_percent, strict=True)),
        "severity": comparison.severity,
        "vulnerabilities": {
            "fixed": _vulnerabilities(comparison.fixed),
            "introduced": _vulnerabilities(comparison.introduced),
            "unchanged": _vulnerabilities(comparison.unchanged),
        },
        "secrets": {
            "fixed": _texts(comparison.secrets_fixed),
            "introduced": _texts(comparison.secrets_introduced),
            "found_by_rules": _texts(comparison.static.secrets if isinstance(comparison.static, Static) else ()),
        },
        "licenses": {"removed": _texts(comparison.licenses_removed), "added": _texts(comparison.licenses_added)},
        "misconfigurations": {
            "fixed": _texts(comparison.misconfigurations_fixed),
            "introduced": _texts(comparison.misconfigurations_introduced),
        },
        "packages": {
            "removed": _texts(comparison.packages_removed),
            "added": _texts(comparison.packages_added),
            "changed": _texts(comparison.packages_changed),
            "production": production_section(comparison.static),
        },
        "files": {
            "removed": _by_size(comparison.files_removed),
            "added": _by_size(comparison.files_added),
            "removed_bytes": comparison.removed_bytes,
            "explained_bytes": comparison.explained_bytes,
            "lost": lost_section(comparison.static),
        },
        "loading": loading_section(comparison.static),
        "config": [_change(change) for change in comparison.config],
        "behaviour": [_change(change) for change in comparison.behaviour],
    }


_SIZES = ("download_bytes", "unpacked_bytes", "live_bytes", "own_unpacked_bytes")


def _size(change: SizeChange | None) -> Json:
    if change is None:
        return {"before": None, "after": None, "saved": None, "percent": None}
    percent = None if change.percent is None else round(change.percent, 2)
    return {"before": change.before, "after": change.after, "saved": change.saved, "percent": percent}


def _by_size(files: Mapping[str, int]) -> Json:
    return dict(sorted(files.items(), key=lambda row: (-row[1], row[0])))


def _change(change: Change) -> Json:
    return {
        "what": readable(change.what),
        "before": readable(change.before),
        "after": readable(change.after),
        "expected": change.expected,
        "reason": readable(change.reason),
    }


def _vulnerabilities(found: Sequence[Vulnerability]) -> Json:
    """How many of each severity, and which: gravest first, then by package and advisory."""
    count = Counter(_severity(item) for item in found)
    rank = {severity: index for index, severity in enumerate(VULNERABILITY_SEVERITIES)}
    return {
        "by_severity": {severity: count[severity] for severity in VULNERABILITY_SEVERITIES},
        "advisories": [
            {
                "id": readable(item.id),
                "package": readable(item.package),
                "version": readable(item.version),
                "fixed_version": readable(item.fixed_version),
                "severity": _severity(item),
                "kind": readable(item.kind),
            }
            for item in sorted(found, key=lambda item: (rank[_severity(item)], item.package, item.id, item.version))
        ],
    }


def isolated_section(isolated: Iterable[Isolated]) -> list[Json]:
    """What single transformations saved, each by the two rewrites that differ in just that."""
    return [
        {
            "name": one.name,
            "between": list(one.between),
            "predicted_bytes": one.predicted_bytes,
            "measured_bytes": one.measured_bytes,
        }
        for one in isolated
    ]


def _severity(item: Vulnerability) -> str:
    severity = item.severity.lower()
    return severity if severity in VULNERABILITY_SEVERITIES else "unknown"


def _prediction(verification: Verification) -> Json:
    predicted, measured = verification.predicted_bytes, verification.measured_bytes
    known = predicted is not None and measured is not None and measured != 0
    alone = {one.name: one.measured_bytes for one in verification.isolated}
    rewrite = verification.rewrite
    made = [(done, label(rewrite, done)) for done in rewrite.transformed] if rewrite is not None else []
    return {
        "predicted_bytes": predicted,
        "measured_bytes": measured,
        "error_percent": round(100 * (predicted - measured) / abs(measured), 2)
        if known and predicted is not None and measured is not None
        else None,
        "expected_bytes": rewrite.expected_bytes if rewrite is not None else None,
        "transforms": [
            {
                "name": done.name,
                "predicted_bytes": done.predicted_bytes,
                "measured_bytes": alone.get(called),
            }
            for done, called in made
        ],
        "isolated": isolated_section(verification.isolated),
    }


def _texts(texts: Iterable[str]) -> list[str]:
    return [readable(text) for text in texts]
