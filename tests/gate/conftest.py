"""A result as the gate sees it: an image of 120 MB on a base of 80 MB, built, scanned, with two findings."""

import copy
from typing import Any

import pytest

MB = 10**6


def layer(index: int, unpacked: int, line: int, text: str, *, base: bool = False) -> dict[str, Any]:
    return {
        "index": index,
        "base": base,
        "created_by": text,
        "unpacked_bytes": unpacked,
        "overhead_bytes": 1024 if unpacked == 0 else 4096,
        "instruction": {"file": "Dockerfile", "line": line, "end_line": line, "text": text},
    }


def finding(rule: str, line: int | None, size: int | None, fix: str) -> dict[str, Any]:
    return {
        "rule": rule,
        "title": f"About {rule}",
        "saving": {"bytes": size, "basis": "exact" if size else "unknown"},
        "location": None if line is None else {"file": "Dockerfile", "line": line},
        "fix": {"text": fix},
    }


def advisory(number: int, severity: str, fixed: str = "") -> dict[str, Any]:
    return {
        "id": f"CVE-2026-{number}",
        "package": f"lib{number}",
        "version": "1.0",
        "fixed_version": fixed,
        "severity": severity,
    }


RESULT: dict[str, Any] = {
    "schema": "imageopt.verification/1",
    "reference": "shop",
    "timing": {"build_seconds": {"before": 90.0, "after": 60.0}, "rebuild_seconds": {"before": 60.0, "after": 5.0}},
    "after": {
        "image": {
            "sizes": {
                "download_bytes": 45 * MB,
                "unpacked_bytes": 120 * MB,
                "live_bytes": 110 * MB,
                "wasted_bytes": 10 * MB,
                "overhead_bytes": 1 * MB,
            },
            "own_unpacked_bytes": 40 * MB,
            "waste_author_bytes": 2 * MB,
            "base": {"layers": 1, "decided_by": "history", "reference": "node:22-slim"},
            "layers": [
                layer(0, 80 * MB, 1, "FROM node:22-slim", base=True),
                layer(1, 0, 2, "WORKDIR /app"),
                layer(2, 10 * MB, 3, "COPY . ."),
                layer(3, 30 * MB, 4, "RUN npm install"),
            ],
        },
        "findings": [
            finding("runs-as-root", 1, None, "add USER node"),
            finding("npm-yarn-pnpm-cache-left", 4, 12 * MB, "mount a cache"),
            finding("copied-up-by-chown-chmod", 3, 2 * MB, "COPY --chown"),
        ],
        "scan": {
            "result": "scanned",
            "has_database": True,
            "vulnerabilities": {"advisories": [advisory(1, "high", "1.2"), advisory(2, "high"), advisory(3, "low")]},
            "secrets": ["npm-token /app/.npmrc"],
            "misconfigurations": ["DS002 Dockerfile: root user", "DS026 Dockerfile: no HEALTHCHECK"],
            "licenses": ["AGPL-3.0-only", "GPL-2.0-only", "MIT"],
        },
    },
}


@pytest.fixture
def result() -> dict[str, Any]:
    return copy.deepcopy(RESULT)
