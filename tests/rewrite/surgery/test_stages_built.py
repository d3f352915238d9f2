"""An edited Dockerfile of several stages built and started: its stages work, and the one for tests keeps its tools."""

from pathlib import Path

import pytest
from rewrite.node_shapes import evidence, write
from rewrite.surgery.stage_shapes import FOUND
from rewrite.test_built import PROBE, PROJECTS, docker, wait_for

from imageopt.rewrite.propose import propose

pytestmark = pytest.mark.engine

DOCKERFILE = """\
    # the compiler
    FROM node:20 AS builder
    WORKDIR /app
    COPY package.json ./
    RUN npm install
    COPY . .
    RUN npm run build

    FROM builder AS test
    CMD ["npm", "test"]

    FROM node:20
    WORKDIR /app
    # all of it
    COPY --from=builder /app .
    HEALTHCHECK CMD curl -f http://localhost:3000/ || exit 1
    CMD ["npm", "start"]
    """


def test_it_builds_and_answers_as_node(engine: str, tmp_path: Path) -> None:
    files = {**PROJECTS["typescript"], "public/page.txt": "page\n", "Dockerfile": DOCKERFILE}
    rewrite = propose(evidence(write(tmp_path, files)), FOUND)
    for change in rewrite.changes:
        (tmp_path / change.path).write_bytes(change.after)
    tags = {"final": "imageopt-surgery", "test": "imageopt-surgery-test"}
    container = ""
    try:
        docker("build", "--quiet", "--tag", tags["final"], str(tmp_path))
        docker("build", "--quiet", "--target", "test", "--tag", tags["test"], str(tmp_path))
        assert docker("run", "--rm", tags["test"], "ls", "node_modules").split() == ["ms", "typescript"]
        container = docker("run", "--detach", tags["final"])
        assert wait_for(container, "node", "-e", PROBE) == "page 120000 1000"
        assert docker("exec", container, "ls", "/app").split() == [
            "data",
            "dist",
            "node_modules",
            "package.json",
            "public",
        ]
        assert docker("exec", container, "ls", "node_modules") == "ms"
        assert "fetch(" in docker("inspect", "--format", "{{json .Config.Healthcheck}}", container)
    finally:
        if container:
            docker("rm", "--force", container)
        docker("image", "rm", "--force", *tags.values(), check=False)
