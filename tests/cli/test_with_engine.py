"""Commands that build and run, on a service of one file: what a user types, with a real engine behind it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageopt.cli.edge import run

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SERVER = """\
const http = require('http');
const server = http.createServer((request, response) => response.end('hello'));
server.listen(3000);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
"""
DOCKERFILE = """\
FROM node:20
WORKDIR /app
COPY . .
RUN npm install
RUN chown -R node:node /app
EXPOSE 3000
CMD ["npm", "start"]
"""


@pytest.fixture
def project(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here = str(Path(sys.executable).parent)  # a Trivy in this environment would look for its database
    monkeypatch.setenv("PATH", os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != here))
    folder = tmp_path / "Tiny Service"
    folder.mkdir()
    manifest = {"name": "tiny", "version": "1.0.0", "scripts": {"start": "node server.js"}}
    lock = {
        "name": "tiny",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {"": {"name": "tiny", "version": "1.0.0"}},
    }
    for name, text in {
        "Dockerfile": DOCKERFILE, "server.js": SERVER,
        "package.json": json.dumps(manifest), "package-lock.json": json.dumps(lock),
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    (folder / "service.log").write_text("x" * 2_000_000)
    yield folder
    subprocess.run(
        ["docker", "rmi", "-f", "imageopt/tiny-service:latest"], capture_output=True, check=False, timeout=60
    )


def analysis(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert run(["analyze", *arguments, "--format", "json", "--quiet"]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def lines(document: dict[str, object]) -> list[int | None]:
    layers = document["image"]["layers"]  # type: ignore[index]
    return [layer["instruction"]["line"] if layer["instruction"] else None for layer in layers if not layer["base"]]


def test_a_build_is_remembered(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = analysis(capsys, str(project), "--build")
    assert lines(built) == [2, 3, 4, 5]
    assert analysis(capsys, str(project))["image"] == built["image"]  # found again by its label
    by_name = analysis(capsys, "docker:imageopt/tiny-service:latest")  # from anywhere: the Dockerfile is remembered
    assert lines(by_name) == [2, 3, 4, 5]
    monkeypatch.setenv("XDG_STATE_HOME", str(project.parent / "no-state"))
    assert lines(analysis(capsys, "docker:imageopt/tiny-service:latest"))[-4:] == [None] * 4
    monkeypatch.chdir(project)  # a Dockerfile here that fits the image's history
    assert lines(analysis(capsys, "docker:imageopt/tiny-service:latest")) == [2, 3, 4, 5]
    (project / "Dockerfile").write_text(DOCKERFILE.replace("RUN npm install", "RUN npm ci"))
    # a Dockerfile that only lies here must explain every layer; one that was named, what it can: never a shifted line
    assert lines(analysis(capsys, "docker:imageopt/tiny-service:latest"))[-4:] == [None] * 4
    stale = analysis(capsys, str(project))
    assert lines(stale) == [2, 3, None, 5]
    notes = " ".join(stale["notes"])  # type: ignore[arg-type]
    assert "older than Dockerfile" in notes
    assert "some lines are unknown" in notes
    tomorrow = time.time() + 86_400
    os.utime(project / "Dockerfile", (tomorrow, tomorrow))
    just_built = " ".join(analysis(capsys, str(project), "--build")["notes"])  # type: ignore[arg-type]
    assert "older than Dockerfile" not in just_built


def test_a_change_is_written_only_when_it_is_proven(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message, patch = project.parent / "message", project.parent / "patch"
    merge_request = ["--commit-message", str(message), "--patch", str(patch)]
    assert run(["rewrite", str(project), "--verify", "--apply", *merge_request]) == 0
    shown = capsys.readouterr().out
    assert "verdict: verified" in shown
    assert "not scanned: Trivy is not installed" in shown
    written = (project / "Dockerfile").read_text()
    assert "node:20-alpine" in written
    assert "USER node" in written
    told = message.read_text()
    assert re.match(r"Shrink the image from \S+ .B to \S+ .B\n", told)
    assert re.search(r"^  unpacked +\S+ .B +\S+ .B  -\d+ %$", told, re.MULTILINE)
    assert "\nVerdict: verified" in told
    assert b"+USER node" in patch.read_bytes()
    assert run(["rewrite", str(project), "--undo"]) == 0
    (project / "server.js").write_text(SERVER.replace("'hello'", "String(process.getuid())"))
    assert run(["rewrite", str(project), "--verify", "--apply", "--exit-code", "7", *merge_request]) == 7
    assert (message.read_bytes(), patch.read_bytes()) == (b"", b"")
    assert "verdict: behaviour-changed" in capsys.readouterr().out
    assert (project / "Dockerfile").read_text() == DOCKERFILE


def test_a_build_that_fails_says_where(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "Dockerfile").write_text("FROM node:20-alpine\nRUN echo broken && exit 4\n")
    assert run(["analyze", str(project), "--build", "--quiet"]) == 3
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "does not build" in errors[0]


def test_an_older_dockerfile_is_compared_with_this_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = project.parent / "Dockerfile.old"
    older.write_text(DOCKERFILE)
    (project / "Dockerfile").write_text(DOCKERFILE.replace("RUN chown -R node:node /app\n", "RUN exit 1\n"))
    assert run(["verify", str(project), "--before", str(older), "--skip-scan", "--skip-rebuild"]) == 1
    assert "verdict: broken" in capsys.readouterr().out
    (project / "Dockerfile").write_text(DOCKERFILE)
    older.write_text(DOCKERFILE.replace("EXPOSE", "RUN exit 1\nEXPOSE"))
    assert run(["verify", str(project), "--before", str(older), "--skip-scan", "--skip-rebuild"]) == 3
    assert "verdict: baseline-broken" in capsys.readouterr().out


def test_doctor_finds_what_is_there(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("found    engine")
    assert shown[1].startswith("found    buildx")


def test_nothing_to_clean(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean"]) == 0
    assert "nothing was left over" in capsys.readouterr().err
