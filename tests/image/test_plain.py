"""Headers read in one step hold what the reader of all headers finds in them, or are left to it."""

import io
import tarfile

import pytest

from imageopt.image.layer import Listing
from imageopt.image.plain import plain_entry
from imageopt.source.tar import BLOCK, TarStream, walk


def _header(name: str, kind: bytes = tarfile.REGTYPE, **fields: int | str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.mode = kind, 1_700_000_000, 0o4755
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


def _slowly(header: bytes) -> tuple[object, ...]:
    """The entry as `walk` and `Listing` find it."""
    fields = Listing().fields(next(walk(TarStream(io.BytesIO(header).read))))
    assert fields is not None
    return fields


@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("usr/bin/env", tarfile.REGTYPE, {"size": 48_536, "uid": 1000, "gid": 7}),
        ("usr/bin/", tarfile.DIRTYPE, {}),
        ("./app/.npmrc", tarfile.REGTYPE, {}),
        ("/app//index.js", tarfile.REGTYPE, {"size": 8**11 - 1}),
        ("app/" + "folder/" * 20 + "file", tarfile.REGTYPE, {}),
        ("app/caf\udce9", tarfile.REGTYPE, {}),
        ("bin", tarfile.SYMTYPE, {"linkname": "./usr/bin"}),
        ("bin/sh", tarfile.LNKTYPE, {"linkname": "./bin/dash", "size": 125}),
        ("dev/null", tarfile.CHRTYPE, {"linkname": "left over"}),
        ("dev/sda", tarfile.BLKTYPE, {}),
        ("run/pipe", tarfile.FIFOTYPE, {}),
        ("run/contiguous", tarfile.CONTTYPE, {"size": 3}),
        ("app/notes.wh.txt", tarfile.REGTYPE, {}),
    ],
)
def test_a_plain_header_says_what_the_reader_of_all_headers_finds(
    name: str, kind: bytes, fields: dict[str, int | str]
) -> None:
    header = _header(name, kind, **fields)
    assert plain_entry(header, 0, proved=False) == _slowly(header)
    assert plain_entry(memoryview(b"padding" + header), 7, proved=False) == _slowly(header)


@pytest.mark.parametrize(
    "header",
    [
        _header("app/.wh.gone"),
        _header(".wh.gone"),
        _header("app/.wh..wh..opq"),
        _header("./", tarfile.DIRTYPE),
        _header("../etc/passwd"),
        _header("an/old/folder/"),
        _header("x", b"x"),
        _header("x", b"L"),
        _header("sparse", b"S"),
        _header("app/a")[:124] + b"-0000000001\0" + _header("app/a")[136:],
        _header("app/a")[:124] + b"777777777777" + _header("app/a")[136:],
        _header("app/a")[:124] + b"\x80\0\0\0\0\0\0\1\0\0\0\0" + _header("app/a")[136:],
        _header("app/a")[:100] + b"\xff" * 8 + _header("app/a")[108:],
        bytes(BLOCK),
    ],
)
def test_what_is_unusual_is_left_to_the_reader_of_all_headers(header: bytes) -> None:
    assert plain_entry(header, 0, proved=True) is None


def test_a_header_whose_sum_is_wrong_is_left_to_the_reader_of_all_headers() -> None:
    header = _header("app/a").replace(b"app/a", b"app/b")
    assert plain_entry(header, 0, proved=False) is None
    assert plain_entry(header, 0, proved=True) is not None
