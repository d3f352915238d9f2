"""Lock files: who manages the packages, and whether `npm ci` would take the lock. Each verdict was tried with npm 10."""

import json
from pathlib import Path

import pytest
from project.conftest import Write

from imageopt.project.lock import package_manager, read_lock
from imageopt.project.manifest import read_manifest
from imageopt.project.model import Lock

LOCKED = {
    "": {
        "name": "a",
        "dependencies": {"ms": "^2.1.0", "left": "github:a/left#1"},
        "devDependencies": {"debug": "^4.3.0"},
    },
    "node_modules/ms": {"version": "2.1.3"},
    "node_modules/left": {"version": "1.0.0", "resolved": "git+ssh://git@github.com/a/left.git#abc"},
    "node_modules/debug": {"version": "4.3.4", "dev": True, "dependencies": {"ms": "2.1.2"}},
    "node_modules/debug/node_modules/ms": {"version": "2.1.2", "dev": True},
    "node_modules/other": {"name": "real", "version": "3.0.1"},
}


def npm_lock(project: Write, manifest: dict[str, object], locked: object = LOCKED) -> Lock:
    data = {"lockfileVersion": 3, "packages": locked} if locked is LOCKED else locked
    root = project({"package.json": json.dumps(manifest), "package-lock.json": json.dumps(data)})
    lock = read_lock(root, read_manifest(root)[0], "npm")
    assert lock is not None
    return lock


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"dependencies": {"ms": "^2.1.0"}, "devDependencies": {"debug": "^4.3.0"}}, None),
        ({"dependencies": {"ms": "^2.0.0"}}, None),  # wider than it was, still satisfied
        ({"dependencies": {}}, None),  # removed from package.json
        ({"dependencies": {"ms": "latest"}}, None),
        ({"dependencies": {"ms": "*", "debug": "4.x || 5"}}, None),
        ({"dependencies": {"other": "npm:real@^3"}}, None),
        ({"dependencies": {"left": "github:a/left#1"}}, None),
        ({"peerDependencies": {"ms": "2"}}, None),
        ({"peerDependencies": {"react": "18"}, "peerDependenciesMeta": {"react": {"optional": True}}}, None),
        ({"overrides": {"ms": "$ms", "debug": "4.3.4"}}, None),
        ({"engines": {"node": ">=99"}}, None),
        ({"dependencies": {"ms": "^3.0.0"}}, "package.json asks for ms ^3.0.0, the lock file holds 2.1.3"),
        ({"dependencies": {"new": "1.0.0"}}, "new is in package.json and not in the lock file"),
        ({"optionalDependencies": {"new": "1"}}, "new is in package.json and not in the lock file"),
        ({"peerDependencies": {"react": "18"}}, "react is in package.json and not in the lock file"),
        ({"dependencies": {"other": "npm:fake@^3"}}, "package.json asks for other as fake, the lock file holds real"),
        (
            {"dependencies": {"left": "github:a/left#2"}},
            "package.json asks for left from github:a/left#2, the lock file was made for github:a/left#1",
        ),
        ({"overrides": {"ms": "2.1.3"}}, "package.json overrides ms with 2.1.3, the lock file holds 2.1.2"),
    ],
)
def test_the_lock_is_in_sync_where_npm_ci_would_take_it(
    project: Write, manifest: dict[str, object], reason: str | None
) -> None:
    lock = npm_lock(project, manifest)
    assert (lock.state, lock.reason) == (("drifted", reason) if reason else ("in-sync", ""))


def test_a_linked_package_has_no_version_to_compare(project: Write) -> None:
    locked = {"packages": {"": {}, "node_modules/own": {"resolved": "own", "link": True}, "own": {"version": "1.0.0"}}}
    assert npm_lock(project, {"dependencies": {"own": "file:own"}}, locked).state == "in-sync"


def test_packages_carry_what_the_rewrite_needs(project: Write) -> None:
    locked = {
        "lockfileVersion": 2,
        "packages": {
            "": {},
            "node_modules/@img/sharp-linux-x64": {
                "version": "0.33.5", "optional": True, "os": ["linux"], "cpu": ["x64"], "libc": ["glibc"],
            },
            "node_modules/sharp": {"version": "0.33.5", "hasInstallScript": True, "devOptional": True},
        },
    }  # fmt: skip
    image, sharp = npm_lock(project, {}, locked).packages
    assert (image.name, image.os, image.cpu, image.libc) == ("@img/sharp-linux-x64", ("linux",), ("x64",), ("glibc",))
    assert (sharp.has_install_script, sharp.optional, sharp.dev) == (True, True, False)


def test_version_1_is_nested(project: Write) -> None:
    locked = {
        "lockfileVersion": 1,
        "dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0", "dev": True}}}},
    }
    lock = npm_lock(project, {"dependencies": {"a": "^1.0.0"}}, locked)
    assert [(package.path, package.dev) for package in lock.packages] == [
        ("node_modules/a", False),
        ("node_modules/a/node_modules/b", True),
    ]
    assert (lock.state, lock.tells_scripts) == ("in-sync", False)


def test_a_lock_of_absurd_depth_ends(project: Write) -> None:
    inner: dict[str, object] = {}
    for _ in range(200):
        inner = {"dependencies": {"a": {"version": "1.0.0", **inner}}}
    assert len(npm_lock(project, {}, inner).packages) == 65


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "package-lock.json:1: it is not a JSON object"),
        ('{"a": 1,\n"b" 2}', "package-lock.json:2: it is not JSON: expecting ':' delimiter"),
        ("{\n<<<<<<< HEAD\n}", "package-lock.json:2: it holds the marks of an unsolved merge"),
        (
            '{"packages": ' + "[" * 100_000 + "}",
            "package-lock.json:1: it is not JSON that can be read: it nests too deep or holds too long a number",
        ),
    ],
)
def test_a_damaged_lock_is_unknown(project: Write, text: str, reason: str) -> None:
    root = project({"package.json": "{}", "package-lock.json": text})
    lock = read_lock(root, read_manifest(root)[0], "npm")
    assert lock is not None
    assert (lock.state, lock.reason) == ("unknown", reason)


def test_a_missing_lock_says_which_file_is_expected(project: Write) -> None:
    root = project({"package.json": "{}"})
    manifest = read_manifest(root)[0]
    locks = {manager: read_lock(root, manifest, manager) for manager in ("npm", "yarn")}
    assert [(lock.path, lock.state) for lock in locks.values() if lock] == [
        ("package-lock.json", "missing"),
        ("yarn.lock", "missing"),
    ]
    assert read_lock(root, None, None) is None


def test_a_lock_that_leads_out_of_the_project_is_as_good_as_none(
    project: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "lock"
    elsewhere.write_text("{}")
    root = project({"package.json": "{}"})
    (root / "package-lock.json").symlink_to(elsewhere)
    lock = read_lock(root, read_manifest(root)[0], "npm")
    assert lock is not None
    assert lock.state == "missing"


@pytest.mark.parametrize(
    ("manager", "path", "text", "version", "state"),
    [
        ("pnpm", "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "9.0", "in-sync"),
        ("pnpm", "pnpm-lock.yaml", "lockfileVersion: [\n", "", "unknown"),
        ("yarn", "yarn.lock", "# yarn lockfile v1\n", "1", "in-sync"),
        ("yarn", "yarn.lock", '__metadata:\n  version: 8\n"a@workspace:.":\n  resolution: "a@workspace:."\n', "8", "in-sync"),
        ("bun", "bun.lock", '{\n  "lockfileVersion": 1, "workspaces": {"": {}}\n}', "1", "in-sync"),
        ("bun", "bun.lockb", "\x00", "", "unknown"),
    ],
)  # fmt: skip
def test_other_managers_locks_are_recognised(
    project: Write, manager: str, path: str, text: str, version: str, state: str
) -> None:
    root = project({"package.json": "{}", path: text})
    manifest = read_manifest(root)[0]
    found = package_manager(root, manifest, ())
    lock = read_lock(root, manifest, found)
    assert lock is not None
    assert (lock.manager, lock.path, lock.version, lock.state) == (manager, path, version, state)


@pytest.mark.parametrize(
    ("files", "used", "expected"),
    [
        ({}, (), "npm"),
        ({}, ("yarn",), "yarn"),
        ({}, ("npm", "yarn"), "npm"),
        ({"yarn.lock": "", "package-lock.json": "{}"}, ("yarn",), "yarn"),
        ({"yarn.lock": "", "package-lock.json": "{}"}, ("npm",), "npm"),
        ({"yarn.lock": ""}, ("npm",), "yarn"),  # npx, say: the lock file is what counts
        ({"package.json": '{"packageManager": "pnpm@9.1.0"}', "yarn.lock": ""}, ("npm",), "pnpm"),
        ({"package.json": '{"packageManager": "cargo@1"}'}, (), "npm"),
    ],
)
def test_the_package_manager(project: Write, files: dict[str, str], used: tuple[str, ...], expected: str) -> None:
    root = project({"package.json": "{}", **files})
    assert package_manager(root, read_manifest(root)[0], used) == expected


def test_without_a_manifest_there_is_no_package_manager(tmp_path: Path) -> None:
    assert package_manager(tmp_path, None, ("npm",)) is None


@pytest.mark.parametrize(
    ("locked", "reason", "drifted"),
    [
        ({"packages/a": {}, "node_modules/ms": {"version": "2.1.3"}}, "", ()),
        ({"packages/a": {}, "packages/a/node_modules/ms": {"version": "2.0.0"}, "node_modules/ms": {"version": "1.0.0"}}, "", ()),
        ({"packages/a": {}, "node_modules/ms": {"version": "1.0.0"}}, "packages/a/package.json asks for ms ^2.0.0, the lock file holds 1.0.0", ("ms",)),
        ({"packages/a": {}}, "ms is in packages/a/package.json and not in the lock file", ("ms",)),
        ({}, "the lock file does not know packages/a/package.json", ("packages/a",)),
    ],
)  # fmt: skip
def test_the_packages_of_the_workspace_must_fit_too(
    project: Write, locked: dict[str, object], reason: str, drifted: tuple[str, ...]
) -> None:
    project({"packages/a/package.json": '{"dependencies": {"ms": "^2.0.0"}}'})
    lock = npm_lock(project, {"workspaces": ["packages/*"]}, {"lockfileVersion": 3, "packages": {"": {}, **locked}})
    assert (lock.reason, lock.drifted) == (reason, drifted)


def test_all_that_drifted_is_named(project: Write) -> None:
    lock = npm_lock(project, {"dependencies": {"b": "1", "ms": "^9.0.0", "a": "1"}})
    assert (lock.reason, lock.drifted) == ("a is in package.json and not in the lock file", ("a", "b", "ms"))


@pytest.mark.parametrize(
    ("locked", "reason"),
    [
        ({"lockfileVersion": "x", "packages": {}}, "its lockfileVersion is 'x'"),
        ({"lockfileVersion": 4, "packages": {}}, "its lockfileVersion is 4"),
        ({"lockfileVersion": True, "packages": {}}, "its lockfileVersion is True"),
        ({"lockfileVersion": 3, "packages": []}, "it has no packages"),
    ],
)
def test_a_lock_of_another_kind_is_unknown(project: Write, locked: object, reason: str) -> None:
    lock = npm_lock(project, {}, locked)
    assert (lock.state, lock.reason) == ("unknown", f"package-lock.json:1: {reason}")
