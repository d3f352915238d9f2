"""Tiny services to verify, and records of sides made in code."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imageopt.verify.model import RunRecord

# it started, listens and ends when asked, and nobody asked it anything
RUN = RunRecord(
    started=True, reason="", ready_seconds=0.5, user="0:0", port=3000, responses=(), unanswered=(), log_tail=(),
    log_problems=(), written_paths=(), stop_seconds=0.2, stop_exit_code=0,
)  # fmt: skip
SERVER = """\
const http = require('http'), fs = require('fs');
process.on('SIGTERM', () => process.exit(0));
http.createServer((request, response) => {
  if (request.url === '/visits') fs.appendFileSync('/app/data/visits', 'x');
  if (!['/', '/health', '/visits'].includes(request.url)) { response.statusCode = 404; return response.end(); }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ hello: process.env.HELLO || 'world', up: process.uptime() }));
}).listen(3000);
"""
MANIFEST = '{"name": "tiny", "version": "1.0.0", "main": "server.js", "scripts": {"start": "node server.js"}}'
BEFORE = """\
FROM node:20-alpine
WORKDIR /app
COPY . .
RUN mkdir data && head -c 2000000 /dev/urandom > junk
EXPOSE 3000
HEALTHCHECK CMD wget -qO- http://127.0.0.1:3000/health
CMD ["npm", "start"]
"""
AFTER = """\
FROM node:20-alpine
WORKDIR /app
COPY server.js package.json ./
RUN mkdir data && chown node data
USER node
EXPOSE 3000
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:3000/health').then(answer => process.exit(answer.ok ? 0 : 1))"]
CMD ["node", "server.js"]
"""


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves a journal in the user's home, or finds one there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A project folder with a server that starts, answers on port 3000 and ends when asked."""
    root = tmp_path / "tiny"
    root.mkdir()
    (root / "server.js").write_text(SERVER)
    (root / "package.json").write_text(MANIFEST)
    (root / "Dockerfile").write_text(BEFORE)
    return root


@pytest.fixture(scope="session")
def trivy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the offline database of tests/trivydb.py."""
    from trivydb import write_database

    cache = tmp_path_factory.mktemp("trivy-cache")
    write_database(cache)
    return cache


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a Python script that stands in for a program, and returns its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def after() -> str:
    """A better Dockerfile for the service."""
    return AFTER
