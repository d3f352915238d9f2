"""Project files that are broken or mean harm: the rewrite is refused by file and line, and nothing else is touched."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rewrite.node_shapes import FAT, evidence, package, write
from rewrite.test_workspace import NAIVE, ROOT, SOURCES, npm, pnpm

from imageopt.rewrite.propose import propose

DEEP = 5_000
NESTED_JSON = '{"a":' * DEEP + "1" + "}" * DEEP
NESTED_YAML = "lockfileVersion: '9.0'\n" + "".join(f"{' ' * depth}a:\n" for depth in range(DEEP))
ONE = {**package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"}), "server.js": "listen(3000);\n"}
ONE["Dockerfile"] = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n"
MEMBERS: dict[str, str] = {**npm(), **SOURCES, "Dockerfile": NAIVE}


def conflict(text: str) -> str:
    """The text as a merge leaves it that nobody finished."""
    first, _, rest = text.partition("\n")
    return f"{first}\n<<<<<<< HEAD\n=======\n{rest}>>>>>>> main\n"


def managed(manager: str, name: str, text: str) -> dict[str, str]:
    """A project of another manager with this lock file."""
    manifest = json.dumps({**json.loads(ONE["package.json"]), "packageManager": f"{manager}@1.0.0"})
    dockerfile = ONE["Dockerfile"].replace("npm", manager)
    return {"package.json": manifest, "server.js": ONE["server.js"], "Dockerfile": dockerfile, name: text}


def workspaces(*patterns: str) -> dict[str, str]:
    """The workspace with further patterns, each on a line of its own from line 7 on."""
    root: dict[str, Any] = {**ROOT, "workspaces": [*ROOT["workspaces"], *patterns]}
    return {**MEMBERS, **npm(root), "package.json": json.dumps(root, indent=2)}


BROKEN: dict[str, tuple[Mapping[str, str], str]] = {
    "package.json, deep": ({**ONE, "package.json": NESTED_JSON}, "package.json:1"),
    "package.json, in conflict": ({**ONE, "package.json": conflict(ONE["package.json"])}, "package.json:2"),
    "npm's lock, deep": ({**ONE, "package-lock.json": NESTED_JSON}, "package-lock.json:1"),
    "npm's lock, in conflict": (
        {**ONE, "package-lock.json": conflict(ONE["package-lock.json"])},
        "package-lock.json:2",
    ),
    "pnpm's lock, deep": (managed("pnpm", "pnpm-lock.yaml", NESTED_YAML), "pnpm-lock.yaml:"),
    "pnpm's lock, in conflict": (
        managed("pnpm", "pnpm-lock.yaml", conflict("lockfileVersion: '9.0'\nimporters: {}\n")),
        "pnpm-lock.yaml:2",
    ),
    "Yarn's lock, in conflict": (
        managed("yarn", "yarn.lock", conflict('# yarn lockfile v1\nms@2.1.3:\n  version "2.1.3"\n')),
        "yarn.lock:2",
    ),
    "Bun's lock, deep": (managed("bun", "bun.lock", NESTED_JSON), "bun.lock:1"),
    "Bun's lock, in conflict": (managed("bun", "bun.lock", conflict('{\n"lockfileVersion": 1}\n')), "bun.lock:2"),
    "a member, deep": ({**MEMBERS, "apps/web/package.json": NESTED_JSON}, "apps/web/package.json:1"),
    "a member, in conflict": (
        {**MEMBERS, "packages/log/package.json": conflict('{\n"name": "@x/log"}\n')},
        "packages/log/package.json:2",
    ),
    "a pattern above the folder": (workspaces("../*"), "package.json:7: the workspace '../*' leads out"),
    "a pattern that climbs": (workspaces("apps/../../x"), "package.json:7: the workspace 'apps/../../x' leads out"),
    "an absolute pattern": (workspaces("/etc"), "package.json:7: the workspace '/etc' leads out"),
    "pnpm's patterns": (
        {**pnpm(), **SOURCES, "Dockerfile": NAIVE, "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - ../x\n"},
        "pnpm-workspace.yaml:3: the workspace '../x' leads out",
    ),
    "pnpm's settings": (
        {**pnpm(), **SOURCES, "Dockerfile": NAIVE, "pnpm-workspace.yaml": "packages:\n<<<<<<< HEAD\n  - apps/*\n"},
        "pnpm-workspace.yaml:2",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_with_file_and_line(tmp_path: Path, name: str) -> None:
    files, place = BROKEN[name]
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    found = evidence(tmp_path)
    rewrite = propose(found, FAT)
    said = [refusal.reason for refusal in rewrite.refusals]
    assert any(place in text for text in said), said
    assert "multi-stage" not in {done.name for done in rewrite.transformed}
    assert {path: (tmp_path / path).read_text() for path in files} == files


@pytest.mark.parametrize("place", ["apps/stolen", "apps/api/package.json", "packages"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, place: str) -> None:
    outside = write(tmp_path / "outside", {"package.json": '{"name": "secret-name"}', "log/package.json": "{}"})
    root = write(tmp_path / "project", MEMBERS)
    link = root / place
    if link.is_dir():
        link.rename(tmp_path / "moved")
    link.unlink(missing_ok=True)
    link.symlink_to(outside / "package.json" if place.endswith(".json") else outside)
    found = evidence(root)
    assert found.project is not None
    assert any("link that leads out of the folder" in problem for problem in found.project.problems)
    rewrite = propose(found, FAT)
    assert rewrite.outcome == "refused"
    assert "secret-name" not in repr(rewrite)
