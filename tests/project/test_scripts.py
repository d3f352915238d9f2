"""npm scripts taken apart, and that no manifest makes that long."""

import time

import pytest

from imageopt.project.scripts import commands, reachable_commands


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("tsc && node dist/a.js", (("tsc",), ("node", "dist/a.js"))),
        ("A='x y' node \"a b.js\"; echo # 1", (("A=x y", "node", "a b.js"), ("echo", "#", "1"))),
        ("echo 'open", None),
        ("x" * 200_000, None),
    ],
)
def test_commands(script: str, expected: object) -> None:
    assert commands(script) == expected


def test_scripts_are_followed_once_each() -> None:
    scripts = {"prebuild": "clean", "build": "npm run a && npm run a", "a": "npm run build && tsc"}
    assert list(reachable_commands("npm run build && done", scripts)) == [("clean",), ("tsc",), ("done",)]


def test_a_chain_without_end_is_left() -> None:
    scripts = {f"s{number}": f"npm run s{number + 1}" for number in range(5000)}
    ((_, _, last),) = reachable_commands("npm run s0", scripts)
    assert last == "s201"


def test_scripts_that_call_each_other_many_times_take_no_time() -> None:
    scripts = {f"s{number}": f"npm run s{number + 1} && " * 300 + "x" for number in range(8)}
    started = time.process_time()
    assert set(reachable_commands("npm run s0", scripts)) == {("x",), ("npm", "run", "s8")}
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("exec npm run serve", [("nodemon", "a.js")]),
        ("sh -c 'npm run serve && x'", [("nodemon", "a.js"), ("x",)]),
        ("/bin/bash -e -lc npm run serve", [("nodemon", "a.js")]),  # a list, joined
        ("sh wait.sh db", [("sh", "wait.sh", "db")]),
        ("dotenv -e .env -- npm run serve", [("dotenv", "-e", ".env", "--", "npm", "run", "serve"), ("nodemon", "a.js")]),
        ("node --run serve", [("node", "--run", "serve"), ("nodemon", "a.js")]),
        ("concurrently 'npm:serve' x", [("concurrently", "npm:serve", "x"), ("nodemon", "a.js")]),
        ("run-p -l serve", [("run-p", "-l", "serve"), ("nodemon", "a.js")]),
        ("concurrently 'npm run serve' 'x y'", [("concurrently", "npm run serve", "x y"), ("nodemon", "a.js"), ("x", "y")]),
    ],
)  # fmt: skip
def test_what_launchers_run_is_followed(line: str, expected: object) -> None:
    assert list(reachable_commands(line, {"serve": "nodemon a.js"})) == expected


def test_shells_within_shells_end() -> None:
    (left,) = reachable_commands("sh -c " * 3000 + "x", {})
    assert left[:2] == ("sh", "-c")
