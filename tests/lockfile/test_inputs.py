"""What goes into the container: manifests, settings without logins, patches; no source and nothing from outside."""

import json
from pathlib import Path

import pytest
from lockfile.tiny import Write, npm_lock

from imageopt.errors import InputError
from imageopt.lockfile import inputs as module
from imageopt.lockfile.inputs import inputs
from imageopt.lockfile.tool import Tool, tool_for
from imageopt.project.model import Project


def sent(project: Project) -> dict[str, bytes]:
    tool = tool_for(project, None)
    assert isinstance(tool, Tool)
    return dict(inputs(project, tool))


def test_sources_stay_outside_and_logins_too(project: Write) -> None:
    files = {
        "src/server.js": "",
        ".env": "TOKEN=x",
        ".npmrc": "registry=https://npm.corp/\n//npm.corp/:_authToken=npm_0123456789abcdef0123\n",
        "package-lock.json": npm_lock(ms="2.1.3"),
    }
    found = sent(project(files, dependencies={"ms": "2.1.3"}))
    assert sorted(found) == [".npmrc", "package-lock.json", "package.json"]
    assert found[".npmrc"] == b"registry=https://npm.corp/\n"
    assert found["package-lock.json"] == files["package-lock.json"].encode()


def test_of_a_workspace_every_manifest_goes_in(project: Write) -> None:
    files = {"packages/a/package.json": '{"name": "a"}', "packages/a/index.js": "", "packages/a/.npmrc": "a=b\n"}
    assert sorted(sent(project(files, workspaces=["packages/*"]))) == ["package.json", "packages/a/package.json"]


def test_pnpm_has_settings_of_its_own_and_patches(project: Write) -> None:
    files = {
        "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
        "packages/a/package.json": '{"name": "a"}',
        "packages/a/.npmrc": "_auth=x\na=b\n",
        "patches/ms.patch": "diff",
        "patches/run.sh": "",
    }
    found = sent(project(files, packageManager="pnpm@9.1.0"))
    assert sorted(found) == [
        "package.json", "packages/a/.npmrc", "packages/a/package.json", "patches/ms.patch", "pnpm-workspace.yaml",
    ]  # fmt: skip
    assert found["packages/a/.npmrc"] == b"a=b\n"


def test_a_package_in_a_folder_of_the_project_is_sent_as_its_manifest(project: Write, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "package.json").write_text("{}")
    files = {"lib/package.json": '{"name": "lib"}', "lib/index.js": "", "vendor/a.tgz": "bytes", "vendor/b.zip": ""}
    wanted = {
        "lib": "file:./lib",
        "a": "file:vendor/a.tgz",
        "b": "file:vendor/b.zip",
        "gone": "link:./gone",
        "outside": "file:../outside",
        "self": "portal:.",
        "ms": "2.1.3",
    }
    assert sorted(sent(project(files, dependencies=wanted))) == ["lib/package.json", "package.json", "vendor/a.tgz"]


def test_a_link_out_of_the_project_is_not_followed(project: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("registry=https://secret/\n")
    found = project(name="x")
    (found.root / ".npmrc").symlink_to(tmp_path / "secret")
    assert list(sent(found)) == ["package.json"]


def test_bytes_are_sent_as_they_are(project: Write) -> None:
    found = project(name="x")
    text = "\ufeff" + json.dumps({"name": "x"}) + "\r\n"
    (found.root / "package.json").write_bytes(text.encode())
    assert sent(found)["package.json"] == text.encode()


def test_there_is_an_end_to_what_is_sent(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOTAL_LIMIT", 10)
    with pytest.raises(InputError, match="longer than 100 MB"):
        sent(project(name="x"))
