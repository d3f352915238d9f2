"""bun.lock, and what `bun install --frozen-lockfile` says of it."""

import json
from typing import Any

import pytest

from imageopt.project.lock_bun import read_bun_lock
from imageopt.project.model import Lock

LOCK = """{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "root",
      "dependencies": {
        "a": "^1.0.0",
        "ws": "workspace:*",
      },
      "devDependencies": { "@types/node": "^20.0.0", },
    },
    "packages/ws": { "name": "ws", "dependencies": { "b": "^2.0.0", }, "peerDependencies": { "react": "18", }, },
  },
  "trustedDependencies": [
    "b", // said
  ],
  "overrides": { "c": "1.0.0", },
  "packages": {
    "@types/node": ["@types/node@20.1.0", "", { "dependencies": { "c": "*" } }, "sha512-x=="],
    "a": ["a@1.2.0", "", { "dependencies": { "b": "^1.0.0", "c": "~1" }, "optionalDependencies": { "@a/native": "1" } }, "sha512-x=="],
    "a/b": ["b@1.0.0", "", {}, "sha512-x=="],
    "@a/native": ["@a/native@1.0.0", "", { "os": "linux", "cpu": ["x64", "arm64"], "libc": "none" }, "sha512-x=="],
    "@a/native/c": ["c@0.9.0", "", {}, "sha512-x=="],
    "b": ["b@2.0.0", "", {}, "sha512-x=="],
    "c": ["c@1.0.0", "", {}, "sha512-x=="],
    "ws": ["ws@workspace:packages/ws"],
    "odd": [],
  },
}
"""
ROOT: dict[str, object] = {
    "name": "root",
    "dependencies": {"a": "^1.0.0", "ws": "workspace:*"},
    "devDependencies": {"@types/node": "^20.0.0"},
    "overrides": {"c": "1.0.0"},
}
WS: dict[str, object] = {"name": "ws", "dependencies": {"b": "^2.0.0"}, "peerDependencies": {"react": "18"}}


def read(text: str = LOCK, root: dict[str, object] = ROOT, **members: dict[str, object]) -> Lock:
    return read_bun_lock("bun.lock", text, {"": root, **(members or {"packages/ws": WS})})


def test_packages() -> None:
    lock = read()
    assert (lock.manager, lock.version, lock.state, lock.tells_scripts) == ("bun", "1", "in-sync", False)
    assert [(p.path, p.name, p.version, p.dev, p.optional) for p in lock.packages] == [
        ("node_modules/@a/native", "@a/native", "1.0.0", False, True),
        ("node_modules/@a/native/node_modules/c", "c", "0.9.0", True, True),  # nothing leads there
        ("node_modules/@types/node", "@types/node", "20.1.0", True, False),
        ("node_modules/a", "a", "1.2.0", False, False),
        ("node_modules/a/node_modules/b", "b", "1.0.0", False, False),
        ("node_modules/b", "b", "2.0.0", False, False),
        ("node_modules/c", "c", "1.0.0", False, False),
    ]
    native = lock.packages[0]
    assert (native.os, native.cpu, native.libc) == (("linux",), ("x64", "arm64"), ())
    assert [p.version for p in lock.packages if p.has_install_script] == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"root": {**ROOT, "dependencies": {"a": "^1.1.0", "ws": "workspace:*"}}}, "package.json asks for a ^1.1.0, the lock file was made for ^1.0.0"),
        ({"packages/ws": {**WS, "dependencies": {}}}, "b is in the lock file and not in packages/ws/package.json"),
        ({"packages/ws": {**WS, "peerDependencies": {}}}, "react is in the lock file and not in packages/ws/package.json"),
        ({"packages/new": {}}, "the lock file does not know packages/new/package.json"),
        ({"root": {**ROOT, "overrides": {}}}, "c is in the lock file and not in the overrides"),
    ],
)  # fmt: skip
def test_drift(arguments: dict[str, Any], reason: str) -> None:
    lock = read(**arguments)
    assert (lock.state, lock.reason) == ("drifted", reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"lockfileVersion": 7}', "bun.lock:1: its lockfileVersion is 7"),
        ('{"lockfileVersion": true}', "bun.lock:1: its lockfileVersion is True"),
        ("{}", "bun.lock:1: its lockfileVersion is None"),
        ("{\n>>>>>>> theirs\n}", "bun.lock:2: it holds the marks of an unsolved merge"),
    ],
)
def test_what_cannot_be_read_is_unknown(text: str, reason: str) -> None:
    lock = read(text)
    assert (lock.state, lock.reason) == ("unknown", reason)


def test_trailing_commas_and_comments_in_strings_stay() -> None:
    text = json.dumps(
        {"lockfileVersion": 0, "workspaces": {"": {"dependencies": {"a": "http://x/,]"}}}, "packages": {}}
    )
    lock = read_bun_lock("bun.lock", text, {"": {"dependencies": {"a": "http://x/,]"}}})
    assert lock.state == "in-sync"


def test_a_way_without_end_is_not_followed() -> None:
    key = "a/" * 20_000 + "b"
    lock = read_bun_lock(
        "bun.lock", json.dumps({"lockfileVersion": 1, "packages": {key: ["b@1", "", {"dependencies": {"c": "1"}}]}}), {}
    )
    assert [package.name for package in lock.packages] == ["b"]
