"""What frameworks' own generators make today, never seen here before: from a naive Dockerfile to a proof.

    .venv/bin/python tests/generators.py FILE     all four, with the figures written to FILE; `make proof` does that

What surprises: the generators are those of the day, so a project is never twice the same, and neither are the figures.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.checkout import commit

NODE = "node:24"
_TRIES = 3  # npx gives up (ECOMPROMISED) where the machine stood still for a moment and its lock looks stale


class App(Struct, frozen=True):
    """`command` makes the folder `app`; `main` is the package whose version is noted with the figures."""

    name: str
    command: str
    main: str
    start: str
    port: int = 3000
    builds: bool = True

    @property
    def dockerfile(self) -> str:
        """As somebody writes it who has read one tutorial."""
        build = "RUN npm run build\n" if self.builds else ""
        return f"FROM {NODE}\nWORKDIR /app\nCOPY . .\nRUN npm install\n{build}EXPOSE {self.port}\nCMD {self.start}\n"


APPS = (
    App("express", "npx --yes express-generator app", "express", '["npm", "start"]', builds=False),
    App(
        "nest",
        "npx --yes @nestjs/cli new app --package-manager npm --skip-git --skip-install",
        "@nestjs/core",
        '["npm", "start"]',
    ),
    App(
        "next",
        "npx --yes create-next-app@latest app --empty --yes --use-npm --skip-install --disable-git",
        "next",
        '["npm", "start"]',
    ),
    App(
        "vite",
        "npm create --yes vite@latest app -- --template react-ts --no-interactive",
        "vite",
        '["npm", "run", "preview", "--", "--host", "0.0.0.0"]',
        port=4173,
    ),
)


def generate(app: App, folder: Path) -> Path:
    """The project as its generator leaves it, with a lock file and the naive Dockerfile, in a new folder."""
    script = f"cd /tmp && {{ {app.command} && cd app && npm install --package-lock-only; }} >&2 && tar -c ."
    command = ["docker", "run", "--rm", "--env", "CI=1", NODE, "sh", "-c", script]
    for _ in range(_TRIES):
        done = subprocess.run(command, capture_output=True, timeout=900, check=False)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    project = folder / app.name
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.2, which Debian 12 has, knows no filters
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(project)
    (project / "Dockerfile").write_text(app.dockerfile)
    return project


def prove(project: Path) -> dict[str, Any]:
    """The result of `imageopt verify` for the project, with no configuration and no option that changes its answer."""
    result = project.with_suffix(".json")
    command = [sys.executable, "-m", "imageopt", "verify", str(project), "--format", f"json={result}"]
    command += ["--skip-rebuild", "--skip-scan"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert result.exists(), done.stdout + done.stderr
    document: dict[str, Any] = json.loads(result.read_text())
    return document


def figures(app: App, project: Path, result: dict[str, Any]) -> dict[str, object]:
    """What is worth keeping of a result."""
    lock = json.loads((project / "package-lock.json").read_text())
    sizes = {side: (result[side].get("image") or {}).get("sizes", {}) for side in ("before", "after")}
    return {
        "generator": app.command,
        "version": lock["packages"][f"node_modules/{app.main}"]["version"],
        "verdict": result["verdict"],
        "reasons": result["reasons"],
        "bases": [line[6:] for line in result["rewrite"]["diff"].splitlines() if line.startswith("+FROM ")],
        "unpacked_bytes": {side: sizes[side].get("unpacked_bytes") for side in sizes},
        "requests": len(result["after"]["run"].get("responses", ())),
    }


def main(target: Path) -> int:
    """Proves every app and writes the figures; 1 if one is not verified."""
    found: dict[str, object] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for app in APPS:
            project = generate(app, Path(folder))
            result = prove(project)
            found[app.name] = figures(app, project, result)
            failed |= result["verdict"] != "verified"
            print(f"{app.name:10} {result['verdict']:18} {found[app.name]}", flush=True)
    target.write_text(json.dumps({"commit": commit(), "node": NODE, "apps": found}, indent=2) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
