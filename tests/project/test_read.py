"""The whole project read, and what happens with folders that are no tidy Node projects."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from project.conftest import Write

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.errors import InputError
from imageopt.project import context
from imageopt.project.model import Fact
from imageopt.project.read import read_project


def test_node_versions_keep_every_statement(project: Write) -> None:
    root = project(
        {
            "Dockerfile": "FROM docker.io/library/node:20-bookworm AS a\nFROM a\nFROM nginx:1\n",
            "package.json": json.dumps({"engines": {"node": ">=18"}, "volta": {"node": "20.11.0"}}),
            ".nvmrc": "# comment\nv20.1.0\n",
            ".node-version": "\n",
            ".tool-versions": "python 3.11\nnodejs 20.2.0\n",
            ".gitlab-ci.yml": "default:\n  image: registry.example.com/library/node:22-alpine\n",
            ".github/workflows/ci.yml": "    - uses: actions/setup-node@v4\n      with:\n        node-version: '21'\n",
        }
    )
    assert read_project(root).node_versions == (
        Fact("20-bookworm", "Dockerfile:1"),
        Fact(">=18", "package.json:1 engines.node"),
        Fact("20.11.0", "package.json:1 volta.node"),
        Fact("20.1.0", ".nvmrc:2"),
        Fact("20.2.0", ".tool-versions:2"),
        Fact("22-alpine", ".gitlab-ci.yml:2"),
        Fact("21", ".github/workflows/ci.yml:3"),
    )


def test_the_context_is_what_the_ignore_file_leaves(project: Write) -> None:
    root = project({"a/1": "xx", "a/2": "x", "b": "12345", "c/d": "1", ".dockerignore": "b\n.dockerignore\n!c/d\nc\n"})
    (root / "link").symlink_to("b")
    assert dict(read_project(root).context_bytes) == {"a": 3, "link": 0}


def test_a_folder_that_is_left_out_is_not_walked(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a hundred thousand files; one of which a line brings something back is walked all the same."""
    ignored = "out\nsome\n!some/b\n.docker*\n"
    root = project({"out/deep/a": "x", "in/a": "x", "some/b/c": "x", "some/d/e": "x", ".dockerignore": ignored})
    walked: list[str] = []
    scandir = os.scandir

    def recorded(folder: str) -> Any:
        walked.append(Path(folder).relative_to(root).as_posix())
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", recorded)
    assert dict(context.context_bytes(root, parse_ignore(ignored))[0]) == {"in": 1, "some": 1}
    assert walked == [".", "in", "some", "some/b"]


def test_the_dockerfiles_own_ignore_file_comes_first(project: Write) -> None:
    root = project({"a": "x", "b": "x", "prod.Dockerfile.dockerignore": "*\n!b\n", ".dockerignore": "b\n"})
    found = read_project(root, dockerfile="prod.Dockerfile")
    assert found.dockerignore == "*\n!b\n"
    assert dict(found.context_bytes) == {"b": 1}


def test_counting_the_context_is_bounded(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_ENTRIES_LIMIT", 1)
    found = read_project(project({"a": "x", "b": "x"}))
    assert found.problems == ("the folder holds more than 1 files; the rest was not counted",)


def test_a_folder_without_anything_is_read(tmp_path: Path) -> None:
    found = read_project(tmp_path)
    assert (found.manifest, found.package_manager, found.lock, found.start, found.problems) == (
        None,
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize("text", ["[]", "{", "\x00", '{"a": ' * 50_000, "{\n<<<<<<< HEAD"])
def test_a_damaged_manifest_is_a_problem_and_no_crash(project: Write, text: str) -> None:
    found = read_project(project({"package.json": text, "Dockerfile": "RUN <<EOF"}))
    assert found.manifest is None
    (problem,) = found.problems
    assert problem.startswith("package.json:2: " if "\n" in text else "package.json:1: ")


def test_wrong_types_in_the_manifest_are_as_if_not_there(project: Write) -> None:
    odd = {
        "name": 1, "scripts": [], "dependencies": {"a": 1, "b": "1"}, "engines": "x", "workspaces": {"packages": ["p/*", 2]},
    }  # fmt: skip
    manifest = read_project(project({"package.json": json.dumps(odd)})).manifest
    assert manifest is not None
    assert (manifest.name, manifest.scripts, manifest.dependencies, manifest.engines_node) == ("", {}, {"b": "1"}, None)
    assert manifest.workspaces == ("p/*",)


def test_several_lock_files_and_unreadable_ones_are_problems(project: Write) -> None:
    found = read_project(
        project({"package.json": "{}", "package-lock.json": "x", "yarn.lock": "", "Dockerfile": "FROM a\nRUN npm ci"})
    )
    assert found.problems == (
        "there are lock files of several package managers: package-lock.json, yarn.lock",
        "package-lock.json:1: it is not JSON: expecting value",
    )


def test_framework_and_lifecycle_scripts(project: Write) -> None:
    found = read_project(
        project(
            {
                "package.json": json.dumps(
                    {
                        "dependencies": {"express": "4", "next": "14"},
                        "scripts": {"prepare": "husky", "postinstall": "x", "test": "y"},
                    }
                )
            }
        )
    )
    assert found.framework == "next"
    assert found.lifecycle_scripts == ("postinstall: x", "prepare: husky")


def test_a_dockerfile_that_leads_out_is_not_read(project: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("x") / "Dockerfile"
    outside.write_text("FROM node:20\n")
    root = project({"package.json": "{}"})
    (root / "Dockerfile").symlink_to(outside)
    assert read_project(root).node_versions == ()


def test_what_is_no_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_project(tmp_path / "absent")


def test_a_manifest_that_cannot_be_read_is_not_passed_over(project: Write) -> None:
    root = project({"Dockerfile": "FROM node:20\n"})
    (root / "package.json").mkdir()
    assert read_project(root).problems == ("package.json cannot be read",)
