"""The same input gives the same bytes, whatever Python's hashes are this time; but for the times, which `timing` holds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import docker_archive, file, layer, symlink, whiteout

pytestmark = pytest.mark.slow
FORMATS = ("terminal", "json", "markdown", "html")
LINES = [
    ["analyze", "app.tar", "--file", "Dockerfile", "--now", "2026-01-01"],
    ["analyze", ".", "--now", "2026-01-01"],
    ["rewrite", "."],
    ["compare", "app.tar", "other.tar"],
    ["gate", "app.tar", "--max-unpacked", "1", "--max-wasted", "1%", "--max-layers", "1"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project and two images with many names of everything: packages, duplicates, causes, environment, labels."""
    root = tmp_path_factory.mktemp("project")
    names = [f"name{number}" for number in range(40)]
    packages = [
        file(
            f"app/node_modules/{name}/package.json",
            json.dumps({"name": name, "version": "1.0.0"}).encode() + b" " * 9000,
        )
        for name in names
    ]
    copies = [file(f"app/{name}.log", name.encode() * 4000) for name in names[:20]]
    layers = [
        layer(file("usr/bin/gcc-12", b"c" * 90_000), file("root/.npm/_cacache/x", b"n" * 50_000)),
        layer(*packages, *copies),
        layer(*copies, symlink("app/link", "a.log"), whiteout("app/name1.log"), file("app/.git/x", b"g" * 30_000)),
    ]
    environment = [f"{name}={name}" for name in names]
    settings = {"Env": environment, "Labels": {name: name for name in names}}
    texts = ["RUN apt-get install -y gcc", "RUN npm install", "COPY . . # buildkit"]
    docker_archive(root / "app.tar", layers, created_by=texts, settings=settings)
    docker_archive(root / "other.tar", layers[:2], created_by=texts[:2], settings={"Env": environment[:3]})
    (root / "Dockerfile").write_text(
        "FROM node:20\nWORKDIR /app\nRUN apt-get install -y gcc\nCOPY . .\nRUN npm install\nCMD npm start\n"
    )
    locked = {f"node_modules/{name}": {"version": "1.0.0"} for name in names}
    manifest = {"name": "p", "scripts": {"start": "node s.js"}, "dependencies": dict.fromkeys(names, "1")}
    (root / "package.json").write_text(json.dumps(manifest))
    (root / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": {"": manifest, **locked}}))
    (root / "s.js").write_text("require('http').createServer((q, r) => r.end('x')).listen(3000)")
    return root


@pytest.mark.parametrize("line", LINES, ids=[" ".join(line) for line in LINES])
def test_the_same_twice(folder: Path, tmp_path: Path, line: list[str]) -> None:
    first, second = (dict(results(folder, tmp_path / seed, line, seed)) for seed in ("1", "4242"))
    assert list(first) == list(FORMATS)
    assert first == second


def results(folder: Path, out: Path, line: list[str], seed: str) -> Iterator[tuple[str, Any]]:
    out.mkdir()
    formats = [word for name in FORMATS for word in ("--format", f"{name}={out / name}")]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "DOCKER_HOST": "unix:///nowhere.sock",
        "XDG_CACHE_HOME": str(out),
    }
    finished = subprocess.run(
        [sys.executable, "-m", "imageopt", *line, "--quiet", *formats],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode in (0, 1), finished.stderr
    for name in FORMATS:
        text = (out / name).read_text("utf-8")
        if name == "json":
            document = json.loads(text)
            document.pop("timing")
            yield name, json.dumps(document, indent=1)  # the order of the keys too
        else:
            yield name, text
