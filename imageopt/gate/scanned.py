"""What a scanner found, held against the limits on it -> checks.

What surprises: a scan without a vulnerability database is no clean scan, so the number of vulnerabilities is unknown
then, while secrets and licences are known.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from imageopt.gate.model import Budget, GateCheck
from imageopt.gate.pardon import Pardons

Json = Mapping[str, Any]
_NO_SCAN = "an analysis holds no scan; give the gate an image in the engine, or the JSON of imageopt verify"


def scan_checks(budget: Budget, scan: Json | None, pardons: Pardons) -> Iterator[GateCheck]:
    """Vulnerabilities by severity, secrets, misconfigurations, licences: one check for each limit that is set."""
    missing = _NO_SCAN if scan is None else f"no scan was made: {scan['reason']}" if "reason" in scan else ""
    for severity, limit in budget.vulnerabilities.items():
        name = f"vulnerabilities.{severity.lower()}"
        if missing or scan is None or not scan["has_database"]:
            yield GateCheck(name, limit, None, "unknown", missing or "the scan had no vulnerability database")
            continue
        found = [item for item in scan["vulnerabilities"]["advisories"] if item["severity"] == severity.lower()]
        kept = [item for item in found if not pardons.spares(name, item["id"])]
        yield _counted(name, limit, [_advisory(item) for item in kept], len(found) - len(kept))
    for name, most in (("secrets", budget.secrets), ("misconfigurations", budget.misconfigurations)):
        if most is not None:
            yield _things(name, most, None if missing or scan is None else scan[name], missing, pardons)
    if budget.denied_licenses:
        denied = None if missing or scan is None else [one for one in scan["licenses"] if _is_denied(one, budget)]
        yield _things("licenses", 0, denied, missing, pardons)


def _things(name: str, limit: int, found: list[str] | None, missing: str, pardons: Pardons) -> GateCheck:
    """`found` are texts that begin with the id of what they tell, or are it."""
    if found is None:
        return GateCheck(name, limit, None, "unknown", missing)
    kept = [text for text in found if not pardons.spares(name, text, text.partition(" ")[0])]
    return _counted(name, limit, kept, len(found) - len(kept))


def _counted(name: str, limit: int, items: list[str], spared: int) -> GateCheck:
    reason = f"{spared} more waived" if spared else ""
    return GateCheck(name, limit, len(items), "pass" if len(items) <= limit else "fail", reason, tuple(items))


def _advisory(item: Json) -> str:
    mended = f", mended in {item['fixed_version']}" if item["fixed_version"] else ", not mended yet"
    return f"{item['id']} in {item['package']} {item['version']}{mended}"


def _is_denied(license_: str, budget: Budget) -> bool:
    return any(fnmatchcase(license_.lower(), pattern.lower()) for pattern in budget.denied_licenses)
