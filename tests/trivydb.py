"""Writes an offline vulnerability database for Trivy: `python tests/trivydb.py DIR`, then `trivy --cache-dir DIR`.

The advisories are the facts in tests/verify/data/advisories.toml; the file format is bolt's.
"""

import argparse
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bed import bolt

ADVISORIES = Path(__file__).parent / "verify" / "data" / "advisories.toml"
_NPM = "npm::Node.js Ecosystem Security Working Group"
_SYSTEMS = {"debian-12": "debian 12", "alpine-3_20": "alpine 3.20", "alpine-3_23": "alpine 3.23"}
_SOURCES = {
    _NPM: {"ID": "nodejs-security-wg", "Name": "Node.js Ecosystem Security Working Group", "URL": "https://nodejs.org"},
    "debian 12": {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://security-tracker.debian.org"},
    "alpine 3.20": {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"},
    "alpine 3.23": {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"},
}
_SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")
_AFFECTED = 2  # trivy-db's number of the status "affected": there is no fix yet
_METADATA = {
    "Version": 2,
    "NextUpdate": "2099-01-01T00:00:00Z",
    "UpdatedAt": "2026-01-01T00:00:00Z",
    "DownloadedAt": "2026-01-01T00:00:00Z",
}


def write_database(cache: Path) -> None:
    """Writes `db/trivy.db` and `db/metadata.json` below the folder, which is made."""
    advisories = tomllib.loads(ADVISORIES.read_text())
    every = [advisory for rows in advisories.values() for advisory in rows]
    tree: dict[str, Any] = {
        _NPM: _bucket(advisories["npm"], _library_value),
        **{bucket: _bucket(advisories[key], _system_value) for key, bucket in _SYSTEMS.items()},
        "vulnerability": {row["id"]: _json({"Title": row["title"], "Severity": row["severity"]}) for row in every},
        "data-source": {name: _json(source) for name, source in _SOURCES.items()},
    }
    folder = cache / "db"
    folder.mkdir(parents=True, exist_ok=True)
    bolt.write(folder / "trivy.db", tree)
    (folder / "metadata.json").write_text(json.dumps(_METADATA))


def _bucket(rows: Iterable[Mapping[str, Any]], value: Any) -> dict[str, dict[str, bytes]]:
    bucket: dict[str, dict[str, bytes]] = {}
    for row in rows:
        bucket.setdefault(row["package"], {})[row["id"]] = _json(value(row))
    return bucket


def _library_value(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"VulnerableVersions": row["vulnerable"], "PatchedVersions": row["patched"]}


def _system_value(row: Mapping[str, Any]) -> dict[str, Any]:
    if "fixed" in row:
        return {"FixedVersion": row["fixed"]}
    return {"Severity": _SEVERITIES.index(row["severity"]), "Status": _AFFECTED}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="write an offline vulnerability database for Trivy, for tests")
    parser.add_argument("cache", type=Path, help="the folder to give to `trivy --cache-dir`")
    write_database(parser.parse_args().cache)
