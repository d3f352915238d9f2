"""What an image's own programs need, found on every way that a layer is read: this machine's `true` is the program."""

import gzip
import io
import shutil
from pathlib import Path

import pytest
from imagebuilder import Item, docker_archive, file, hardlink, layer, split_record, whiteout

from imageopt.image.captures import may_be_elf
from imageopt.image.elf import elf_facts_of
from imageopt.image.header_walk import walk_headers
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.image.model import LayerIndex
from imageopt.image.split import index_split
from imageopt.source.model import ImageRef
from imageopt.source.overlay2 import SplitLayer

PROGRAM = Path(shutil.which("true") or "/bin/true").read_bytes()
BIG = PROGRAM + bytes(1 << 19)  # what follows the sections is of no account
ITEMS = (
    file("app/addon.node", PROGRAM),
    file("app/big.node", BIG),
    file("app/script", b"#!/bin/sh\n" + b"#" * 100, mode=0o755),
    file("usr/bin/true", PROGRAM, mode=0o755),
    file("app/twice", PROGRAM, mode=0o755),
    file("app/twice", b"#" * 100, mode=0o755),
    file("last", b"the end"),
)


def split(items: tuple[Item, ...], folder: Path) -> LayerIndex:
    for item in items:
        place = folder / item.header.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(item.content)
    record = folder / "record"
    record.write_bytes(gzip.compress(split_record(layer(*items))))
    return index_split(SplitLayer("sha256:1", record, folder.resolve()))


def test_every_reader_finds_the_same(tmp_path: Path) -> None:
    data = layer(*ITEMS)
    streamed, walked = index_layer(io.BytesIO(data)), walk_headers(io.BytesIO(data), len(data))
    facts = elf_facts_of(PROGRAM)
    assert facts is not None
    assert facts.needed or facts.static
    assert streamed.elf == walked.elf == split(ITEMS, tmp_path).elf == {"app/addon.node": facts, "app/big.node": facts}
    names = [entry.path for entry in streamed.entries]
    assert [entry.path for entry in walked.entries] == names  # nothing is lost behind a jump
    assert names[-1] == "last"


def test_only_what_lives_in_the_end_counts(tmp_path: Path) -> None:
    layers = [
        layer(file("a.node", PROGRAM), file("b.node", PROGRAM), file("c.node", PROGRAM), hardlink("d.node", "c.node")),
        layer(whiteout("a.node"), file("b.node", b"x" * 100), whiteout("c.node")),
    ]
    image = load_image(ImageRef("docker-archive", str(docker_archive(tmp_path / "a.tar", layers))))
    assert list(image.elf) == ["d.node"]


@pytest.mark.parametrize(
    ("path", "mode", "size", "expected"),
    [
        ("app/node_modules/x/build/Release/x.node", 0o644, 5000, True),
        ("usr/lib/node_modules/x/x.node", 0o644, 5000, True),
        ("app/libvips.so.42", 0o644, 5000, True),
        ("app/server", 0o755, 5000, True),
        ("app/server", 0o644, 5000, False),
        ("usr/bin/git", 0o755, 5000, False),
        ("lib64/ld-linux-x86-64.so.2", 0o755, 5000, False),
        ("app/empty.node", 0o644, 10, False),
        ("usr/local/bin/node", 0o755, 100_000_000, False),
    ],
)
def test_which_files_are_asked(path: str, mode: int, size: int, expected: bool) -> None:
    assert may_be_elf(path, mode, size) is expected
