"""The measurements to docs/benchmarks.md: each part is what one benchmark printed, with the commit and the machine.

    .venv/bin/python -m benchmarks.page [PART...] [-- OPTION...]

Without names all parts are measured, which takes about an hour on two cores; a part that is not named keeps the figures
and the date it has. Options go to the benchmark.
"""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.checkout import commit

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
PARTS = {
    "image": "Images, beside the peers",
    "memory": "Memory",
    "growth": "Growth with entries and layers",
    "startup": "Start",
    "dockerfile_parse": "Dockerfiles",
    "lint": "Lint, beside hadolint",
    "planning": "Planning a rewrite",
    "proof": "A whole proof, beside its two cold builds",
}
HEAD = """# How fast, how small

`make benchmark` measures everything here again and writes this page; `python -m benchmarks.page PART` one part of it.
What is measured is said at the head of each program in [benchmarks](../benchmarks). In short:

- A process is measured whole, as a user starts it: `imageopt analyze ... --format json`, with the start of Python, the
  reading, the accounting and all findings. "Reading alone" leaves out the start and the findings.
- What is compared runs in turns in one go (A B C, A B C); the best wall time of each counts. Other work on the machine
  only ever adds, so a ratio is good to some ten per cent where the machine was busy; the load is noted.
- Python's bytecode is written before what counts, as an installation writes it.
- The files are in the page cache. imageopt's cache of layers is off, but for the rows "layers known".
- CPU time and peak memory are of the process and all its children, not of the engine.
- dive runs with `--ci` and rules that pass; Trivy lists packages (`--format cyclonedx`: no vulnerabilities), with an
  empty cache; syft lists packages. These two run once, not in each round. An OCI layout is held against dive on the
  same image in the engine and as a plain archive, since dive reads no layouts.
- A goal is met where the whole process meets it.
- `isal alone` has a layer on each core. With as many big layers as cores none is left for the two digests and the
  checksums, so there the clock cannot be nearer to it than the CPU time is.
"""


def measured(part: str, options: list[str]) -> str:
    """The part's text: what the benchmark printed, under when and where that was."""
    load = os.getloadavg()[0]
    benchmark = [sys.executable, "-m", f"benchmarks.{part}", *options]
    done = subprocess.run(benchmark, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    where = (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, Linux on {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
    when = datetime.now(UTC).date().isoformat()
    return (
        f"{when}, commit {commit('imageopt')}; {where}; load before {load:.1f}, after {os.getloadavg()[0]:.1f}.\n\n"
        + (done.stdout.strip())
    )


def main() -> None:
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    named, options = arguments[:split], arguments[split + 1 :]
    names = named or [part for part in PARTS if (ROOT / "benchmarks" / f"{part}.py").exists()]
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for name in names:
        text = measured(name, options)
        known = _known() | {name: text}  # read again: a run takes long
        parts = [f"## {PARTS[part]}\n\n{known.get(part, 'not measured')}\n" for part in PARTS]
        PAGE.write_text("\n".join([HEAD, *parts]))


def _known() -> dict[str, str]:
    """The parts as the page has them."""
    page = PAGE.read_text() if PAGE.exists() else ""
    named = {title: part for part, title in PARTS.items()}
    pieces = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return {
        named[title]: text.strip() for title, text in zip(pieces[1::2], pieces[2::2], strict=True) if title in named
    }


if __name__ == "__main__":
    main()
