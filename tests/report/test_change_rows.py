"""A comparison in words: each row says what changed, how much, and where."""

from collections.abc import Sequence
from typing import Any

import pytest
from imagebuilder import Item, file, folder, symlink
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.difference import compare
from imageopt.compare.model import Compared
from imageopt.evidence.join import join
from imageopt.image.model import Image, NpmPackage, Packages
from imageopt.report.change_rows import (
    Row,
    cause_rows,
    metadata_rows,
    package_rows,
    path_rows,
    sentences,
    signed,
    size_rows,
)
from imageopt.report.comparison import comparison_document
from imageopt.report.render import render
from imageopt.rules.model import Target

BASE = [file("bin/sh", b"s" * 1000)]


def document(before: Image, after: Image, limit: int = 10) -> dict[str, Any]:
    old, new = join(before, None, None), join(after, None, None)
    target = Target("image", "app", "docker", None, "linux/amd64")
    return comparison_document(Compared(target, target, old, new, compare(old, new, limit=limit), limit, (), 0.1))


def told(before: Sequence[Sequence[Item]], after: Sequence[Sequence[Item]]) -> dict[str, Any]:
    return document(image_of(*before), image_of(*after))


@pytest.mark.parametrize(("delta", "words"), [(None, "unknown"), (0, "0 B"), (1, "+1 B"), (-1_500_000, "-1.50 MB")])
def test_a_change_has_a_sign(delta: int | None, words: str) -> None:
    assert signed(delta) == words


# before, after, the first sentence
ANSWERS: list[tuple[list[list[Item]], list[list[Item]], str]] = [
    ([BASE], [BASE], "the same image: 1 layer and the configuration are equal"),
    ([BASE], [BASE, [file("a", b"1" * 500)]], "500 B bigger (50 %) unpacked"),
    ([BASE, [file("a", b"1" * 500)]], [BASE], "500 B smaller (33 %) unpacked"),
    ([[]], [BASE], "1.00 kB bigger unpacked"),
    ([BASE], [[folder("bin"), *BASE]], "the same files, but in layers of their own"),
    ([BASE], [[file("bin/sh", b"t" * 1000)]], "as big as before, unpacked"),
]


@pytest.mark.parametrize(("before", "after", "words"), ANSWERS)
def test_the_answer_comes_first(before: list[list[Item]], after: list[list[Item]], words: str) -> None:
    assert sentences(told(before, after))[0] == words


def test_other_bytes_of_the_same_sum_are_no_silence() -> None:
    found = told([BASE], [[file("bin/sh", b"t" * 1000)]])
    assert cause_rows(found) == [Row("0 B", None, "other", "as much, of other bytes", "layer 0")]
    assert path_rows(found) == [Row("0 B", None, "/bin/sh", "changed")]


def test_a_lone_file_has_no_count_and_a_folder_has() -> None:
    found = told(
        [[*BASE, file("a/x", b"1"), file("b", b"1")]],
        [[*BASE, file("a/x", b"1", uid=1), file("c/d", b"11"), file("c/e", b"1")]],
    )
    assert [(row.what, row.how) for row in path_rows(found)] == [("/c/", "new, 2 files"), ("/b", "gone")]
    assert [(row.what, row.how) for row in metadata_rows(found)] == [("/a/x", "owner 0:0 -> 1:0")]


def test_links_are_paths_without_bytes() -> None:
    found = told([[*BASE, symlink("bin/a", "sh")]], [[*BASE, symlink("bin/b", "sh")]])
    assert [(row.delta, row.what, row.how) for row in path_rows(found)] == [
        ("0 B", "/bin/a", "gone"),
        ("0 B", "/bin/b", "new"),
    ]


def test_packages_in_words_and_cut_at_the_limit() -> None:
    def with_packages(*packages: tuple[str, str, int]) -> Image:
        npm = tuple(
            NpmPackage(name, version, f"n/{name}{at}", size, None) for at, (name, version, size) in enumerate(packages)
        )
        return replace(image_of(BASE), packages=Packages(npm, (), {}))

    old = with_packages(("a", "1", 10), ("b", "1", 900), ("c", "2", 40), ("c", "2", 40), ("d", "1", 1))
    new = with_packages(("a", "2", 500), ("c", "2", 40), ("d", "1", 3), ("e", "7", 20))
    assert package_rows(document(old, new)) == [
        Row("-900 B", True, "npm b", "gone: 1"),
        Row("+490 B", False, "npm a", "1 -> 2"),
        Row("-40 B", True, "npm c", "2 (2 times) -> 2"),
        Row("+20 B", False, "npm e", "new: 7"),
        Row("+2 B", False, "npm d", "1 B -> 3 B, still 1"),
    ]
    assert package_rows(document(old, new, limit=2))[2] == Row("-18 B", True, "3 smaller changes", "")
    assert len(package_rows(document(old, new, limit=0))) == 5


def test_a_share_past_all_measure_is_left_out() -> None:
    rows = {row[0]: row for row in size_rows(told([[file("a", b"1")]], [[file("a", b"1" * 5000)]]))}
    assert rows["unpacked"] == ("unpacked", "1 B", "5.00 kB", "+5.00 kB", False)
    assert rows["download"] == ("download", "unknown", "unknown", "", None)
    assert rows["files"] == ("files", "1", "1", "", None)


def test_a_size_is_never_broken_in_two() -> None:
    old, new = [BASE, [file("usr/lib/a", b"a" * 5_000_000)]], [BASE, [file("usr/lib/a", b"b" * 7_000)]]
    shown = render(told(old, new), "terminal", color=False, width=52, plain=False)
    assert "5.00 MB -> 7.00 kB" in shown
