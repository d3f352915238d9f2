"""What comes back is believed only as far as the project's own reader goes."""

import json
from pathlib import Path

import pytest
from lockfile.tiny import npm_lock

from imageopt.lockfile.check import accepted
from imageopt.lockfile.tool import Tool

NPM = Tool("npm", "", "package-lock.json", (), (), (), {})
MANIFEST = {"package.json": json.dumps({"name": "tiny", "dependencies": {"ms": "^2.1.0"}}).encode()}
DEEP = b'{"lockfileVersion": 3, "packages": ' + b"[" * 5000 + b"]" * 5000 + b"}"


def test_a_lock_that_fits_is_read() -> None:
    lock = accepted(npm_lock(ms="2.1.3").encode(), MANIFEST, NPM)
    assert not isinstance(lock, str)
    assert (lock.state, lock.version, [package.name for package in lock.packages]) == ("in-sync", "3", ["ms"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no text"),
        (b"\xff\xfe", "is no text"),
        (b"{}\x1b[2J", "is no text"),
        (b"{", "does not fit: package-lock.json:1"),
        (DEEP, "does not fit: package-lock.json"),
        (npm_lock(ms="1.0.0").encode(), "does not fit: package.json asks for ms"),
        (npm_lock(left="1.0.0").encode(), "does not fit: ms is in package.json and not in the lock file"),
        (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", "does not fit: package-lock.json:1"),
    ],
    ids=["empty", "no-utf-8", "control", "broken", "deep", "old", "missing", "conflict"],
)
def test_what_is_no_lock_that_fits_is_refused(data: bytes, reason: str) -> None:
    refused = accepted(data, MANIFEST, NPM)
    assert isinstance(refused, str)
    assert reason in refused


def test_a_login_in_it_is_refused_and_not_shown() -> None:
    data = npm_lock(ms="2.1.3").replace('"2.1.3"\n', '"2.1.3", "resolved": "https://me:hunter2@npm.corp/ms"\n').encode()
    refused = accepted(data, MANIFEST, NPM, ["hunter2"])
    assert refused == "npm wrote the login of a registry or proxy into the lock file"


def test_without_a_manifest_there_is_no_lock() -> None:
    assert accepted(b"{}", {}, NPM) == "there is no package.json that package-lock.json could belong to"


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    accepted(npm_lock(ms="2.1.3").encode(), {**MANIFEST, "packages/a/package.json": b"{}"}, NPM)
    assert list(tmp_path.iterdir()) == []
