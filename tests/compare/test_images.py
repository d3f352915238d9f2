"""Two images made in code, compared: every number is counted by hand here."""

from collections.abc import Sequence

import pytest
from imagebuilder import Item, file, whiteout
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.images import compare_images, size_change
from imageopt.compare.model import SizeChange
from imageopt.evidence.model import BaseImage, Category, Evidence, FileClass
from imageopt.image.model import NpmPackage, Packages, SystemPackage
from imageopt.rules.model import Finding, Fix, Location, Saving

UNKNOWN = BaseImage(None, "unknown", None)


def evidence(
    *layers: Sequence[Item],
    categories: Sequence[Category] = (),
    base: int | None = None,
    packages: Packages | None = None,
) -> Evidence:
    image = image_of(*layers)
    if packages is not None:
        image = replace(image, packages=packages)
    return Evidence(
        image=image,
        dockerfile=None,
        dockerfile_path="Dockerfile",
        project=None,
        base=UNKNOWN if base is None else BaseImage(base, "history", "node:20"),
        origins=(),
        classes=tuple(FileClass(category, None, 0) for category in categories),
        composition=(),
    )


def finding(*files: int, located: bool = True, layers: tuple[int, ...] = (0,)) -> Finding:
    return Finding(
        rule="r",
        code="IO1",
        severity="warning",
        confidence="high",
        title="t",
        message="m",
        saving=Saving(1, "exact"),
        location=Location("Dockerfile", 1, 1, 1) if located else None,
        layers=layers,
        evidence=(),
        files=files,
        fix=Fix("manual", None, "propose", ""),
    )


def test_sizes_are_of_both_and_what_is_unknown_stays_unknown() -> None:
    before = evidence([file("base", b"b" * 50)], [file("a", b"a" * 150)], [whiteout("a")], base=1)
    after = evidence([file("base", b"b" * 50)], base=None)
    sizes = compare_images(before, after).sizes
    assert sizes["unpacked_bytes"] == SizeChange(200, 50, 150, 75.0)
    assert sizes["live_bytes"] == SizeChange(50, 50, 0, 0.0)
    assert sizes["own_unpacked_bytes"] == SizeChange(150, None, None, None)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (100, 25, SizeChange(100, 25, 75, 75.0)),
        (100, 150, SizeChange(100, 150, -50, -50.0)),
        (0, 0, SizeChange(0, 0, 0, None)),
        (None, 1, SizeChange(None, 1, None, None)),
        (1, None, SizeChange(1, None, None, None)),
    ],
)
def test_a_size_change_never_takes_unknown_for_nothing(
    before: int | None, after: int | None, expected: SizeChange
) -> None:
    assert size_change(before, after) == expected


def test_a_copy_that_is_gone_is_removed_although_its_path_is_still_there() -> None:
    before = evidence(
        [file("app/a", b"same")], [file("app/a", b"same", uid=1)], categories=("overwritten", "application")
    )
    after = evidence([file("app/a", b"same", uid=1)], categories=("application",))
    comparison = compare_images(before, after)
    assert comparison.files_removed == {"overwritten": 4}
    assert comparison.files_added == {}
    assert comparison.removed_bytes == 4


def test_files_come_and_go_by_path_and_content() -> None:
    before = evidence(
        [file("kept", b"k"), file("gone", b"12345"), file("other", b"old")],
        categories=("application", "sources", "build-output"),
    )
    after = evidence(
        [file("kept", b"k"), file("other", b"newer"), file("new", b"1234567")],
        categories=("application", "build-output", "application"),
    )
    comparison = compare_images(before, after)
    assert comparison.files_removed == {"sources": 5, "build-output": 3}
    assert comparison.files_added == {"application": 7, "build-output": 5}


def test_unlike_checksums_are_not_compared() -> None:
    before = evidence([file("a", b"old")])
    after = evidence([file("a", b"new")])
    assert after.image is not None
    other = replace(after, image=replace(after.image, checksums="crc-64"))
    assert compare_images(before, after).removed_bytes == 3
    comparison = compare_images(before, other)
    assert comparison.removed_bytes == 0
    assert comparison.notes == ("files were compared by path and size: the two images have unlike checksums",)


@pytest.mark.parametrize(
    ("findings", "explained"),
    [
        ((), 0),
        ((finding(0),), 5),
        ((finding(0), finding(0, 2)), 5),  # no byte twice, and what stayed is not counted
        ((finding(0, located=False),), 0),
        ((finding(0, layers=()),), 0),
        ((finding(0), finding(1)), 8),
    ],
)
def test_removed_bytes_are_explained_by_findings_with_a_place(findings: tuple[Finding, ...], explained: int) -> None:
    before = evidence([file("a", b"12345"), file("b", b"123"), file("c", b"12")])
    comparison = compare_images(before, evidence([file("c", b"12")]), findings)
    assert (comparison.removed_bytes, comparison.explained_bytes) == (8, explained)


def npm(name: str, version: str, path: str = "app") -> NpmPackage:
    return NpmPackage(name, version, f"{path}/node_modules/{name}", 1, None)


def dpkg(name: str, version: str) -> SystemPackage:
    return SystemPackage("dpkg", name, version, name, 1, 0, False, (), ())


def test_packages_come_go_and_change() -> None:
    before = evidence(
        [], packages=Packages((npm("a", "1.0.0"), npm("b", "1.0.0"), npm("b", "2.0.0", "x")), (dpkg("git", "2"),), {})
    )
    after = evidence([], packages=Packages((npm("b", "2.0.0"), npm("c", "1.0.0")), (dpkg("git", "2"),), {}))
    comparison = compare_images(before, after)
    assert comparison.packages_removed == ("npm a 1.0.0",)
    assert comparison.packages_added == ("npm c 1.0.0",)
    assert comparison.packages_changed == ("npm b 1.0.0, 2.0.0 -> 2.0.0",)


def test_without_an_image_nothing_is_claimed() -> None:
    before = evidence([file("a", b"12345")])
    comparison = compare_images(before, replace(before, image=None))
    assert comparison.sizes["unpacked_bytes"] == SizeChange(5, None, None, None)
    assert comparison.removed_bytes == 0
    assert comparison.notes == ("one of the images could not be read",)


def test_an_image_compared_with_itself_changes_nothing() -> None:
    one = evidence([file("a", b"12345")], [file("a", b"other")], [whiteout("a")], base=1)
    comparison = compare_images(one, one)
    assert {size.saved for size in comparison.sizes.values()} == {0, None}
    assert (comparison.files_removed, comparison.files_added, comparison.removed_bytes) == ({}, {}, 0)
