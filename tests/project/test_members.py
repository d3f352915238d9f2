"""The packages of a workspace, by every way to name them, and the patterns that are refused."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from project.conftest import Write

from imageopt.project import members
from imageopt.project.members import read_members

PACKAGES = {
    "packages/a/package.json": '{"name": "a"}',
    "packages/b/package.json": '{"name": "b"}',
    "packages/deep/c/package.json": '{"name": "c"}',
    "packages/empty/readme": "",
    "packages/a/node_modules/x/package.json": "{}",
    "apps/web/package.json": '{"name": "web"}',
}


def root_with(patterns: object) -> dict[str, str]:
    return {"package.json": json.dumps({"name": "root", "workspaces": patterns}), **PACKAGES}


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (root_with(["packages/*"]), ["packages/a", "packages/b"]),
        (root_with({"packages": ["./packages/a/", "apps/web"], "nohoist": ["**"]}), ["apps/web", "packages/a"]),
        (root_with(["packages/**"]), ["packages/a", "packages/b", "packages/deep/c"]),
        (root_with(["packages/**", "!packages/deep/**"]), ["packages/a", "packages/b"]),
        (root_with(["**", "!**/c", "!packages/[b]"]), ["apps/web", "packages/a"]),
        (root_with(["{apps,packages}/*"]), ["apps/web", "packages/a", "packages/b"]),
        (root_with(["packages/*", "packages/*", ".", "nothing/*", "packages/a/readme"]), ["packages/a", "packages/b"]),
        (
            {"package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - {a: b}\n", **PACKAGES},
            ["apps/web"],
        ),
        ({"package.json": "{}", "lerna.json": '{"packages": ["apps/*"], // said\n}', **PACKAGES}, ["apps/web"]),
        ({"package.json": "{}", **PACKAGES}, []),
        (PACKAGES, []),
    ],
)
def test_members(project: Write, files: Mapping[str, str], folders: list[str]) -> None:
    found = read_members(project(files))
    assert (list(found.folders), found.problems) == (folders, ())
    assert ("" in found.manifests) == (found.manifests.get("", {}) != {})


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"package.json": '{\n"workspaces": [\n"../other/*"]}'},
            "package.json:3: the workspace '../other/*' leads out of the folder",
        ),
        (
            {"package.json": '{"workspaces": ["/etc/*"]}'},
            "package.json:1: the workspace '/etc/*' leads out of the folder",
        ),
        (
            {"package.json": '{"workspaces": ["!a/../../b"]}'},
            "package.json:1: the workspace 'a/../../b' leads out of the folder",
        ),
        (
            {"package.json": r'{"workspaces": ["C:\\x"]}'},
            r"package.json:1: the workspace 'C:\\x' leads out of the folder",
        ),
        (
            {"package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - '../x'\n"},
            "pnpm-workspace.yaml:2: the workspace '../x' leads out of the folder",
        ),
        (
            {"package.json": "{}", "pnpm-workspace.yaml": "packages: [\n"},
            "pnpm-workspace.yaml:2: did not find expected node content",
        ),
        (
            {"package.json": '{"workspaces": ["a"]}', "a/package.json": "{\n<<<<<<< x\n}"},
            "a/package.json:2: it holds the marks of an unsolved merge",
        ),
        ({"package.json": '{"workspaces": ["a"]}', "a/package.json/x": ""}, "a/package.json:1: it cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(project: Write, files: Mapping[str, str], problem: str) -> None:
    found = read_members(project(files))
    assert (found.folders, found.problems) == ((), (problem,))


def test_a_link_out_of_the_folder_is_refused(project: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "package.json").write_text('{"name": "theirs"}')
    root = project({"package.json": '{"workspaces": ["packages/*"]}', "packages/a/package.json": "{}"})
    (root / "packages/theirs").symlink_to(outside)
    found = read_members(root)
    assert found.folders == ("packages/a",)
    assert found.problems == ("package.json:1: packages/theirs is a link that leads out of the folder",)


def test_folders_are_counted(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(root_with(["packages/**"]))
    monkeypatch.setattr(members, "_FOLDERS_LIMIT", 3)
    assert read_members(root).problems == (
        "package.json:1: the workspace has too many folders; the rest was not looked at",
    )


def test_a_loop_of_links_ends(project: Write) -> None:
    root = project(root_with(["**"]))
    (root / "apps/again").symlink_to(root)
    assert len(read_members(root).folders) < 5_000


def test_a_folder_that_cannot_be_listed_has_no_members(tmp_path: Path) -> None:
    assert members._subfolders(tmp_path, "absent", [9]) == []
