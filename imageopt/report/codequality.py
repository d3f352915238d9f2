"""A document's findings -> GitLab's Code Quality report.

What surprises: GitLab stops reading at the first entry that is not as it wants it, without a word, and of two entries
with one fingerprint it keeps the last; so every field it asks for is there, and no fingerprint twice.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from imageopt.report.names import harmless
from imageopt.report.place import place_of

Json = Mapping[str, Any]
_SEVERITIES = {"error": "critical", "warning": "major", "info": "minor", "style": "info"}


def code_quality(document: Json) -> str:
    """The report: a JSON array, an entry for each finding in the document's order."""
    seen: dict[str, int] = {}
    entries = [_entry(document, finding, seen) for finding in document["findings"]]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(document: Json, finding: Json, seen: dict[str, int]) -> dict[str, Any]:
    place = place_of(document, finding)
    return {
        "description": f"{harmless(finding['message']).rstrip('.')} ({finding['code']})",
        "check_name": finding["rule"],
        "fingerprint": fingerprint(document, finding, seen),
        "severity": _SEVERITIES[finding["severity"]],
        "location": {"path": place.file, "lines": {"begin": place.line, "end": place.end_line}},
    }


def fingerprint(document: Json, finding: Json, seen: dict[str, int]) -> str:
    """The finding's own, or one made from its rule and file where an older document has none; never one twice."""
    key = finding.get("fingerprint") or f"{finding['rule']}|{place_of(document, finding).file}"
    seen[key] = seen.get(key, 0) + 1
    if seen[key] == 1 and finding.get("fingerprint"):
        return str(key)
    return hashlib.sha256(f"{key}|{seen[key]}".encode()).hexdigest()
