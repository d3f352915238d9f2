"""How much memory imageopt takes for an image with many files; prints a part of docs/benchmarks.md.

    .venv/bin/python -m benchmarks.memory

The images are made for the measurement and removed after it: a docker-archive of twelve layers, written as it is made,
with files laid out as node_modules has them, each with another content, and a package.json for each thirteenth.
"""

import hashlib
import json
import os
import random
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from benchmarks.measure import Command, in_turns, run

GOALS = ((40_000, 1_400_000_000, 80), (126_000, 4_500_000_000, 150))  # entries, bytes, most MB
LAYERS = 12
PER_FOLDER = 13
BLOCK = 512
NOISE = random.Random(7).randbytes(1 << 20)


def write_archive(path: Path, entries: int, size: int) -> None:
    """A docker-archive of so many regular files with about `size` bytes of content."""
    each = entries // LAYERS
    lengths = random.Random(11)
    diff_ids = []
    with path.open("wb") as archive:
        for layer in range(LAYERS):
            files = [_length(number, size // entries, lengths) for number in range(each)]
            names = [_name(layer, number) for number in range(each)]
            total = sum(BLOCK + _padded(length) for length in files) + 2 * BLOCK
            archive.write(_header(f"{layer}/layer.tar", total))
            diff_ids.append(f"sha256:{_write_layer(archive, names, files)}")
            archive.write(b"\0" * (-total % BLOCK))
        config = {
            "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }  # fmt: skip
        layers = [f"{layer}/layer.tar" for layer in range(LAYERS)]
        manifest = [{"Config": "config.json", "RepoTags": ["benchmark:latest"], "Layers": layers}]
        for name, document in (("config.json", config), ("manifest.json", manifest)):
            data = json.dumps(document).encode()
            archive.write(_header(name, len(data)) + data + b"\0" * (-len(data) % BLOCK))
        archive.write(b"\0" * (2 * BLOCK))


def _write_layer(archive: BinaryIO, names: list[str], files: list[int]) -> str:
    """Writes one layer's tar; gives its SHA-256."""
    digest = hashlib.sha256()
    for piece in _layer(names, files):
        digest.update(piece)
        archive.write(piece)
    return digest.hexdigest()


def _layer(names: list[str], files: list[int]) -> Iterator[bytes]:
    for name, length in zip(names, files, strict=True):
        yield _header(name, length)
        if name.endswith("/package.json"):
            folder = name.split("/")[-2]
            text = json.dumps({"name": folder, "version": "1.2.3", "description": name}).encode()
            yield text + b" " * (length - len(text)) + b"\0" * (-length % BLOCK)
        else:
            head = hashlib.sha256(name.encode()).digest()[: min(length, 32)]  # no two contents are the same
            yield head
            left = length - len(head)
            while left:
                piece = NOISE[:left]
                yield piece
                left -= len(piece)
            yield b"\0" * (-length % BLOCK)
    yield b"\0" * (2 * BLOCK)


def _length(number: int, mean: int, lengths: random.Random) -> int:
    """Bytes of a file: many small ones and few big ones, as it is."""
    return 1_200 if number % PER_FOLDER == 0 else int(lengths.paretovariate(1.5) * mean / 3)


def _name(layer: int, number: int) -> str:
    package, file = divmod(number, PER_FOLDER)
    folder = f"app{layer}/node_modules/package-{package}"
    return f"{folder}/package.json" if file == 0 else f"{folder}/lib/internal/module-{file}.js"


def _padded(length: int) -> int:
    return length + -length % BLOCK


def _header(name: str, length: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = length
    member.mtime = 1_700_000_000
    return member.tobuf(tarfile.GNU_FORMAT)


def main() -> None:
    print("| image | read | seconds | peak MB | goal | met |\n|---|---|---|---|---|---|")
    for entries, size, most in GOALS:
        with tempfile.TemporaryDirectory(prefix="imageopt-benchmark-", dir=os.environ.get("TMPDIR")) as folder:
            path = Path(folder) / "image.tar"
            write_archive(path, entries, size)
            saved = path.stat().st_size
            analyze = [sys.executable, "-m", "imageopt", "analyze", f"docker-archive:{path}", "--format", "json", "-q"]
            ways = {"headers": Command(analyze), "every byte": Command([*analyze, "--verify-digests"])}
            run(ways["headers"])
            for way, cost in in_turns(ways, 2).items():
                peak = cost.peak_bytes / 1e6
                met = "yes" if peak < most else "**no**"
                print(
                    f"| {entries:,} entries, {saved / 1e9:.1f} GB | {way} | {cost.wall_seconds:.2f} | {peak:.0f} |"
                    f" {most} MB | {met} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
