"""One layer stream to its index: what a tar can hold, how it can be packed, how it can be damaged."""

import gzip
import hashlib
import io
import tarfile

import pytest
from backports import zstd
from imagebuilder import Item, digest, file, folder, hardlink, layer, symlink

from imageopt.errors import InputError
from imageopt.image.layer import index_layer
from imageopt.image.model import LayerIndex

ITEMS = [folder("d"), file("d/a", b"x" * 700), symlink("l", "d/a"), hardlink("h", "d/a"), file("d/.wh.gone")]
TAR = layer(*ITEMS)


def index(data: bytes) -> LayerIndex:
    return index_layer(io.BytesIO(data))


def test_entries_keep_the_order_and_count_stored_bytes() -> None:
    found = index(TAR)
    assert [(entry.path, entry.kind, entry.size, entry.link) for entry in found.entries] == [
        ("d", "directory", 0, ""),
        ("d/a", "file", 700, ""),
        ("l", "symlink", 0, "d/a"),
        ("h", "hardlink", 0, "d/a"),
    ]
    assert found.whiteouts == ("d/gone",)
    assert (found.tar_bytes, found.diff_id, found.digest) == (len(TAR), digest(TAR), digest(TAR))


SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
PACKED = {
    "plain": TAR,
    "gzip": gzip.compress(TAR),
    "gzip in several members": b"".join(gzip.compress(TAR[at : at + 1000]) for at in range(0, len(TAR), 1000)),
    "gzip with padding behind it": gzip.compress(TAR) + bytes(512),
    "zstd": zstd.compress(TAR),
    "zstd in several frames": b"".join(zstd.compress(TAR[at : at + 1000]) for at in range(0, len(TAR), 1000)),
    "zstd with skippable frames": SKIPPABLE + zstd.compress(TAR[:512]) + SKIPPABLE + zstd.compress(TAR[512:]),
}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_the_magic_bytes_decide_how_it_is_unpacked(data: bytes) -> None:
    found = index(data)
    assert found.entries == index(TAR).entries
    assert (found.diff_id, found.digest, found.stored_bytes) == (digest(TAR), digest(data), len(data))


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_big_ids_in_every_format(format: int) -> None:  # noqa: A002
    long = "folder/" * 20 + "name"
    items: list[Item] = [file(long, b"1")]
    if format != tarfile.USTAR_FORMAT:
        items += [symlink("s", "t" * 150), hardlink("h" * 120, long), file("big", b"2", uid=3_000_000_000)]
    data = layer(*items, format=format)
    found = index(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as oracle:
        expected = [(member.name, member.uid, member.linkname, member.size * member.isreg()) for member in oracle]
    assert [(entry.path, entry.uid, entry.link, entry.size) for entry in found.entries] == expected


def test_a_pax_header_for_all_and_one_for_one() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"uid": "77"}) as tar:
        one = tarfile.TarInfo("a")
        one.pax_headers = {"path": "renamed"}
        tar.addfile(one)
        tar.addfile(tarfile.TarInfo("b"))
    assert [(entry.path, entry.uid) for entry in index(out.getvalue()).entries] == [("renamed", 77), ("b", 77)]


def test_names_that_are_not_utf_8_survive() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        tar.addfile(tarfile.TarInfo("caf\udce9"))
    (entry,) = index(out.getvalue()).entries
    assert entry.path.encode("utf-8", "surrogateescape") == b"caf\xe9"


def sparse_gnu() -> bytes:
    """An old GNU sparse file: 5 bytes stored of 1000, as `tar --sparse --format=gnu` writes it."""
    header = bytearray(tarfile.TarInfo("s").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[124:136] = b"00000000005\0"
    header[386:398], header[398:410] = b"00000000000\0", b"00000000005\0"
    header[483:495] = b"00000001750\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"12345".ljust(512, b"\0") + bytes(1024)


def test_a_sparse_file_counts_what_the_tar_stores() -> None:
    (entry,) = index(sparse_gnu()).entries
    assert (entry.kind, entry.size, entry.logical_bytes) == ("file", 5, 1000)


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/../x"])
def test_a_name_that_leads_out_is_left_out_and_said(name: str) -> None:
    found = index(layer(file(name, b"evil"), file("b", b"1")))
    assert [entry.path for entry in found.entries] == ["b"]
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"an entry named {name!r} leads out of the image")


def test_captures_what_later_stages_read_and_nothing_else() -> None:
    kept = ["app/package.json", "app/node_modules/a/package.json", "app/node_modules/@s/b/package.json",
            "app/node_modules/.package-lock.json", "var/lib/dpkg/status", "var/lib/dpkg/info/libc6.list"]  # fmt: skip
    left = ["app/node_modules/a/lib/package.json", "app/node_modules/a/package-lock.json", "app/server.js"]
    found = index(layer(*(file(name, name.encode()) for name in kept + left)))
    assert found.contents == {name: name.encode() for name in kept}


DAMAGED = {
    "cut in a header": TAR[:700],
    "cut in a content": TAR[:1200],
    "cut in gzip": gzip.compress(TAR)[:-20],
    "flipped in gzip": gzip.compress(TAR)[:30] + b"\xff" * 20 + gzip.compress(TAR)[50:],
    "cut in zstd": zstd.compress(TAR)[:-5],
    "not a tar": b"hello" * 500,
    "a damaged number": TAR[:124] + b"zzzzzzzzzzz\0" + TAR[136:],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        index(data)
    assert caught.value.cause
    assert caught.value.remedy


def test_an_empty_stream_is_an_empty_layer() -> None:
    assert index(b"").entries == ()
    assert index(bytes(1024)).tar_bytes == 1024


def test_a_huge_extension_header_is_refused() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 100 << 20
    with pytest.raises(InputError, match="extension header"):
        index(header.tobuf())


def test_equal_content_has_equal_checksums() -> None:
    one, two, three = index(layer(file("a", b"1" * 9000), file("b", b"1" * 9000), file("c", b"2"))).entries
    assert one.checksum == two.checksum != three.checksum
    assert hashlib.sha256(b"").digest() != one.checksum
