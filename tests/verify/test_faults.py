"""What goes wrong around a proof: an engine that goes away in the middle, and two proofs of one project at a time."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engineproxy import engine_proxy

from imageopt.progress import Progress
from imageopt.verify.bench import open_bench
from imageopt.verify.request import VerifyRequest

pytestmark = [pytest.mark.engine, pytest.mark.slow]

JOB = 'FROM node:20-alpine\nRUN head -c 300000 /dev/urandom > /junk\nCMD ["node", "-e", "console.log(6 * 7)"]\n'
BETTER = 'FROM node:20-alpine\nUSER node\nCMD ["node", "-e", "console.log(6 * 7)"]\n'


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A project folder with a command for a service, and a better Dockerfile beside its own."""
    root = tmp_path / "job"
    root.mkdir()
    (root / "Dockerfile").write_text(JOB)
    (root / "Dockerfile.better").write_text(BETTER)
    return root


def start(root: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    words = [
        "verify",
        ".",
        "--after",
        "Dockerfile.better",
        "--skip-scan",
        "--skip-rebuild",
        "--verbose",
        "--format",
        "json",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "imageopt", *words],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


def labelled_by(pid: int) -> set[str]:
    """What the engine holds of the runs of that process."""
    from conftest import LABEL

    found = set()
    for kind in ("container", "image", "network", "volume"):
        words = ["docker", kind, "ls", *(["--all"] if kind == "container" else []), f"--filter=label={LABEL}"]
        told = subprocess.run([*words, "--format=json"], capture_output=True, text=True, check=True, timeout=60).stdout
        found |= {f"{kind} {line}" for line in told.splitlines() if f"{pid}-" in line}
    return found


def test_two_proofs_of_one_project_at_the_same_time_say_the_same(job: Path, engine: str) -> None:
    both = [start(job), start(job)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert [json.loads(output)["verdict"] for output, _ in told] == ["verified", "verified"]
    assert [labelled_by(process.pid) for process in both] == [set(), set()]


@pytest.mark.parametrize(
    ("step", "slow", "left"),
    [
        ("building before", ("RUN", "RUN sleep 5 &&"), False),
        ("running before", ("console", "setTimeout(() => {}, 5000); console"), True),
    ],
)
def test_an_engine_that_goes_away_is_no_verdict_and_the_next_run_clears_up(
    job: Path, engine: str, tmp_path: Path, step: str, slow: tuple[str, str], left: bool
) -> None:
    (job / "Dockerfile").write_text(JOB.replace(*slow))
    with engine_proxy(engine, tmp_path) as proxy:
        process = start(job, {"DOCKER_HOST": proxy.host})
        assert process.stderr is not None
        for line in process.stderr:
            if f"{step} …" in line:
                break
        time.sleep(1)  # it is in the midst of it
        proxy.cut()
        output, said = process.communicate(timeout=60)
    assert (process.returncode, output) == (3, "")
    problem, remedy = said.splitlines()[-2:]
    assert re.match("error: the engine (?:broke off|does not answer)", problem)
    assert remedy.startswith("hint: ")
    assert bool(labelled_by(process.pid)) is left
    with open_bench(VerifyRequest(job, "Dockerfile", b""), Progress()):  # any run: the engine is there again
        assert labelled_by(process.pid) == set()
