"""imageopt beside its peers on the same images in one run, as ratios; prints a part of docs/benchmarks.md.

    .venv/bin/python -m benchmarks.image [--rounds N] [--without-slow] [IMAGE...]

Needs an engine with readable storage; the images are the patient (sample_projects/agent-buildkit, built where the
engine has none) and node:20. A goal is met where the whole process meets it: `imageopt analyze --format json` as a user
runs it, from the start of Python to the last finding, which is more than any peer does. "Reading" is the image read and
accounted for alone, without the start of Python: where the two differ, the rest of the time goes elsewhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

from benchmarks.inputs import packed, patient, peer, saved
from benchmarks.measure import Command, Cost, in_turns, run, say
from benchmarks.registry import serving

HERE = Path(__file__).parent
NODE = "node:20"
KNOWN_SECONDS = 0.4
BY_AN_ENGINE = {"docker save", "dive, engine"}  # most of their CPU time is the engine's, and is not seen


class Goal(Struct, frozen=True):
    """`work` (a key of `ours`) beside the command `peer`; `limit` is the ratio, of CPU time where `cpu`."""

    work: str
    peer: str
    limit: float
    cpu: bool = False


def goals(image: str) -> list[Goal]:
    """The lines of the table, in its order."""
    return [
        Goal("engine, its own records", "dive, engine", 0.05),
        Goal("engine, its own records", "docker save", 0.09 if image == NODE else 0.06),
        Goal("engine, through its export", "docker save", 1.1),
        Goal("plain docker-archive", "dive, archive", 0.25),
        Goal("plain docker-archive", "tarfile walk", 0.5),
        Goal("OCI layout, gzip", "dive, engine", 0.4),
        Goal("OCI layout, gzip", "dive, archive", 0.4),
        Goal("OCI layout, gzip", "isal alone", 1.25),
        Goal("OCI layout, gzip", "isal alone", 1.9, cpu=True),
        Goal("engine, layers known", "dive, engine", 0.03),
        Goal("archive, layers known", "dive, archive", 0.03),
        Goal("OCI layout, layers known", "dive, archive", 0.03),
    ]


def ours(image: str, known: str) -> dict[str, Command]:
    """Each piece of work twice, reading and whole; `known` is the cache in which all layers are known."""
    archive, layout = f"docker-archive:{saved(image)}", f"oci:{packed(image)}"
    works = {
        "engine, its own records": (f"docker:{image}", False, ""),
        "engine, through its export": (f"docker:{image}", True, ""),
        "plain docker-archive": (archive, False, ""),
        "OCI layout, gzip": (layout, False, ""),
        "engine, layers known": (f"docker:{image}", False, known),
        "archive, layers known": (archive, False, known),
        "OCI layout, layers known": (layout, False, known),
    }
    commands = {}
    for work, (reference, verify, cache) in works.items():
        environment = {"IMAGEOPT_CACHE": cache}
        reading = [str(HERE / "reading.py"), *(["--verify"] if verify else []), reference]
        commands[f"imageopt, {work}: reading"] = Command([sys.executable, *reading], environment, prints_seconds=True)
        whole = [*analyze(reference), *(["--verify-digests"] if verify else [])]
        commands[f"imageopt, {work}: whole"] = Command(whole, environment)
    return commands


def peers(image: str, without_slow: bool) -> dict[str, Command]:
    """What is held beside it. dive's rules are set to pass; Trivy and syft list packages, without vulnerabilities."""
    dive = [peer("dive"), "--ci", "--lowestEfficiency", "0", "--highestUserWastedPercent", "1"]
    archive = str(saved(image))
    quick = {
        "docker save": Command(["sh", "-c", 'exec docker save "$0" >/dev/null', image]),
        "dive, engine": Command([*dive, image]),
        "dive, archive": Command([*dive, "--source", "docker-archive", archive]),
        "tarfile walk": Command([sys.executable, str(HERE / "tar_walk.py"), archive], prints_seconds=True),
        "isal alone": Command([sys.executable, str(HERE / "decompress.py"), str(packed(image))], prints_seconds=True),
    }
    trivy = [peer("trivy"), "image", "--format", "cyclonedx", "--offline-scan", "--skip-version-check", "--quiet"]
    syft = [peer("syft"), "scan", f"docker:{image}", "--quiet", "--output", "syft-json"]
    quiet = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
    slow = {
        "Trivy, engine": Command([*trivy, "--cache-dir", "{fresh}", image], rounds=1),
        "syft, engine": Command(syft, quiet, rounds=1),
    }
    return quick if without_slow else {**quick, **slow}


def analyze(reference: str) -> list[str]:
    """The command of a user."""
    return [sys.executable, "-m", "imageopt", "analyze", reference, "--format", "json", "--quiet"]


def measured(image: str, rounds: int, without_slow: bool) -> dict[str, Cost]:
    """Everything in turns; the known layers are those of one run over each source before."""
    with tempfile.TemporaryDirectory(prefix="imageopt-benchmark-") as known:
        for reference in (f"docker:{image}", f"docker-archive:{saved(image)}", f"oci:{packed(image)}"):
            run(Command(analyze(reference), {"IMAGEOPT_CACHE": known}))
        return in_turns({**ours(image, known), **peers(image, without_slow)}, rounds)


def goal_rows(image: str, costs: dict[str, Cost]) -> list[str]:
    """One line for each goal; CPU time tells where other work stretched the clock, but not what an engine did."""
    rows = [
        "| work | beside | goal | whole process | reading alone | CPU of the whole | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for goal in goals(image):
        whole, reading = (costs[f"imageopt, {goal.work}: {way}"] for way in ("whole", "reading"))
        other = costs[goal.peer]
        wall = [cost.wall_seconds / other.wall_seconds for cost in (whole, reading)]
        cpu = [cost.cpu_seconds / other.cpu_seconds for cost in (whole, reading)]
        ratios = cpu if goal.cpu else wall
        met = "yes" if ratios[0] <= goal.limit else "reading alone" if ratios[1] <= goal.limit else "**no**"
        beside = f"{goal.peer}, CPU" if goal.cpu else goal.peer
        seen = "" if goal.cpu or goal.peer in BY_AN_ENGINE else f"{cpu[0]:.3g} x"
        figures = f"{goal.limit:g} x | {ratios[0]:.3g} x | {ratios[1]:.3g} x | {seen}"
        rows.append(f"| {goal.work} | {beside} | {figures} | {met} |")
    for work in ("engine", "archive", "OCI layout"):
        whole, reading = (costs[f"imageopt, {work}, layers known: {way}"] for way in ("whole", "reading"))
        met = "yes" if whole.wall_seconds < KNOWN_SECONDS else "**no**"
        figures = f"{KNOWN_SECONDS} s | {whole.wall_seconds:.2f} s | {reading.wall_seconds:.2f} s"
        rows.append(f"| {work}, layers known | the clock | {figures} | {whole.cpu_seconds:.2f} s | {met} |")
    return rows


def cost_rows(costs: dict[str, Cost]) -> list[str]:
    """What each command took."""
    rows = ["| command | seconds | CPU seconds | peak MB |", "|---|---|---|---|"]
    for name, cost in costs.items():
        figures = (f"{cost.wall_seconds:.2f}", f"{cost.cpu_seconds:.2f}", f"{cost.peak_bytes / 1e6:.0f}")
        rows.append(f"| {name} | {' | '.join(figures)} |")
    return rows


def manifest_only(image: str) -> str:
    """What `gate` on the download size asks of a registry."""
    with serving(packed(image)) as (reference, asked):
        gate = [sys.executable, "-m", "imageopt", "gate", reference, "--max-download", "100GB", "--quiet"]
        cost = run(Command(gate))
    others = f", {asked.others} other" if asked.others else ""
    met = "met" if asked.manifests + asked.others <= 2 and asked.blobs == 0 else "not met"
    return (
        f"`gate --max-download` asks a registry for {asked.manifests} manifest and {asked.blobs} blobs{others}, in"
        f" {cost.wall_seconds:.2f} s (goal: at most two requests, no blob: {met})."
    )


def entries(image: str) -> int:
    """How many entries the layers of the image have."""
    walk = [sys.executable, str(HERE / "tar_walk.py"), str(saved(image))]
    return int(subprocess.run(walk, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1])


def for_an_entry(costs: dict[str, Cost], count: int) -> str:
    """What one of the image's entries costs, in microseconds of CPU time: what is left to do is Python's own work."""
    work = "imageopt, engine, its own records"
    names = (f"{work}: whole", f"{work}: reading", "dive, archive", "tarfile walk")
    whole, reading, dive, walk = (costs[name].cpu_seconds / count * 1e6 for name in names)
    return (
        f"An entry costs {whole:.1f} µs of CPU time from the engine's records, the start of Python and all findings"
        f" included; reading it, {reading:.1f} µs. dive takes {dive:.1f} µs for one of its archive, which it lists and"
        f" counts, and the standard library's `tarfile` {walk:.1f} µs to walk past it."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-slow", action="store_true", help="leave out Trivy and syft")
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    options = parser.parse_args()
    if os.cpu_count() == 1:
        say("one core: 'one layer per core' is one layer")
    for image in options.images or [patient(), NODE]:
        costs = measured(image, options.rounds, options.without_slow)
        count = entries(image)
        size = f"{saved(image).stat().st_size / 1e9:.1f} GB saved, {count:,} entries"
        print(f"### {image} ({size}; the best of {options.rounds} rounds)\n")
        print("\n".join(goal_rows(image, costs)), end="\n\n")
        print(for_an_entry(costs, count), end="\n\n")
        print(manifest_only(image), end="\n\n")
        print("\n".join(cost_rows(costs)), end="\n\n")


if __name__ == "__main__":
    main()
