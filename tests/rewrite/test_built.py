"""The rewritten Dockerfiles built and started: a golden file only says what was meant."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, SIGTERM, TSCONFIG, evidence, package, write

from imageopt.rewrite.propose import propose

pytestmark = pytest.mark.engine

SERVER = f"""\
    const fs = require('node:fs');
    const path = require('node:path');
    const ms = require('ms');
    const server = require('node:http').createServer((_request, response) => {{
      fs.mkdirSync('data', {{ recursive: true }});
      fs.appendFileSync('data/calls.txt', 'x');
      const page = fs.readFileSync(path.join(process.cwd(), 'public/page.txt'), 'utf8');
      response.end([page.trim(), ms('2m'), process.getuid(), process.env.NODE_ENV].join(' '));
    }}).listen(3000);
    {SIGTERM}"""

PROJECTS = {
    "typescript": {
        **package(
            prod={"ms": "2.1.3"},
            dev={"typescript": "5.4.5"},
            scripts={"build": "tsc", "start": "node dist/server.js"},
            locked={"typescript": {"bin": {"tsc": "bin/tsc"}}},  # npm links only what the lock lists
        ),
        "src/server.ts": f"    declare const require: any, process: any;\n{SERVER}",
        "tsconfig.json": TSCONFIG,
        "Dockerfile": """\
            FROM node:20
            WORKDIR /app
            COPY . .
            RUN npm install
            RUN npm run build
            HEALTHCHECK CMD curl -f http://localhost:3000/ || exit 1
            CMD ["npm", "start"]
            """,
    },
    "javascript": {
        **package(prod={"ms": "2.1.3"}, dev={"typescript": "5.4.5"}, scripts={"start": "node server.js"}),
        "server.js": SERVER,
        "Dockerfile": "FROM node:20\nWORKDIR /srv\nCOPY . .\nRUN npm install\nCMD npm start\n",
    },
}
PROBE = "fetch('http://127.0.0.1:3000/').then(async r => console.log(await r.text()), () => process.exit(1))"


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=600)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def wait_for(container: str, *command: str) -> str:
    """What the command says in the container, once it says anything."""
    deadline = time.monotonic() + 30
    while not (answer := docker("exec", container, *command, check=False)):
        assert time.monotonic() < deadline, docker("logs", container)
        time.sleep(0.2)
    return answer


@pytest.fixture(params=sorted(PROJECTS))
def tag(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[str]:
    """The image of a rewritten project; it is gone after the test."""
    root = write(tmp_path, {**PROJECTS[request.param], "public/page.txt": "page\n"})
    rewrite = propose(evidence(root), FAT)
    assert rewrite.outcome == "proposed"
    for change in rewrite.changes:
        (root / change.path).write_bytes(change.after)
    name = f"imageopt-rewrite-{request.param}"
    docker("build", "--quiet", "--tag", name, str(root))
    yield name
    docker("image", "rm", "--force", name)


def test_it_builds_answers_as_node_writes_and_stops(tag: str) -> None:
    container = docker("run", "--detach", tag)
    try:
        assert wait_for(container, "node", "-e", PROBE) == "page 120000 1000 production"
        assert docker("exec", container, "cat", "data/calls.txt")
        assert docker("exec", container, "sh", "-c", "test -e node_modules/typescript || echo none") == "none"
        probe = docker("inspect", "--format", "{{json .Config.Healthcheck}}", container)
        assert "curl" not in probe
        docker("stop", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"  # its own handler ran
    finally:
        docker("rm", "--force", container)
