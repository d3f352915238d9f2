"""Versions that cannot all be true: each place is named with its line, and the finding stands at the first."""

from datetime import date
from pathlib import Path

from imageopt.evidence.join import join
from imageopt.project.read import read_project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules


def said(root: Path, files: dict[str, str], rule: str) -> list[tuple[str, str, int]]:
    """Message, file and line of the rule's findings about a project of these files."""
    for name, text in files.items():
        (root / name).write_text(text)
    evidence = join(None, None, read_project(root))
    found = check(evidence, load_rules(), now=date(2026, 1, 1))
    return [
        (each.message, each.location.file, each.location.line) for each in found if each.rule == rule and each.location
    ]


def test_every_place_is_named_with_its_line(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "# shipped\nFROM php:8.2-apache\n",
        "composer.json": '{\n  "require": {\n    "php": "^8.1"\n  },\n  "config": {"platform": {\n    "php": "8.1.27"}}\n}\n',
        ".php-version": "8.2\n",
        ".gitlab-ci.yml": "test:\n  image: php:8.3-cli\n",
    }
    assert said(tmp_path, files, "php-version-conflict") == [
        (
            (
                "The PHP versions differ: Dockerfile:2 says 8.2-apache, composer.json:6 config.platform.php says 8.1.27,"
                " .php-version:1 says 8.2, .gitlab-ci.yml:2 says 8.3-cli."
            ),
            "Dockerfile",
            2,
        )
    ]


def test_node_is_said_in_the_manifest_and_in_a_file(tmp_path: Path) -> None:
    files = {"package.json": '{\n  "engines": {"node": ">=18 <19"}\n}\n', ".nvmrc": "# ours\n20\n"}
    assert said(tmp_path, files, "node-version-conflict") == [
        ("The Node versions differ: package.json:2 engines.node says >=18 <19, .nvmrc:2 says 20.", "package.json", 2)
    ]


def test_each_contradiction_about_the_package_manager_is_a_finding(tmp_path: Path) -> None:
    files = {"package.json": '{\n  "packageManager": "pnpm@9"\n}\n', "yarn.lock": "# yarn lockfile v1\n"}
    assert said(tmp_path, files, "package-manager-conflict") == [
        (
            "package.json:1: packageManager is 'pnpm@9', which corepack refuses: it takes an exact version.",
            "package.json",
            1,
        ),
        ("yarn.lock:1: pnpm manages the packages, and the only lock file is yarn.lock.", "yarn.lock", 1),
    ]


def test_a_folder_without_any_of_it_says_nothing(tmp_path: Path) -> None:
    for rule in ("node-version-conflict", "php-version-conflict", "package-manager-conflict"):
        assert said(tmp_path, {"Dockerfile": "FROM scratch\n"}, rule) == []


def test_the_version_that_is_copied_from_an_image_counts(tmp_path: Path) -> None:
    copies = (
        "COPY --from=node:20 /usr/local/bin/node /usr/local/bin/\nCOPY --from=node:20 /usr/local/lib /usr/local/lib\n"
    )
    files = {"Dockerfile": f"FROM php:8.2\n{copies}", "package.json": "{}", ".nvmrc": "18\n"}
    assert said(tmp_path, files, "node-version-conflict") == [
        ("The Node versions differ: Dockerfile:2 says 20, .nvmrc:1 says 18.", "Dockerfile", 2)
    ]
