"""The commands of each package manager: none of them runs a script, and the one that checks may change nothing."""

import pytest
from lockfile.tiny import Write, npm_lock

from imageopt.dockerfile.parser import parse
from imageopt.lockfile.tool import TOOL_FOLDER, Tool, tool_for

PNPM = f"{TOOL_FOLDER}/node_modules/.bin/pnpm"
YARN = f"{TOOL_FOLDER}/node_modules/.bin/yarn"


def made(found: Tool | str) -> Tool:
    assert isinstance(found, Tool), found
    return found


def test_npm_makes_the_lock_alone_and_checks_as_npm_ci_would(project: Write) -> None:
    tool = made(tool_for(project(dependencies={"ms": "2.1.3"}), None))
    assert (tool.manager, tool.lock, tool.setup) == ("npm", "package-lock.json", ())
    assert tool.make == ("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
    assert tool.check == ("npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund")


@pytest.mark.parametrize(("version", "kept"), [(2, True), (3, True), (1, False)])
def test_an_existing_lock_keeps_its_format_where_npm_can_write_it(project: Write, version: int, kept: bool) -> None:
    lock = npm_lock(ms="2.0.0").replace('"lockfileVersion": 3', f'"lockfileVersion": {version}')
    tool = made(tool_for(project({"package-lock.json": lock}, dependencies={"ms": "2.1.3"}), None))
    assert (f"--lockfile-version={version}" in tool.make) == kept


def test_a_shrinkwrap_is_npms_lock_where_there_is_one(project: Write) -> None:
    tool = made(tool_for(project({"npm-shrinkwrap.json": npm_lock(ms="2.1.3")}, dependencies={"ms": "2.1.3"}), None))
    assert tool.lock == "npm-shrinkwrap.json"


def test_flags_that_decide_what_is_installed_are_the_dockerfile_s(project: Write) -> None:
    tree = parse(b"FROM node:20\nRUN npm install --legacy-peer-deps --no-optional && npm run build -- --force-color\n")
    tool = made(tool_for(project(dependencies={"ms": "2.1.3"}), tree))
    assert tool.make[-1] == tool.check[-1] == "--legacy-peer-deps"
    assert "--no-optional" not in tool.make


def test_pnpm_comes_from_the_registry_in_the_version_that_is_named(project: Write) -> None:
    tool = made(tool_for(project(packageManager="pnpm@9.12.0+sha512.abc"), None))
    assert tool.setup[-1] == "pnpm@9.12.0"
    assert "--ignore-scripts" in tool.setup
    assert tool.make == (PNPM, "install", "--lockfile-only", "--ignore-scripts", "--no-frozen-lockfile")
    assert tool.check == (PNPM, "install", "--frozen-lockfile", "--lockfile-only", "--ignore-scripts")


def test_pnpm_is_told_by_its_lock_file_else(project: Write) -> None:
    lock = "lockfileVersion: '6.0'\n\ndependencies:\n  ms:\n    specifier: 2.1.3\n    version: 2.1.3\n"
    tool = made(tool_for(project({"pnpm-lock.yaml": lock}, dependencies={"ms": "2.1.3"}), None))
    assert tool.setup[-1] == "pnpm@8"


def test_yarn_1_is_the_images_own(project: Write) -> None:
    tool = made(tool_for(project({"yarn.lock": "# yarn lockfile v1\n"}, dependencies={"ms": "2.1.3"}), None))
    assert (tool.setup, tool.version) == ((), "1")
    assert tool.make == ("yarn", "install", "--ignore-scripts", "--non-interactive", "--no-progress")
    assert tool.check == (*tool.make, "--frozen-lockfile")


def test_a_later_yarn_builds_nothing_and_is_not_the_one_of_the_project(project: Write) -> None:
    settings = {".yarnrc.yml": "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.5.0.cjs\n"}
    tool = made(tool_for(project(settings, packageManager="yarn@4.5.0"), None))
    assert tool.setup[-1] == "@yarnpkg/cli-dist@4.5.0"
    assert tool.make == (YARN, "install", "--no-immutable", "--mode=update-lockfile")
    assert tool.check == (YARN, "install", "--immutable", "--mode=skip-build")
    assert tool.environment["YARN_IGNORE_PATH"] == "1"


@pytest.mark.parametrize(
    ("files", "manifest", "reason"),
    [
        ({}, {"packageManager": "bun@1.1.0"}, "the project uses bun"),
        ({}, {}, "there is no package.json"),
        ({".pnpmfile.cjs": ""}, {"packageManager": "pnpm@9.1.0"}, "its .pnpmfile is code"),
        ({"Dockerfile": "FROM node:20\nRUN pnpm install\n"}, {"name": "x"}, "nothing says which pnpm it is"),
        ({}, {"packageManager": "pnpm@5.18.0"}, "pnpm 5.18.0 is too old"),
        (
            {".yarnrc.yml": "nodeLinker: pnp\n", "yarn.lock": "__metadata:\n  version: 99\n"},
            {"name": "x"},
            "nothing says which Yarn it is",
        ),
        ({".yarnrc.yml": "plugins:\n  - path: evil.cjs\n"}, {"packageManager": "yarn@4.5.0"}, "its Yarn has plugins"),
    ],
)
def test_what_cannot_be_made_without_the_project_s_code_is_refused(
    project: Write, files: dict[str, str], manifest: dict[str, str], reason: str
) -> None:
    found = tool_for(project(files or {"README.md": ""}, **manifest), None)
    assert isinstance(found, str)
    assert found.startswith(reason)
