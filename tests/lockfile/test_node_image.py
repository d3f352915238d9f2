"""Whose npm makes the lock file: the one that the project's own build installs with."""

from pathlib import Path

import pytest

from imageopt.dockerfile.parser import parse
from imageopt.lockfile.node_image import image_for
from imageopt.project.read import read_project


@pytest.mark.parametrize(
    ("dockerfile", "image"),
    [
        ("FROM node:20\n", "node:20"),
        ("FROM node:20.11.1-slim AS a\nFROM a\n", "node:20.11.1-slim"),
        ("ARG V=22\nFROM node:$V-alpine\n", "node:22-alpine"),
        ("FROM nginx:1.25 AS web\nFROM registry:5050/library/node:18\n", "registry:5050/library/node:18"),
        ("FROM node:20@sha256:" + "a" * 64 + "\n", "node:20@sha256:" + "a" * 64),
        ("FROM evil/node:20\n", None),
        ("ARG V\nFROM node:$V\n", None),
    ],
)
def test_it_is_the_dockerfile_s(tmp_path: Path, dockerfile: str, image: str | None) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert image_for(read_project(tmp_path), parse(dockerfile.encode())) == image


@pytest.mark.parametrize(
    ("version", "image"),
    [
        ("20", "node:20-slim"),
        ("v20.11.1", "node:20.11.1-slim"),
        (">=18.0.0", "node:18-slim"),
        ("^20.1", "node:20-slim"),
        (">= 18 < 23", "node:18-slim"),
        ("20.x", "node:20-slim"),
        ("18 || 20", "node:18-slim"),
        ("lts/*", "node:lts-slim"),
        ("lts/iron", "node:iron-slim"),
        ("node", "node:current-slim"),
        ("*", "node:lts-slim"),
        ("<20", None),
        ("20; rm -rf /", None),
        ("-slim --privileged", None),
    ],
)
def test_without_one_the_lowest_version_that_is_asked_for(tmp_path: Path, version: str, image: str | None) -> None:
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / ".nvmrc").write_text(version + "\n")
    assert image_for(read_project(tmp_path), None) == image


def test_nothing_says_it(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert image_for(read_project(tmp_path), None) is None
