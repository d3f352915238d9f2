"""imageopt's own image: built, analysed, scanned and gated by imageopt, against .ci/imageopt.toml."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imageopt import __version__
from imageopt.units import parse_bytes

ROOT = Path(__file__).parents[2]
BUDGET = ROOT / ".ci" / "imageopt.toml"  # not at the top: what is run from there would be held against it
CLIENT = (
    "FROM scratch\nCOPY docker /usr/local/bin/docker\nCOPY docker /usr/local/libexec/docker/cli-plugins/docker-buildx\n"
)

pytestmark = [
    pytest.mark.engine,
    pytest.mark.trivy,
    pytest.mark.slow,
    pytest.mark.usefixtures("python_image"),
]


def done(*command: object, stdin: str = "") -> str:
    finished = subprocess.run(
        [*map(str, command)], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=600, check=False
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    return finished.stdout


def imageopt(*arguments: object) -> str:
    return done(sys.executable, "-m", "imageopt", *arguments)


def index(folder: Path) -> list[str]:
    """The option by which a build gets the package index of this machine, where it has one of its own."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    url = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    (folder / "pip.conf").write_text(f"[global]\nindex-url = {url}\n")
    return ["--secret", f"id=pip,src={folder / 'pip.conf'}"] if url else []


def test_it_is_within_its_budget_and_works(
    engine: str, trivy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{trivy.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(tmp_path / "trivy"))
    done(sys.executable, "tests/trivydb.py", tmp_path / "trivy")
    pip = index(tmp_path)
    imageopt("analyze", ".", "--build", *pip, "--format", f"json={tmp_path / 'analysis.json'}")
    analysis = json.loads((tmp_path / "analysis.json").read_text())
    image = analysis["target"]["digest"]
    client = f"imageopt-tests/docker-cli:{os.getpid()}"
    made = [image, client]
    try:
        assert [found["rule"] for found in analysis["findings"]] == []
        assert imageopt("gate", ".", "--image", image, "--config", BUDGET).splitlines()[-1] == "gate: pass"

        run = ["docker", "run", "--rm", "-i"]
        assert done(*run, image, "--version") == f"imageopt {__version__}\n"
        assert "IO501" in done(*run, image, "lint", "-", stdin="FROM node:24\nCMD node x.js\n")
        inside = (
            "id -u; trivy --version | head -1; touch ~/x . && ls -A; ls /opt/imageopt/bin/pip /usr/local/bin/docker"
        )
        user, scanner, *rest = done(*run, "--entrypoint", "sh", image, "-c", f"{inside} || true").splitlines()
        assert (user, rest) == ("1000", [])
        assert scanner.startswith("Version: ")

        (tmp_path / "client").mkdir()
        (tmp_path / "client" / "docker").write_text("#!/bin/sh\necho a client\n")
        (tmp_path / "client" / "docker").chmod(0o755)
        done("docker", "build", "-q", "-t", client, "-f", "-", tmp_path / "client", stdin=CLIENT)
        with_client = done("docker", "build", "-q", *pip, "--build-arg", f"DOCKER_CLI={client}", ".").strip()
        made.append(with_client)
        shown = done(*run, "--entrypoint", "sh", with_client, "-c", "docker; /usr/local/libexec/docker/cli-plugins/*")
        assert shown == "a client\na client\n"
    finally:
        subprocess.run(["docker", "rmi", "-f", *made], capture_output=True, timeout=120, check=False)

    total = (ROOT / "README.md").read_text().split("<!-- image:begin -->\n| ")[1].split(" |")[0]
    assert analysis["image"]["sizes"]["unpacked_bytes"] == pytest.approx(parse_bytes(total), rel=0.05)
