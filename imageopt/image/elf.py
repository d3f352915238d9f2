"""A file in ELF format to the few facts that decide where it runs: machine, C library, what it must be linked with.

Only the ranges that hold these facts are asked for, so a program of 100 MB costs a few reads of some kilobytes. Nothing
in the file is trusted: each range is bounded, and what contradicts itself is unknown, not guessed. Follows the System V
ABI (gABI 4: headers, program headers, dynamic section) and the Linux Standard Base's `.gnu.version_r`.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern

Read = Callable[[int, int], bytes]  # offset and count to bytes; fewer only at the end of the file
Libc = Literal["glibc", "musl"]

_MACHINES = {
    3: "386", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64",
    258: "loong64",
}  # fmt: skip
_EXECUTABLE, _SHARED = 2, 3
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRING_TABLE, _STRING_SIZE, _FLAGS_1, _VERSIONS, _VERSION_COUNT = 1, 5, 10, 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFF
_POSITION_INDEPENDENT = 0x08000000  # DF_1_PIE: a program, not a library
_LONGEST = 1 << 62  # bytes of a file
_SEGMENTS = 128
_DYNAMIC_BYTES = 1 << 16
_NAMES = 4096  # libraries and versions that are looked at
_NAME = 4096  # bytes of one
_GLIBC = lazy_pattern(r"GLIBC_(\d{1,4}(?:\.\d{1,4}){1,3})")


class ElfFacts(Struct, frozen=True):
    """`interpreter` is the loader it names ("" for none), `needed` the libraries in the file's order.

    `highest_glibc` is the newest `GLIBC_` version that it asks for ("2.34"; "" for none). `static`: a program that
    needs neither loader nor library.
    """

    machine: str
    interpreter: str
    needed: tuple[str, ...]
    highest_glibc: str
    static: bool

    @property
    def libc(self) -> Libc | None:
        """The C library it was built for; None where it needs none, or does not say which."""
        names = (self.interpreter.rpartition("/")[2], *self.needed)
        if any(name.startswith(("ld-musl-", "libc.musl-")) or name == "libc.so" for name in names):
            return "musl"
        if self.highest_glibc or any(name.startswith(("ld-linux", "ld64.so", "libc.so.6")) for name in names):
            return "glibc"
        return None


class _Layout(Struct, frozen=True):
    """How the file writes numbers: 32 or 64 bits, and which end first."""

    order: str
    wide: bool

    def unpack(self, narrow: str, wide: str, data: bytes, at: int = 0) -> tuple[int, ...]:
        return struct.unpack_from(self.order + (wide if self.wide else narrow), data, at)


class _Segment(Struct, frozen=True):
    kind: int
    offset: int
    address: int
    size: int


def elf_facts(read: Read) -> ElfFacts | None:
    """The facts of the file that `read` reads; None where it is no program or library in ELF, or a damaged one."""
    try:
        return _facts(lambda offset, count: read(offset, count) if offset < _LONGEST else b"")
    except struct.error:  # it breaks off
        return None


def elf_facts_of(data: bytes) -> ElfFacts | None:
    """The facts of a whole file in memory."""
    return elf_facts(lambda offset, count: data[offset : offset + count])


def _facts(read: Read) -> ElfFacts | None:
    head = read(0, 64)
    if head[:4] != b"\x7fELF" or head[4:5] not in (b"\1", b"\2") or head[5:6] not in (b"\1", b"\2"):
        return None
    layout = _Layout("<" if head[5] == 1 else ">", head[4] == 2)
    kind, machine = layout.unpack("HH", "HH", head, 16)
    if kind not in (_EXECUTABLE, _SHARED):
        return None
    segments = _segments(read, layout, head)
    interpreter = next((_text(read, part.offset, part.size) for part in segments if part.kind == _INTERPRETER), "")
    dynamic = next((_dynamic(read, layout, part) for part in segments if part.kind == _DYNAMIC), [])
    tags = dict(dynamic)
    strings = _offset(segments, tags.get(_STRING_TABLE, 0))
    length = tags.get(_STRING_SIZE, 0)
    needed: list[str] = []
    versions: list[str] = []
    if strings is not None:
        places = [value for tag, value in dynamic if tag == _NEEDED][:_NAMES]
        needed = [_string(read, strings, length, place) for place in places]
        wanted = _offset(segments, tags.get(_VERSIONS, 0))
        if wanted is not None and _VERSIONS in tags:
            places = list(_versions(read, layout, wanted, tags.get(_VERSION_COUNT, 0)))
            versions = [_string(read, strings, length, place) for place in places]
    program = kind == _EXECUTABLE or bool(tags.get(_FLAGS_1, 0) & _POSITION_INDEPENDENT)
    return ElfFacts(
        machine=_MACHINES.get(machine, f"machine {machine}"),
        interpreter=interpreter,
        needed=tuple(name for name in needed if name),
        highest_glibc=_highest(versions),
        static=program and not interpreter and not needed,
    )


def _segments(read: Read, layout: _Layout, head: bytes) -> list[_Segment]:
    """The program headers (Elf32_Phdr, Elf64_Phdr)."""
    (start,) = layout.unpack("I", "Q", head, 32 if layout.wide else 28)
    size, count = layout.unpack("HH", "HH", head, 54 if layout.wide else 42)
    least = 56 if layout.wide else 32
    if size < least:
        return []
    table = read(start, size * min(count, _SEGMENTS))
    segments = []
    for at in range(0, len(table) - least + 1, size):
        if layout.wide:
            kind, _, offset, address, _, length = struct.unpack_from(f"{layout.order}IIQQQQ", table, at)
        else:
            kind, offset, address, _, length = struct.unpack_from(f"{layout.order}IIIII", table, at)
        segments.append(_Segment(kind, offset, address, length))
    return segments


def _dynamic(read: Read, layout: _Layout, part: _Segment) -> list[tuple[int, int]]:
    """The tags and values of the dynamic section, up to its end mark."""
    step = 16 if layout.wide else 8
    data = read(part.offset, min(part.size, _DYNAMIC_BYTES))
    found = []
    for at in range(0, len(data) - step + 1, step):
        tag, value = layout.unpack("II", "QQ", data, at)
        if tag == 0:
            break
        found.append((tag, value))
    return found


def _offset(segments: list[_Segment], address: int) -> int | None:
    """Where in the file the address lies; None where no segment holds it."""
    for part in segments:
        if part.kind == _LOAD and part.address <= address < part.address + part.size:
            return part.offset + address - part.address
    return None


def _versions(read: Read, layout: _Layout, start: int, count: int) -> Iterator[int]:
    """Where in the string table the names of the wanted versions stand (Elf_Verneed and its Elf_Vernaux)."""
    left = _NAMES
    at = start
    for _ in range(min(count, _NAMES)):
        _, versions, _, first, following = struct.unpack(f"{layout.order}HHIII", read(at, 16))
        place = at + first
        for _ in range(versions):
            if left == 0:
                return
            left -= 1
            _, _, _, name, further = struct.unpack(f"{layout.order}IHHII", read(place, 16))
            yield name
            if further == 0:
                break
            place += further
        if following == 0:
            return
        at += following


def _string(read: Read, strings: int, length: int, place: int) -> str:
    return _text(read, strings + place, length - place) if place < length else ""


def _text(read: Read, offset: int, most: int) -> str:
    """The text up to its zero byte; "" for one that has none."""
    step = 64  # most are short
    while True:
        data = read(offset, min(most, step))
        text, ended, _ = data.partition(b"\0")
        if ended:
            return text.decode("utf-8", "replace")
        if step >= min(most, _NAME) or len(data) < step:
            return ""
        step *= 8


def _highest(versions: list[str]) -> str:
    found = [match[1] for version in versions if (match := _GLIBC.fullmatch(version))]
    return max(found, key=lambda text: [int(part) for part in text.split(".")], default="")
