"""How long imageopt takes to say its version and its help, beside an empty Python in the same run.

    .venv/bin/python benchmarks/startup.py [RUNS [IMAGE]]

Each command is started RUNS times (20 by default), in turns; the median of wall time counts, in milliseconds. With an
IMAGE, such as docker:node:20, the screen of `explore` is waited for as well, with the image's layers in the cache.
"""

import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import click'": ["-c", "import click"],
    "imageopt --version": ["-m", "imageopt", "--version"],
    "imageopt --help": ["-m", "imageopt", "--help"],
    "imageopt lint Dockerfile": ["-m", "imageopt", "lint", "Dockerfile", "--exit-code", "0"],
    "imageopt analyze --help": ["-m", "imageopt", "analyze", "--help"],
    "imageopt analyze Dockerfile": ["-m", "imageopt", "analyze", "Dockerfile", "--quiet"],
}
EXPLORE = {"as text": b"reading its files", "files and keys": b"Explain"}  # what is on the screen, in this order
GOALS = {
    "imageopt --version": 40,
    "imageopt --help": 90,
    "imageopt lint Dockerfile": 120,
    "imageopt analyze Dockerfile": 120,
    "imageopt explore, as text": 500,
}
_LONGEST_SECONDS = 60


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text('FROM node:20-alpine\nUSER node\nCMD ["node", "x.js"]\n')
        environment = {"DOCKER_HOST": "unix:///none.sock", "PATH": "/usr/bin:/bin", "HOME": folder}
        for _ in range(runs):
            for name, arguments in COMMANDS.items():
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment
                )
                times[name].append((time.perf_counter() - started) * 1000)
        for image in sys.argv[2:]:
            place = Path(folder) / "elsewhere"
            place.mkdir()
            engine = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
            environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "TERM": "xterm-256color", **engine}
            command = [sys.executable, "-m", "imageopt", "explore", image, "--quiet"]
            _explored(command, place, environment)  # the layers are in the cache from now on
            for _ in range(runs):
                for name, took in _explored(command, place, environment).items():
                    times.setdefault(f"imageopt explore, {name}", []).append(took * 1000)
    floor = statistics.median(times["python -c pass"])
    print("| command | median ms | goal | x an empty Python |\n|---|---|---|---|")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"| `{name}` | {median:.0f} | {GOALS.get(name, '')} | {median / floor:.1f} |")


def _explored(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """The seconds after which the terminal, of 120 columns and 40 lines, was sent each text of EXPLORE."""
    ours, theirs = pty.openpty()
    environment = {**environment, "COLUMNS": "120", "LINES": "40"}
    found: dict[str, float] = {}
    seen = b""
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        while len(found) < len(EXPLORE) and time.perf_counter() - started < _LONGEST_SECONDS:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 1 << 16)
                now = time.perf_counter() - started
                found |= {name: now for name, text in EXPLORE.items() if name not in found and text in seen}
        process.kill()
    os.close(ours)
    return found


if __name__ == "__main__":
    main()
