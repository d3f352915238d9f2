"""How the cost of reading an image grows with its entries and its layers; prints a part of docs/benchmarks.md.

    .venv/bin/python -m benchmarks.growth [MOST_ENTRIES]

The images are made for the measurement and removed after it. Each is a docker-archive of files of 100 bytes, thirteen
in a folder, read by a whole `imageopt analyze`. CPU time tells more than wall time on a busy machine: where the time
for an entry stays what it is, the cost is linear.
"""

import hashlib
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import Struct

from benchmarks.measure import Command, Cost, in_turns

ENTRIES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
LAYERS = (1, 2, 10, 40, 120)
SPREAD = 60_000  # entries of each image with a different number of layers
PER_FOLDER = 13
CONTENT = 100  # bytes
BLOCK = 512
ROUNDS = 2
Kind = Literal["new names", "the same names in each", "each deletes the one below, name by name"]
KINDS: tuple[Kind, ...] = ("new names", "the same names in each", "each deletes the one below, name by name")


class Shape(Struct, frozen=True):
    """An image of so many layers with about so many entries in all, whiteouts among them."""

    entries: int
    layers: int
    kind: Kind = "new names"


def write_archive(path: Path, shape: Shape) -> None:
    """The docker-archive, written as it is made."""
    names = [f"{number}/layer.tar" for number in range(shape.layers)]
    diff_ids = []
    with path.open("wb") as archive:
        for number, name in enumerate(names):
            begin = archive.tell()
            archive.write(bytes(BLOCK))  # the place of the header, which holds the length
            diff_ids.append(_write_layer(archive, shape, number))
            end = archive.tell()
            archive.seek(begin)
            archive.write(_header(name, end - begin - BLOCK))
            archive.seek(end)
        config = {
            "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }  # fmt: skip
        manifest = [{"Config": "config.json", "RepoTags": ["benchmark:latest"], "Layers": names}]
        archive.write(_file("config.json", json.dumps(config).encode()))
        archive.write(_file("manifest.json", json.dumps(manifest).encode()))
        archive.write(bytes(2 * BLOCK))


def _write_layer(archive: BinaryIO, shape: Shape, layer: int) -> str:
    """Writes one layer's tar; gives its digest."""
    digest = hashlib.sha256()
    for piece in _pieces(shape, layer):
        digest.update(piece)
        archive.write(piece)
    return f"sha256:{digest.hexdigest()}"


def _pieces(shape: Shape, layer: int) -> Iterator[bytes]:
    each = shape.entries // shape.layers
    content = f"layer {layer}".ljust(CONTENT).encode()
    match shape.kind:
        case "new names":
            names = [_name(layer, number) for number in range(each)]
        case "the same names in each":
            names = [_name(0, number) for number in range(each)]
        case _:
            names = [_name(layer, number) for number in range(each // 2)]
            if layer:
                for number in range(each // 2):
                    folder, _, last = _name(layer - 1, number).rpartition("/")
                    yield _header(f"{folder}/.wh.{last}", 0)
    for name in names:
        yield _file(name, content)
    yield bytes(2 * BLOCK)


def _name(layer: int, number: int) -> str:
    package, file = divmod(number, PER_FOLDER)
    return f"app{layer}/node_modules/package-{package}/lib/module-{file}.js"


def _file(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % BLOCK)


def _header(name: str, length: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = length
    return member.tobuf(tarfile.GNU_FORMAT)


def cost_of(shape: Shape) -> Cost:
    """What analysing such an image takes: a whole process, nothing cached."""
    with tempfile.TemporaryDirectory(prefix="imageopt-benchmark-", dir=os.environ.get("TMPDIR")) as folder:
        path = Path(folder) / "image.tar"
        write_archive(path, shape)
        analyze = [sys.executable, "-m", "imageopt", "analyze", f"docker-archive:{path}", "--format", "json", "-q"]
        (cost,) = in_turns({f"{shape.entries:,} entries, {shape.layers} layers": Command(analyze)}, ROUNDS).values()
        return cost


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else max(ENTRIES)
    print("| entries, in ten layers | seconds | CPU seconds | peak MB | CPU µs for an entry | bytes for an entry |")
    print("|---|---|---|---|---|---|")
    first = None
    for entries in (number for number in ENTRIES if number <= most):
        cost = cost_of(Shape(entries, 10))
        first = first or cost
        more = entries - ENTRIES[0]  # what the process costs without entries is not theirs
        time = f"{(cost.cpu_seconds - first.cpu_seconds) / more * 1e6:.1f}" if more else ""
        memory = f"{(cost.peak_bytes - first.peak_bytes) / more:.0f}" if more else ""
        print(f"| {entries:,} | {_words(cost)} | {time} | {memory} |", flush=True)
    print(f"\n| layers, of {SPREAD:,} entries in all | what they hold | seconds | CPU seconds | peak MB |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        for layers in LAYERS:
            cost = cost_of(Shape(SPREAD, layers, kind))
            print(f"| {layers} | {kind} | {_words(cost)} |", flush=True)


def _words(cost: Cost) -> str:
    return f"{cost.wall_seconds:.2f} | {cost.cpu_seconds:.2f} | {cost.peak_bytes / 1e6:.0f}"


if __name__ == "__main__":
    main()
