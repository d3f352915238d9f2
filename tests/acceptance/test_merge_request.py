"""A merge request from its first red pipeline to a green one, as the jobs of the component run it.

lint finds it, the gate fails and says why, the rewrite is applied, the gate passes; a GitLab in this process has the note.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from gitlabserver import TOKEN, GitLab, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FILES = {
    "Dockerfile": (
        "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nRUN chown -R node:node /app\nRUN rm -f service.log\n"
        'EXPOSE 3000\nCMD ["npm", "start"]\n'
    ),
    "server.js": "require('http').createServer((q, r) => r.end('hello')).listen(3000)\n",
    "service.log": "x" * 2_000_000,
    "package.json": json.dumps({"name": "tiny", "version": "1.0.0", "scripts": {"start": "node server.js"}}),
    "package-lock.json": json.dumps(
        {"name": "tiny", "lockfileVersion": 3, "packages": {"": {"name": "tiny", "version": "1.0.0"}}}
    ),
    "imageopt.toml": '[budget]\nunpacked = "300 MB"\nwasted = "1%"\n',
}
GATE = ("--build", "--format", "terminal", "--format", "json=imageopt-gate.json")


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with serving() as server:
        yield server


@pytest.fixture
def project(engine: str, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny service"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    yield folder
    made = subprocess.run(
        ["docker", "images", "-q", "imageopt/tiny-service"], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    subprocess.run(["docker", "rmi", "-f", *made], capture_output=True, check=False, timeout=60)


def test_from_red_to_green(project: Path, gitlab: GitLab, tmp_path: Path) -> None:
    environment = os.environ | gitlab.variables | {"XDG_STATE_HOME": str(tmp_path / "state"), "COLUMNS": "120"}
    said = []

    def job(*arguments: str, code: int) -> Sequence[str]:
        done = subprocess.run(
            [sys.executable, "-m", "imageopt", *arguments],
            cwd=project, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        said.append(done.stdout + done.stderr)
        return (done.stdout + done.stderr).splitlines()

    found = job("lint", "--fail-on", "warning", "--format", "terminal", "--format", "codequality=quality.json", code=1)
    assert any(line.startswith("Dockerfile:5:") and "copied-up-by-chown-chmod" in line for line in found)
    assert len(json.loads((project / "quality.json").read_text())) == len([line for line in found if "[" in line])

    failed = job("gate", ".", *GATE, code=1)
    assert "gate: fail" in failed
    assert any(re.match(r"fail +unpacked +1\.\d+ GB \(limit 300 MB\)", line) for line in failed)
    causes = json.loads((project / "imageopt-gate.json").read_text())["causes"]
    assert [(cause["location"]["line"], bool(cause["fix"])) for cause in causes] == [(1, True), (5, True), (6, True)]
    assert any("imageopt rewrite" in line for line in failed)
    assert job("gitlab", "note", "imageopt-gate.json", code=0)[-1] == "imageopt: the note is posted"
    red = gitlab.notes[0]["body"]

    job("rewrite", ".", "--apply", code=0)
    assert (project / "Dockerfile").read_text() != FILES["Dockerfile"]

    left = job("lint", code=0)
    assert len(left) < len(found)
    assert not any("copied-up-by-chown-chmod" in line for line in left)
    assert "gate: pass" in job("gate", ".", *GATE, code=0)
    assert job("gitlab", "note", "imageopt-gate.json", code=0)[-1] == "imageopt: the note is updated"
    assert job("gitlab", "note", "imageopt-gate.json", code=0)[-1] == "imageopt: the note is unchanged"
    (note,) = gitlab.notes
    assert note["body"] != red
    assert TOKEN not in "".join(said) + note["body"] + red
