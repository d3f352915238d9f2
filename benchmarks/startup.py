"""How long imageopt takes to say its version and its help, beside an empty Python in the same run.

    .venv/bin/python benchmarks/startup.py [RUNS]

Each command is started RUNS times (20 by default), in turns; the median of wall time counts, in milliseconds.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import click'": ["-c", "import click"],
    "imageopt --version": ["-m", "imageopt", "--version"],
    "imageopt --help": ["-m", "imageopt", "--help"],
    "imageopt analyze --help": ["-m", "imageopt", "analyze", "--help"],
    "imageopt analyze Dockerfile": ["-m", "imageopt", "analyze", "Dockerfile", "--quiet"],
}
GOALS = {"imageopt --version": 40, "imageopt --help": 90, "imageopt analyze Dockerfile": 120}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text('FROM node:20-alpine\nUSER node\nCMD ["node", "x.js"]\n')
        for _ in range(runs):
            for name, arguments in COMMANDS.items():
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                    env={"DOCKER_HOST": "unix:///none.sock", "PATH": "/usr/bin:/bin", "HOME": folder},
                )  # fmt: skip
                times[name].append((time.perf_counter() - started) * 1000)
    floor = statistics.median(times["python -c pass"])
    print("| command | median ms | goal | x an empty Python |\n|---|---|---|---|")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"| `{name}` | {median:.0f} | {GOALS.get(name, '')} | {median / floor:.1f} |")


if __name__ == "__main__":
    main()
