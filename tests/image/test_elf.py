"""Where a program runs, read from synthetic files in each format, from this machine's own, and from damaged ones."""

import os
import random
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from imageopt.image.elf import ElfFacts, elf_facts, elf_facts_of

ADDRESS = 0x10000  # where the file is loaded
PIE = 0x08000000


def elf(
    *,
    machine: int = 62,
    kind: int = 3,
    wide: bool = True,
    order: str = "<",
    interpreter: str = "",
    needed: tuple[str, ...] = (),
    versions: tuple[str, ...] = (),
    flags: int = 0,
    dynamic: bool = True,
) -> bytes:
    """A file with the named facts and nothing else: headers, texts, versions, dynamic section."""
    number, header, segment = ("Q", 64, 56) if wide else ("I", 52, 32)
    count = 1 + bool(interpreter) + dynamic
    at = header + count * segment
    strings, places = b"\0", {}
    for text in (*needed, *versions):
        places[text] = len(strings)
        strings += text.encode() + b"\0"
    loader = interpreter.encode() + b"\0"
    wanted = b""
    if versions:
        wanted = struct.pack(f"{order}HHIII", 1, len(versions), 1, 16, 0)
        for index, text in enumerate(versions):
            last = index == len(versions) - 1
            wanted += struct.pack(f"{order}IHHII", 0, 0, 0, places[text], 0 if last else 16)
    loader_at, strings_at = at, at + len(loader)
    wanted_at = strings_at + len(strings)
    dynamic_at = wanted_at + len(wanted)
    tags = [(1, places[text]) for text in needed] + [(5, ADDRESS + strings_at), (10, len(strings))]
    tags += [(0x6FFFFFFB, flags)] + ([(0x6FFFFFFE, ADDRESS + wanted_at), (0x6FFFFFFF, 1)] if versions else [])
    section = b"".join(struct.pack(order + 2 * number, *tag) for tag in [*tags, (0, 0), (1, 9999)])
    whole = dynamic_at + len(section)
    parts = [(1, 0, whole)]
    parts += [(3, loader_at, len(loader))] if interpreter else []
    parts += [(2, dynamic_at, len(section))] if dynamic else []
    table = b""
    for what, offset, size in parts:
        if wide:
            table += struct.pack(f"{order}IIQQQQQQ", what, 5, offset, ADDRESS + offset, 0, size, size, 1)
        else:
            table += struct.pack(f"{order}IIIIIIII", what, offset, ADDRESS + offset, 0, size, size, 5, 1)
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    rest = struct.pack(
        f"{order}HHI{3 * number}IHHHHHH", kind, machine, 1, 0, header, 0, 0, header, segment, count, 0, 0, 0
    )
    return ident + rest + table + loader + strings + wanted + section


GLIBC_PROGRAM = elf(
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=("libm.so.6", "libc.so.6"),
    versions=("GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.9", "GLIBCXX_3.4.30", "GLIBC_PRIVATE"),
    flags=PIE,
)
CASES = {
    "a program for glibc": (
        GLIBC_PROGRAM,
        ElfFacts("amd64", "/lib64/ld-linux-x86-64.so.2", ("libm.so.6", "libc.so.6"), "2.34", False),
        "glibc",
    ),
    "a program for musl": (
        elf(machine=183, interpreter="/lib/ld-musl-aarch64.so.1", needed=("libc.musl-aarch64.so.1",)),
        ElfFacts("arm64", "/lib/ld-musl-aarch64.so.1", ("libc.musl-aarch64.so.1",), "", False),
        "musl",
    ),
    "an add-on of Node for musl": (
        elf(needed=("libstdc++.so.6", "libc.musl-x86_64.so.1")),
        ElfFacts("amd64", "", ("libstdc++.so.6", "libc.musl-x86_64.so.1"), "", False),
        "musl",
    ),
    "an add-on for musl, by its common name": (
        elf(needed=("libc.so",)),
        ElfFacts("amd64", "", ("libc.so",), "", False),
        "musl",
    ),
    "an add-on that asks for a version alone": (
        elf(needed=("libc.so.6",), versions=("GLIBC_2.2.5",)),
        ElfFacts("amd64", "", ("libc.so.6",), "2.2.5", False),
        "glibc",
    ),
    "a static program": (elf(kind=2, dynamic=False), ElfFacts("amd64", "", (), "", True), None),
    "a static program that can be moved": (elf(flags=PIE), ElfFacts("amd64", "", (), "", True), None),
    "a library that needs nothing is no static program": (elf(), ElfFacts("amd64", "", (), "", False), None),
    "32 bits, the other end first": (
        elf(machine=20, wide=False, order=">", needed=("libc.so.6",), versions=("GLIBC_2.17",)),
        ElfFacts("ppc", "", ("libc.so.6",), "2.17", False),
        "glibc",
    ),
    "32 bits": (
        elf(machine=40, wide=False, interpreter="/lib/ld-linux-armhf.so.3", needed=("libc.so.6",)),
        ElfFacts("arm", "/lib/ld-linux-armhf.so.3", ("libc.so.6",), "", False),
        "glibc",
    ),
    "a machine without a name": (elf(machine=999), ElfFacts("machine 999", "", (), "", False), None),
}


@pytest.mark.parametrize(("data", "expected", "libc"), CASES.values(), ids=CASES.keys())
def test_facts(data: bytes, expected: ElfFacts, libc: str | None) -> None:
    found = elf_facts_of(data)
    assert found == expected
    assert found.libc == libc


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + bytes(60), elf(kind=1), elf(kind=4)])
def test_what_is_no_program(data: bytes) -> None:
    assert elf_facts_of(data) is None


def test_any_prefix_and_any_damage_ends_soon() -> None:
    chance = random.Random(7)
    for length in range(len(GLIBC_PROGRAM)):
        elf_facts_of(GLIBC_PROGRAM[:length])
    for _ in range(3000):
        data = bytearray(GLIBC_PROGRAM)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(16, len(data))] = chance.choice((0, 1, 0x7F, 0xFF))
        reads = 0

        def read(offset: int, count: int, data: bytes = bytes(data)) -> bytes:
            nonlocal reads
            reads += count
            assert 0 <= offset < 1 << 63
            return data[offset : offset + count]

        elf_facts(read)
        assert reads < 1 << 20


def test_versions_without_end() -> None:
    """Each entry leads to itself: the reader gives up after a fixed number."""
    data = elf(needed=("libc.so.6",), versions=("GLIBC_2.5", "GLIBC_2.6"))
    entry = struct.pack("<HHIII", 1, 2, 1, 16, 0)
    loop = struct.pack("<HHIII", 1, 0xFFFF, 1, 0, 1)
    assert elf_facts_of(data.replace(entry, loop)) is not None


def test_a_program_of_this_machine_costs_few_reads() -> None:
    asked = 0
    with Path(sys.executable).resolve().open("rb") as stream:

        def read(offset: int, count: int) -> bytes:
            nonlocal asked
            asked += count
            return os.pread(stream.fileno(), count, offset)

        facts = elf_facts(read)
    assert facts is not None
    assert facts.libc in ("glibc", "musl")
    assert not facts.static
    assert asked < 100_000


@pytest.mark.parametrize("program", ["sh", "tar", "node", "git", sys.executable])
def test_against_readelf(program: str) -> None:
    """binutils is the oracle."""
    readelf, place = shutil.which("readelf"), shutil.which(program)
    if readelf is None or place is None:
        pytest.skip(f"readelf or {program} is not installed")
    said = subprocess.run([readelf, "-dVl", place], capture_output=True, text=True, check=True, timeout=60).stdout
    facts = elf_facts_of(Path(place).read_bytes())
    if facts is None:
        pytest.skip(f"{program} is a script here")
    assert facts.needed == tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", said))
    assert facts.interpreter == re.findall(r"interpreter: (.*)\]", said)[0]
    versions = {tuple(map(int, text.split("."))) for text in re.findall(r"Name: GLIBC_([\d.]+)", said)}
    assert tuple(map(int, facts.highest_glibc.split("."))) == max(versions)
