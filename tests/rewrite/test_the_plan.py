"""The Dockerfile that the shop's own plan gives as its goal, built: docs/decisions/0002 says why it is not ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "sample_projects" / "agent-buildkit"
THE_PLANS_AFTER = """\
FROM node:20-alpine AS builder
COPY package*.json ./
RUN npm ci --only=production

FROM node:20-alpine AS runtime
COPY --from=builder /app/node_modules ./node_modules
COPY dist/ ./dist/
USER node
EXPOSE 3000
"""

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def build(folder: Path) -> str:
    """The log of a build that is expected to fail."""
    (folder / "Dockerfile").write_text(THE_PLANS_AFTER)
    arguments = ["docker", "buildx", "build", "--no-cache", "--progress=plain", str(folder)]
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode != 0
    return finished.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project as CI sees it: what is committed, nothing that a build left."""
    leave = shutil.ignore_patterns("dist", "node_modules", "coverage", ".git")
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=leave))


def test_it_takes_dist_from_the_machine_that_builds(engine: object, checkout: Path) -> None:
    assert '"/dist": not found' in build(checkout)


def test_without_a_workdir_the_packages_are_not_where_it_looks(engine: object, checkout: Path) -> None:
    (checkout / "dist").mkdir()
    (checkout / "dist" / "server.js").write_text("")
    log = build(checkout)
    assert "COPY --from=builder /app/node_modules" in log
    assert "no such file or directory" in log
    assert "--omit=dev" in log  # npm's word on the deprecated flag
