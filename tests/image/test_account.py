"""The fate of every byte: each case is a few layers in words, and what must be said of them."""

import pytest
from imagebuilder import Item, device, file, folder, hardlink, opaque, symlink, whiteout
from imageof import check_identities, image_of

A, B = b"a" * 100, b"b" * 100

# name, layers, live bytes, waste by kind
CASES: list[tuple[str, list[list[Item]], int, dict[str, int]]] = [
    ("one layer wastes nothing", [[file("a", A)]], 100, {}),
    ("deleted file", [[file("a", A)], [whiteout("a")]], 0, {"deleted": 100}),
    ("deleted folder", [[file("d/a", A), file("d/b", B)], [whiteout("d")]], 0, {"deleted": 200}),
    ("opaque folder", [[file("d/a", A)], [folder("d"), opaque("d")]], 0, {"deleted": 100}),
    ("opaque hides lower children only", [[file("d/a", A)], [file("d/b", B), opaque("d")]], 100, {"deleted": 100}),
    ("opaque root", [[file("a", A)], [opaque(""), file("b", B)]], 100, {"deleted": 100}),
    ("chown copies up", [[file("a", A)], [file("a", A, uid=1000)]], 100, {"overwritten_same": 100}),
    ("chmod copies up", [[file("a", A)], [file("a", A, mode=0o755)]], 100, {"overwritten_same": 100}),
    ("other content", [[file("a", A)], [file("a", B)]], 100, {"overwritten_changed": 100}),
    ("a symlink over a file", [[file("a", A)], [symlink("a", "b")]], 0, {"overwritten_changed": 100}),
    ("a folder over a file", [[file("a", A)], [folder("a")]], 0, {"overwritten_changed": 100}),
    ("a device over a file", [[file("a", A)], [device("a")]], 0, {"overwritten_changed": 100}),
    ("an implied folder over a file", [[file("a", A)], [file("a/b", B)]], 100, {"overwritten_changed": 100}),
    ("a file over a folder", [[file("d/a", A)], [file("d", B)]], 100, {"deleted": 100}),
    ("a symlink over a folder", [[file("d/a", A)], [symlink("d", "e")]], 0, {"deleted": 100}),
    ("a folder over a folder keeps its children", [[file("d/a", A)], [folder("d")]], 100, {}),
    ("the same path twice in a layer", [[file("a", A), file("a", B)]], 100, {"duplicate_entry": 100}),
    ("a folder in place of a file in one layer", [[file("a", A), folder("a")]], 0, {"duplicate_entry": 100}),
    ("whited out and added again: same", [[file("a", A)], [whiteout("a"), file("a", A)]], 100, {"overwritten_same": 100}),
    ("whited out and added again: other", [[file("a", A)], [file("a", B), whiteout("a")]], 100, {"overwritten_changed": 100}),
    ("added again and then replaced", [[file("d", A)], [whiteout("d"), file("d", B), folder("d/a")]], 0, {"overwritten_changed": 100, "duplicate_entry": 100}),
    ("a whiteout spares its own layer", [[file("d/x", A)], [file("d/y", B), whiteout("d")]], 100, {"deleted": 100}),
    ("a lower whiteout does not reach up", [[file("a", A)], [whiteout("a")], [file("a", B)]], 100, {"deleted": 100}),
    ("no resurrection", [[file("a/foo", A)], [whiteout("a")], [file("a/bar", B)]], 100, {"deleted": 100}),
    ("a whiteout of nothing", [[whiteout("a"), file("b", B)]], 100, {}),
    ("a bare .wh. is bookkeeping", [[file("d/a", A)], [file("d/.wh."), file("d/.wh..wh.plnk")]], 100, {}),
    ("an opaque marker with a longer name is none", [[file("d/a", A)], [file("d/.wh..wh..opqX")]], 100, {}),
    ("a 0/0 device in a tar is a device", [[file("a", A)], [device("b")]], 100, {}),
    ("a hardlink is no second copy", [[file("a", A), hardlink("b", "a")]], 100, {}),
    ("one of two names dies", [[file("a", A), hardlink("b", "a")], [whiteout("a")]], 100, {}),
    ("both names die", [[file("a", A), hardlink("b", "a")], [whiteout("a")], [whiteout("b")]], 0, {"deleted": 100}),
    ("a link to a lower layer keeps it alive", [[file("a", A)], [hardlink("b", "a")], [whiteout("a")]], 100, {}),
    ("a link before its target", [[hardlink("b", "a"), file("a", A)], [whiteout("a")]], 100, {}),
    ("a link over a copy of itself", [[file("a", A), file("b", A)], [hardlink("b", "a")]], 100, {"overwritten_same": 100}),
    ("through a symlink of the same layer", [[folder("usr/lib"), symlink("lib", "usr/lib"), file("lib/a", A)], [file("usr/lib/a", A)]],
     100, {"overwritten_same": 100}),
    ("a symlink below gives way to a folder", [[folder("usr/lib"), symlink("lib", "usr/lib")], [file("lib/a", A)], [file("usr/lib/a", A)]],
     200, {}),
    ("a copy dies once", [[file("a", A)], [file("a", A)], [whiteout("a")]], 0, {"overwritten_same": 100, "deleted": 100}),
    ("./ and / in front of names", [[file("./a", A)], [file("/a", B)]], 100, {"overwritten_changed": 100}),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "live", "waste"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_fate_of_every_byte(layers: list[list[Item]], live: int, waste: dict[str, int]) -> None:
    image = image_of(*layers)
    assert image.sizes.live_bytes == live
    assert {kind: size for kind, size in image.waste.items() if size} == waste
    check_identities(image)


def test_birth_and_death_are_layers() -> None:
    image = image_of([file("a", A), file("b", B)], [file("c", B)], [whiteout("b")])
    assert [(record.path, record.birth, record.fate, record.death) for record in image.files] == [
        ("a", 0, "live", None),
        ("b", 0, "deleted", 2),
        ("c", 1, "live", None),
    ]


def test_kind_and_death_come_from_the_last_name() -> None:
    image = image_of([file("a", A), hardlink("b", "a")], [whiteout("a")], [file("b", B)])
    assert (image.files[0].fate, image.files[0].death) == ("overwritten_changed", 2)


def test_a_link_to_nothing_is_a_problem_of_no_bytes() -> None:
    image = image_of([hardlink("b", "gone")])
    assert image.sizes.unpacked_bytes == 0
    assert image.problems == ("layer 0: b links to gone, which is not there",)


def test_counts_names_not_contents() -> None:
    image = image_of([file("a", A), hardlink("b", "a"), symlink("c", "a"), folder("d")])
    assert (image.file_count, image.layers[0].file_count) == (2, 2)


def test_duplicate_content_is_not_waste() -> None:
    image = image_of([file("a", A), file("b", A), file("c", A), file("empty"), file("empty2")])
    assert (image.duplicate_content_bytes, image.sizes.wasted_bytes) == (200, 0)


def test_a_live_file_has_its_first_live_name() -> None:
    image = image_of([file("z", A), hardlink("b", "z")], [whiteout("z")])
    assert image.files[0].path == "b"


MB = 10**6
BASE = file("base", bytes(50_000))
APP = [file(f"app/{number}", bytes([number]) * 1000) for number in range(30)]


@pytest.mark.parametrize(
    ("layers", "efficiency", "wasted", "percent"),
    [
        # the same cases that show where dive's formula goes wrong: 50 kB base, 30 kB application
        ([[BASE], APP, [whiteout("app")]], 1.0, 0, 0.0),
        ([[BASE], APP, [whiteout("app/0")]], 0.9875, 1000, 1000 / 30_000),
        ([[BASE], APP, [file(item.header.name, item.content, uid=1) for item in APP]], 80 / 110, 60_000, 1.0),
        ([[BASE], [folder("app"), *APP], [whiteout("app")], [folder("app")]], 80 / 110, 30_000, 1.0),
        ([[BASE], APP, [folder("app"), opaque("app")]], 1.0, 0, 0.0),
        ([[BASE], [folder("app"), *APP], [folder("app"), *APP[:1]]], 80 / 81, 2000, 2000 / 31_000),
        ([[BASE]], 1.0, 0, None),
        ([[]], 1.0, 0, None),
    ],
    ids=[
        "a deleted folder is no waste to dive",
        "a deleted file",
        "a chown counts twice",
        "a folder made again empty",
        "an opaque folder",
        "a file again",
        "one layer",
        "nothing",
    ],
)
def test_dives_own_numbers(layers: list[list[Item]], efficiency: float, wasted: int, percent: float | None) -> None:
    dive = image_of(*layers).dive
    assert dive.efficiency == pytest.approx(efficiency)
    assert dive.wasted_bytes == wasted
    assert dive.user_wasted_percent == (None if percent is None else pytest.approx(percent))
