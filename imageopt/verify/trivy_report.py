"""Trivy's JSON report -> a scan record. Of a secret only its rule and its path are read, never its text.

One package found at ten paths is one entry: what is compared is which advisory, package and version an image holds.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from imageopt.build.log import plain_line
from imageopt.errors import ToolFailed
from imageopt.verify.model import ScanRecord, Vulnerability

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")  # gravest first
_IMAGE_TARGET = re.compile(r"^\S+ \([^()]*\)$")  # `name:tag (debian 12.8)`: the image itself, whatever its name


def read_report(text: str, *, version: str, database: str | None, days: int | None = None) -> ScanRecord:
    """The record, sorted throughout; `days` is the database's age. Raises ToolFailed where the text is no report."""
    try:
        report = json.loads(text)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "SchemaVersion" not in report:
        raise ToolFailed("Trivy's report could not be read", "run `trivy image` by hand to see what it says")
    name = str(report.get("ArtifactName") or "")
    results = [result for result in _objects(report.get("Results")) if isinstance(result, Mapping)]
    found = {vulnerability for result in results for vulnerability in _vulnerabilities(result)}
    return ScanRecord(
        scanner="Trivy",
        version=version,
        database=database,
        vulnerabilities=tuple(sorted(found, key=by_severity)),
        secrets=_sorted(secret for result in results for secret in _secrets(result, name)),
        licenses=_sorted(
            _text(license_, "Name") for result in results for license_ in _objects(result.get("Licenses"))
        ),
        misconfigurations=_sorted(line for result in results for line in _misconfigurations(result, name)),
        packages=_packages(results),
        system=_system(report),
        database_days=days,
    )


def _system(report: Mapping[str, Any]) -> str:
    metadata = report.get("Metadata")
    found = metadata.get("OS") if isinstance(metadata, Mapping) else None
    return f"{_text(found, 'Family')} {_text(found, 'Name')}".strip() if isinstance(found, Mapping) else ""


def by_severity(vulnerability: Vulnerability) -> tuple[int, str, str, str, str]:
    """Sorts the gravest first, then by id and package."""
    severity = vulnerability.severity
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return (rank, vulnerability.id, vulnerability.package, vulnerability.version, vulnerability.kind)


def _vulnerabilities(result: Mapping[str, Any]) -> Iterator[Vulnerability]:
    for found in _objects(result.get("Vulnerabilities")):
        yield Vulnerability(
            id=_text(found, "VulnerabilityID"),
            package=_text(found, "PkgName"),
            version=_text(found, "InstalledVersion"),
            fixed_version=_text(found, "FixedVersion"),
            severity=_text(found, "Severity") or "UNKNOWN",
            kind=_kind(result),
            aliases=tuple(sorted({plain_line(str(name)) for name in found.get("VendorIDs") or ()})),
        )


def _secrets(result: Mapping[str, Any], name: str) -> Iterator[str]:
    for found in _objects(result.get("Secrets")):
        yield f"{_text(found, 'RuleID')} {_place(result, name)}"


def _misconfigurations(result: Mapping[str, Any], name: str) -> Iterator[str]:
    for found in _objects(result.get("Misconfigurations")):
        if found.get("Status", "FAIL") == "FAIL":
            yield f"{_text(found, 'ID')} {_place(result, name)}: {_text(found, 'Title')}"


def _packages(results: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    versions: dict[str, set[str]] = {}
    for result in results:
        for package in _objects(result.get("Packages")):
            version, release = _text(package, "Version"), _text(package, "Release")
            full = f"{version}-{release}" if release else version
            versions.setdefault(f"{_kind(result)}/{_text(package, 'Name')}", set()).add(full)
    return {key: ", ".join(sorted(versions[key])) for key in sorted(versions)}


def _kind(result: Mapping[str, Any]) -> str:
    return "os" if result.get("Class") == "os-pkgs" else _text(result, "Type") or "unknown"


def _place(result: Mapping[str, Any], name: str) -> str:
    """A path in the image, or `image` for what is in its configuration, so that two images' places are alike."""
    target = _text(result, "Target")
    return "image" if not target or target == name or _IMAGE_TARGET.match(target) else target


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: Mapping[str, Any], key: str) -> str:
    return plain_line(str(value.get(key) or ""))


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
