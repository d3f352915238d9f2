"""What is read from Trivy's report, and what is never kept."""

import json
from typing import Any

import pytest

from imageopt.errors import ToolFailed
from imageopt.verify.model import ScanRecord, Vulnerability
from imageopt.verify.trivy_report import read_report


def read(*results: Any, name: str = "app:1") -> ScanRecord:
    report = {"SchemaVersion": 2, "ArtifactName": name, "Results": list(results)}
    return read_report(json.dumps(report), version="1", database=None)


def found(identifier: str, severity: str, package: str = "lodash") -> dict[str, str]:
    return {
        "VulnerabilityID": identifier,
        "PkgName": package,
        "InstalledVersion": "1",
        "FixedVersion": "2",
        "Severity": severity,
    }


def test_vulnerabilities_are_unique_and_the_gravest_comes_first() -> None:
    system = {"Target": "app:1 (debian 12.8)", "Class": "os-pkgs", "Type": "debian"}
    record = read(
        {**system, "Vulnerabilities": [found("CVE-3", "LOW", "zlib"), found("CVE-2", "CRITICAL", "zlib")]},
        {"Class": "lang-pkgs", "Type": "node-pkg", "Vulnerabilities": [found("CVE-1", "HIGH"), found("CVE-1", "HIGH")]},
    )
    assert record.vulnerabilities == (
        Vulnerability("CVE-2", "zlib", "1", "2", "CRITICAL", "os"),
        Vulnerability("CVE-1", "lodash", "1", "2", "HIGH", "node-pkg"),
        Vulnerability("CVE-3", "zlib", "1", "2", "LOW", "os"),
    )


def test_of_a_secret_only_the_rule_and_the_place_are_kept() -> None:
    secret = {"RuleID": "aws-access-key-id", "Match": "KEY=AKIA****", "Code": {"Lines": [{"Content": "AKIAREAL"}]}}
    record = read(
        {"Target": "/app/.env", "Class": "secret", "Secrets": [secret, secret]},
        {"Target": "app:1 (alpine 3.20.1)", "Class": "secret", "Secrets": [secret]},
    )
    assert record.secrets == ("aws-access-key-id /app/.env", "aws-access-key-id image")
    assert "AKIA" not in repr(record)


def test_only_failed_checks_count_and_the_image_has_no_name() -> None:
    checks = [{"ID": "DS-1", "Title": "root", "Status": "FAIL"}, {"ID": "DS-2", "Title": "fine", "Status": "PASS"}]
    record = read({"Target": "app:1", "Misconfigurations": checks}, {"Target": "x.yml", "Misconfigurations": checks})
    assert record.misconfigurations == ("DS-1 image: root", "DS-1 x.yml: root")


def test_packages_hold_all_their_versions_and_a_release() -> None:
    record = read(
        {
            "Class": "lang-pkgs",
            "Type": "node-pkg",
            "Packages": [{"Name": "a", "Version": "2.0.0"}, {"Name": "a", "Version": "1.0.0"}],
        },
        {"Class": "os-pkgs", "Type": "debian", "Packages": [{"Name": "git", "Version": "2.39", "Release": "1"}]},
    )
    assert dict(record.packages) == {"node-pkg/a": "1.0.0, 2.0.0", "os/git": "2.39-1"}


def test_licenses_are_named_once() -> None:
    assert read({"Licenses": [{"Name": "MIT"}, {"Name": "GPL-3.0-only"}, {"Name": "MIT"}]}).licenses == (
        "GPL-3.0-only",
        "MIT",
    )


def test_control_characters_of_an_image_do_not_come_through() -> None:
    assert read({"Target": "a\x1b[31mb", "Secrets": [{"RuleID": "r"}]}).secrets == ("r ab",)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", "null", '{"Results": []}'])
def test_what_is_no_report_is_an_error(text: str) -> None:
    with pytest.raises(ToolFailed, match="could not be read"):
        read_report(text, version="1", database=None)


@pytest.mark.parametrize("results", [None, "x", [None, 1], [{"Vulnerabilities": "x", "Secrets": [1]}]])
def test_odd_results_are_no_findings(results: Any) -> None:
    record = read_report(json.dumps({"SchemaVersion": 2, "Results": results}), version="1", database=None)
    assert record.vulnerabilities == ()
    assert record.secrets == ()
