"""The bed holds what the tests stand on."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

BED = Path(__file__).parent / "bed"


def bed_up(bed: str, *families: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "IMAGEOPT_BED": bed}
    return subprocess.run(
        [BED / "up", *families], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_says_why_when_no_engine_is_wanted() -> None:
    answer = bed_up("none")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr == "bed: IMAGEOPT_BED=none: no engine is wanted\n"


@pytest.mark.engine
@pytest.mark.parametrize("image", ["node:20", "node:20-slim", "node:20-alpine", "debian:bookworm-slim", "alpine:3.23"])
def test_base_images_are_there(engine: str, image: str) -> None:
    shown = subprocess.run(
        ["docker", "image", "inspect", image], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(shown.stdout)[0]["Os"] == "linux"


LEAVES_ONE_BEHIND = """
import subprocess

def test_leaves_a_container(engine):
    create = ["docker", "create", "--name", "{name}", "--label", "dev.imageopt.run=left", "alpine:3.23"]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
"""


@pytest.mark.engine
def test_a_test_that_leaves_a_container_behind_fails(engine: str, tmp_path: Path) -> None:
    name = f"imageopt-left-{os.getpid()}"
    (tmp_path / "test_it.py").write_text(LEAVES_ONE_BEHIND.format(name=name), encoding="utf-8")
    options = ["-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)]
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(BED.parent)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        subprocess.run(["docker", "rm", name], check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert run.returncode == 1
    assert f"left in the engine: container {name}" in run.stdout


@pytest.mark.registry
@pytest.mark.engine
def test_the_registry_keeps_what_is_pushed(registry: str) -> None:
    image = f"{registry}/bed/alpine:pushed"
    for command in (["tag", "alpine:3.23", image], ["push", "-q", image], ["rmi", image]):
        subprocess.run(["docker", *command], check=True, timeout=120, stdout=subprocess.DEVNULL)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{registry}/v2/bed/alpine/tags/list", timeout=10) as answer:
        assert json.load(answer) == {"name": "bed/alpine", "tags": ["pushed"]}


@pytest.mark.trivy
def test_trivy_is_the_real_one(trivy: Path) -> None:
    shown = subprocess.run([trivy, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.startswith("Version: ")
