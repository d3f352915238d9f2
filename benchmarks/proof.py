"""How long a whole proof takes beside the two cold builds that are in it.

    .venv/bin/python -m benchmarks.proof [PROJECT]

`imageopt verify` of sample_projects/agent-buildkit as a user starts it, with the scan (by the small database of the
tests, which are the same files to look through). A step lasts from the end of the one before to its own end, so what
is between two steps counts; the rebuilds after a change are listed, and left out of what is compared.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import say

ROOT = Path(__file__).parents[1]
GOAL = 1.4
_REBUILD = "again after a change"
_SLOW = 1.0  # what is shorter is summed up in one row


def main() -> None:
    named = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "sample_projects" / "agent-buildkit")
    with tempfile.TemporaryDirectory(prefix="imageopt-benchmark-") as place:
        project = Path(place) / Path(named).name
        leftovers = Path(named) / "make_leftovers.py"  # copies the project, and adds what lies about in such a folder
        if leftovers.exists():
            subprocess.run([sys.executable, leftovers, project], check=True, stdout=subprocess.DEVNULL)
        else:
            shutil.copytree(named, project, symlinks=True)
        database = Path(place) / "trivy"
        script = [sys.executable, str(ROOT / "tests" / "trivydb.py"), str(database)]
        subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
        steps, result = proof(project, Path(place), {**os.environ, "TRIVY_CACHE_DIR": str(database)})
    builds = [result["timing"]["build_seconds"][side] for side in ("before", "after")]
    print(table(steps, builds, result["verdict"]))


def proof(project: Path, place: Path, environment: dict[str, str]) -> tuple[list[tuple[str, float]], dict[str, Any]]:
    """What each step took in seconds, in their order, and the result's document."""
    document = place / "verification.json"
    program = [sys.executable, "-m", "imageopt", "verify", str(project), "--format", f"json={document}"]
    steps: list[tuple[str, float]] = []
    last = time.perf_counter()
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            now = time.perf_counter()
            text = line.strip().removeprefix("imageopt: ")
            text = text if text.startswith(("error", "hint")) else text.rpartition(": ")[0] or text
            say(f"{now - last:6.1f} s  {text}")
            steps.append((text, now - last))
            last = now
        process.wait()
    steps.append(("the rest", time.perf_counter() - last))
    if process.returncode != 0:
        sys.exit(f"the proof ended with {process.returncode}")
    return steps, json.loads(document.read_bytes())


def table(steps: list[tuple[str, float]], builds: list[float], verdict: str) -> str:
    """The figures as Markdown, with the goal."""
    counted = sum(seconds for text, seconds in steps if _REBUILD not in text)
    ratio = counted / sum(builds)
    rows = [f"| {text} | {seconds:.1f} |" for text, seconds in steps if seconds >= _SLOW]
    short = sum(seconds for _, seconds in steps if seconds < _SLOW)
    said = (
        f"agent-buildkit, verdict `{verdict}`: {counted:.0f} s without the rebuilds, {ratio:.2f} x the two cold builds "
        f"({sum(builds):.0f} s); goal {GOAL} x, {'met' if ratio <= GOAL else '**missed**'}."
    )
    last = f"| steps under a second | {short:.1f} |"
    return "\n".join((said, "", "| step | seconds |", "|---|---|", *rows, last))


if __name__ == "__main__":
    main()
