"""What other analysers get wrong inside an image, each with the exact numbers that are right.

    1  a layer hides and adds the same name          2  an opaque folder, and children of its own layer
    3  markers that look like whiteouts              4  whiteouts in the first layer, of nothing
    5  deleted, then made again                      6  kinds of entries that replace one another
    7  folders that no entry made                    8  a content lives until its last name is gone
    9  a chown, chmod, touch or link is a full copy 19  one path twice in a layer
    20 every kind of entry, and sparse files        21  bookkeeping of lazy pulling, and sums that close
    22 the same layer at two positions             23  links in a circle, or above the root

Numbers 10 to 18 and 23 to 25 concern how images are stored: tests/source/test_hard_cases.py.
"""

import io
import tarfile
from pathlib import Path

import pytest
from imagebuilder import Item, device, file, folder, hardlink, layer, oci_folder, opaque, symlink, whiteout
from imageof import check_identities, image_of

from imageopt.evidence.join import join
from imageopt.image.cache import LayerCache
from imageopt.image.layer import index_layer
from imageopt.image.load import load_image
from imageopt.report.analysis import image_section
from imageopt.source.model import ImageRef

A, B, C = b"a" * 100, b"b" * 20, b"c" * 3


def touched(name: str, content: bytes, mtime: int) -> Item:
    item = file(name, content)
    item.header.mtime = mtime
    return item


# name, layers, live names with the layer and size of their content, waste as (path, bytes, birth, death, kind)
Live = dict[str, tuple[int, int]]
Dead = list[tuple[str, int, int, int, str]]
CASES: list[tuple[str, list[list[Item]], Live, Dead]] = [
    ("1 marker first, new content after it",
     [[file("a/x", A), file("a/y", B)], [whiteout("a"), file("a/x", C)]],
     {"a/x": (1, 3)}, [("a/x", 100, 0, 1, "overwritten_changed"), ("a/y", 20, 0, 1, "deleted")]),
    ("1 new content first, marker after it",
     [[file("a/x", A), file("a/y", B)], [file("a/x", C), whiteout("a")]],
     {"a/x": (1, 3)}, [("a/x", 100, 0, 1, "overwritten_changed"), ("a/y", 20, 0, 1, "deleted")]),
    ("1 a marker of the layer's own file alone hides nothing of it",
     [[file("b", A)], [file("a", B), whiteout("a")]],
     {"b": (0, 100), "a": (1, 20)}, []),
    ("2 the marker before its folder and after a child",
     [[file("d/x", A), file("e", C)], [file("d/y", B), opaque("d"), folder("d")]],
     {"e": (0, 3), "d/y": (1, 20)}, [("d/x", 100, 0, 1, "deleted")]),
    ("2 opaque and whiteout of one folder at once",
     [[file("d/x", A)], [whiteout("d"), opaque("d"), file("d/x", A)]],
     {"d/x": (1, 100)}, [("d/x", 100, 0, 1, "overwritten_same")]),
    ("2 opaque reaches all layers below, nested folders too",
     [[file("d/e/x", A)], [file("d/y", B)], [opaque("d")]],
     {}, [("d/e/x", 100, 0, 2, "deleted"), ("d/y", 20, 1, 2, "deleted")]),
    ("3 a longer name, a bare marker and aufs' own folders hide nothing",
     [[file("d/x", A)], [file("d/.wh..wh..opqX"), file("d/.wh."), file(".wh..wh.aufs"), file("d/.wh..wh.plnk", B)]],
     {"d/x": (0, 100)}, []),
    ("4 whiteouts with nothing below, opaque root in the first layer",
     [[whiteout("gone"), opaque(""), whiteout("d/gone"), file("x", A)]],
     {"x": (0, 100)}, []),
    ("5 deleted in the second layer, made again in the third",
     [[file("a/foo", A), file("a/bar", B)], [whiteout("a")], [file("a/baz", C)]],
     {"a/baz": (2, 3)}, [("a/foo", 100, 0, 1, "deleted"), ("a/bar", 20, 0, 1, "deleted")]),
    ("5 both in one layer, between others",
     [[file("a/foo", A)], [file("a/foo", B), whiteout("a"), file("a/baz", C)], [file("a/foo", B)]],
     {"a/baz": (1, 3), "a/foo": (2, 20)},
     [("a/foo", 100, 0, 1, "overwritten_changed"), ("a/foo", 20, 1, 2, "overwritten_same")]),
    ("6 a file over a folder takes what is below it along",
     [[file("d/x", A), file("d/e/y", B)], [file("d", C)]],
     {"d": (1, 3)}, [("d/x", 100, 0, 1, "deleted"), ("d/e/y", 20, 0, 1, "deleted")]),
    ("6 a symlink over a folder, and a folder over that",
     [[file("d/x", A)], [symlink("d", "e")], [folder("d"), file("d/x", A)]],
     {"d/x": (2, 100)}, [("d/x", 100, 0, 1, "deleted")]),
    ("6 a folder's new owner wastes nothing",
     [[folder("d"), file("d/x", A)], [folder("d")], [folder("d")]],
     {"d/x": (0, 100)}, []),
    ("7 folders that no entry made can be deleted",
     [[file("some/path/x", A)], [whiteout("some/path")], [file("some/other/y", B)]],
     {"some/other/y": (2, 20)}, [("some/path/x", 100, 0, 1, "deleted")]),
    ("8 the first name goes, the content stays",
     [[file("a", A), hardlink("b", "a"), hardlink("c", "b")], [whiteout("a")], [whiteout("b")]],
     {"c": (0, 100)}, []),
    ("8 the last name goes by another way than the first",
     [[file("a", A), hardlink("b", "a")], [whiteout("a")], [file("b", A)], [whiteout("b")]],
     {}, [("a", 100, 0, 2, "overwritten_same"), ("b", 100, 2, 3, "deleted")]),
    ("8 a link keeps a lower content through its target's whiteout",
     [[file("a", A)], [whiteout("a"), hardlink("b", "a")], [whiteout("b")]],
     {}, [("a", 100, 0, 2, "deleted")]),
    ("8 links to links, all of them before the content",
     [[hardlink("c", "b"), hardlink("b", "a"), file("a", A)], [whiteout("a")], [whiteout("c")]],
     {"b": (0, 100)}, []),
    ("8 a link names the content before it, not the one that replaces it",
     [[file("a", A), hardlink("b", "a"), file("a", B)]],
     {"a": (0, 20), "b": (0, 100)}, []),
    ("9 chown, chmod and touch store the content again",
     [[file("x", A)], [file("x", A, uid=5)], [file("x", A, mode=0o600)], [touched("x", A, 99)]],
     {"x": (3, 100)}, [("x", 100, 0, 1, "overwritten_same"), ("x", 100, 1, 2, "overwritten_same"),
                       ("x", 100, 2, 3, "overwritten_same")]),
    ("9 a hardlink made in a later layer stores the content again, once for both names",
     [[file("x", A)], [file("x", A), hardlink("y", "x")]],
     {"x": (1, 100), "y": (1, 100)}, [("x", 100, 0, 1, "overwritten_same")]),
    ("9 a chown of one of two names parts them",
     [[file("x", A), hardlink("y", "x")], [file("y", A, uid=5)]],
     {"x": (0, 100), "y": (1, 100)}, []),
    ("19 the last of three wins",
     [[file("x", A), file("x", B), file("x", C)]],
     {"x": (0, 3)}, [("x", 100, 0, 0, "duplicate_entry"), ("x", 20, 0, 0, "duplicate_entry")]),
    ("19 twice in an upper layer: below once, in the layer once",
     [[file("x", A)], [file("x", B), file("x", A)]],
     {"x": (1, 100)}, [("x", 100, 0, 1, "overwritten_changed"), ("x", 20, 1, 1, "duplicate_entry")]),
    ("20 devices, pipes and links hold no bytes",
     [[device("c"), device("b", tarfile.BLKTYPE), device("p", tarfile.FIFOTYPE), symlink("s", "x"), file("x", A)]],
     {"x": (0, 100)}, []),
    ("20 a device 0/0 in a tar is a device, and no whiteout as overlayfs keeps one",
     [[file("d/x", A), file("y", B)], [device("y"), device("d")]],
     {}, [("d/x", 100, 0, 1, "deleted"), ("y", 20, 0, 1, "overwritten_changed")]),
    ("23 symlinks in a circle, and files below them, in one layer",
     [[symlink("x", "y"), symlink("y", "x"), symlink("z", "z"), file("x/a", A), file("z/b", B)], [whiteout("z")]],
     {"x/a": (0, 100)}, [("z/b", 20, 0, 1, "deleted")]),
    ("23 a symlink that leads above the root leads to the root",
     [[symlink("up", "../../.."), file("up/a", A)], [whiteout("a")]],
     {}, [("up/a", 100, 0, 1, "deleted")]),  # the dead keep the name that their tar gave them
    ("21 the index and landmarks of a lazily pulled layer are files",
     [[file(".prefetch.landmark", b"\xf0"), file("x", A), file("stargz.index.json", B)]],
     {".prefetch.landmark": (0, 1), "x": (0, 100), "stargz.index.json": (0, 20)}, []),
    ("22 one layer at two positions",
     [[file("x", A), file("y", B)], [file("z", C)], [file("x", A), file("y", B)]],
     {"x": (2, 100), "y": (2, 20), "z": (1, 3)},
     [("x", 100, 0, 2, "overwritten_same"), ("y", 20, 0, 2, "overwritten_same")]),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "live", "dead"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_lives_and_what_died_of_what(layers: list[list[Item]], live: Live, dead: Dead) -> None:
    image = image_of(*layers)
    check_identities(image)
    contents = {(birth, size) for birth, size in live.values()}
    assert sorted((f.birth, f.size) for f in image.files if f.fate == "live") == sorted(contents)
    assert {f.path for f in image.files if f.fate == "live"} <= live.keys()
    assert image.file_count == len(live)
    assert sorted((f.path, f.size, f.birth, f.death, f.fate) for f in image.files if f.fate != "live") == sorted(dead)
    assert image.problems == ()


@pytest.mark.parametrize("layers", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_what_was_counted_before_is_the_same(layers: list[list[Item]], tmp_path: Path) -> None:
    ref = ImageRef("oci", str(oci_folder(tmp_path / "oci", [layer(*items) for items in layers])))
    cache = LayerCache(tmp_path / "cache")
    bare = load_image(ref)
    assert [load_image(ref, cache=cache) for _ in range(2)] == [bare, bare]
    assert len(list(cache.folder.glob("*.image"))) == 1


def test_21_what_is_no_content_is_overhead() -> None:
    """A tar's headers, padding and the bodies of markers: 512 bytes a header, content to 512, 10 240 in all."""
    marker = file("d/.wh.x", b"body")
    image = image_of([file("d/x", A)], [marker, file("y", b"y" * 513)])
    assert image.sizes.unpacked_bytes == 613
    assert image.sizes.overhead_bytes == 2 * 10_240 - 613
    assert [each.overhead_bytes for each in image.layers] == [10_240 - 100, 10_240 - 513]
    assert image.sizes.wasted_bytes == 100


def sparse_pax() -> bytes:
    """A sparse file as GNU tar writes it to a pax archive (version 1.0): its map and 512 bytes stored, of a million."""
    stored = b"1\n0\n512\n".ljust(512, b"\0") + b"x" * 512
    member = file("GNUSparseFile.0/s", stored)
    member.header.pax_headers = {
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": "1000000",
    }  # fmt: skip
    return layer(member)


def test_20_a_sparse_file_of_a_pax_archive_counts_what_is_stored() -> None:
    (entry,) = index_layer(io.BytesIO(sparse_pax())).entries
    assert (entry.path, entry.size, entry.logical_bytes) == ("s", 1024, 1_000_000)


def sparse_gnu(segments: int) -> bytes:
    """A sparse file as GNU tar writes it to its own format: four segments fit into the header, 21 into each block after."""
    member = bytearray(tarfile.TarInfo("s").tobuf(tarfile.GNU_FORMAT))
    places = [b"%011o\0%011o\0" % (number * 1000, 5) for number in range(segments)]
    member[156:157], member[124:136], member[483:495] = b"S", b"%011o\0" % (segments * 5), b"%011o\0" % 1_000_000
    member[386:482] = b"".join(places[:4]).ljust(96, b"\0")
    blocks = [places[at : at + 21] for at in range(4, segments, 21)]
    member[482] = bool(blocks)
    member[148:156] = b" " * 8
    member[148:156] = b"%06o\0 " % sum(member)
    maps = [b"".join(block).ljust(504, b"\0") + bytes([block is not blocks[-1]]) + bytes(7) for block in blocks]
    content = (b"x" * 5 * segments).ljust(-(-5 * segments // 512) * 512, b"\0")
    return bytes(member) + b"".join(maps) + content + layer(file("after", C))


@pytest.mark.parametrize("segments", [1, 4, 5, 25, 26, 120])
def test_20_a_sparse_file_of_gnus_format_with_any_number_of_segments(segments: int) -> None:
    found = index_layer(io.BytesIO(sparse_gnu(segments)))
    assert [(entry.path, entry.size, entry.logical_bytes) for entry in found.entries] == [
        ("s", 5 * segments, 1_000_000),
        ("after", 3, 3),
    ]


@pytest.mark.parametrize("version", ["0.0", "0.1"])
def test_20_a_sparse_file_of_the_older_pax_versions(version: str) -> None:
    """Their map stands in the header: what follows is content alone. Version 0.1 has the true name there, too."""
    member = file("GNUSparseFile.0/s" if version == "0.1" else "s", b"x" * 10)
    records = {"GNU.sparse.size": "1000000", "GNU.sparse.numblocks": "2"}
    newer = {"GNU.sparse.name": "s", "GNU.sparse.map": "0,5,900000,5"}
    member.header.pax_headers = records | (newer if version == "0.1" else {"GNU.sparse.offset": "0"})
    (entry,) = index_layer(io.BytesIO(layer(member))).entries
    assert (entry.path, entry.size, entry.logical_bytes) == ("s", 10, 1_000_000)


def test_20_what_a_sparse_file_would_hold_stands_beside_what_is_stored(tmp_path: Path) -> None:
    ref = ImageRef("oci", str(oci_folder(tmp_path / "oci", [sparse_pax(), layer(file("x", A))])))
    image = load_image(ref)
    assert (image.sizes.unpacked_bytes, image.sizes.logical_bytes) == (1124, 1_000_100)
    assert [each.logical_bytes for each in image.layers] == [1_000_000, 100]
    document = image_section(join(image, None, None))
    assert document is not None
    assert document["sizes"]["logical_bytes"] == 1_000_100
    assert [each["logical_bytes"] for each in document["layers"]] == [1_000_000, 100]


def test_20_numbers_in_base_256() -> None:
    """More than eleven octal digits hold: here 8 GiB, of which only the header is written."""
    member = file("big").header
    member.size, member.uid, member.mtime = 8 << 30, 3_000_000_000, -1
    header = member.tobuf(tarfile.GNU_FORMAT)
    from imageopt.source.tar import Headers, TarStream

    found = Headers().next(TarStream(io.BytesIO(header).read))
    assert found is not None
    assert (found.stored, found.uid, found.mtime) == (8 << 30, 3_000_000_000, -1)


BASE, APP = [file("base", b"0" * 50)], [folder("app"), *(file(f"app/{number}", b"1" * 10) for number in range(30))]
ONE = [file("app", b"1" * 300)]


@pytest.mark.parametrize(
    ("layers", "wasted", "dive"),
    [
        ([BASE, APP, [whiteout("app")]], 300, (1.000, 0)),
        ([BASE, APP, [folder("app"), opaque("app")]], 300, (1.000, 0)),
        ([BASE, ONE, [whiteout("app")]], 300, (0.143, 300)),
        ([BASE, APP, [file(item.header.name, item.content, uid=1) for item in APP[1:]]], 300, (0.538, 600)),
        ([BASE + APP], 0, (1.000, 0)),
    ],
    ids=["a folder deleted", "a folder emptied", "a file deleted", "a new owner", "one layer"],
)
def test_the_true_waste_beside_dives_numbers(layers: list[list[Item]], wasted: int, dive: tuple[float, int]) -> None:
    """A base of 50 and an application of 300: where the best known analyser says 0, or twice as much."""
    image = image_of(*layers)
    assert image.sizes.wasted_bytes == wasted
    assert (round(image.dive.efficiency, 3), image.dive.wasted_bytes) == dive
