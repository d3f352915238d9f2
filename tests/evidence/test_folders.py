"""Folders with their bytes: each byte in one row, small ones folded upwards, waste told apart."""

from imagebuilder import file, folder, whiteout
from imageof import image_of

from imageopt.evidence.folders import FolderRow, folder_rows


def test_each_byte_is_in_one_row_of_its_layer() -> None:
    image = image_of(
        [folder("usr"), file("usr/big", bytes(5_000)), file("usr/lib/a/x", bytes(300)), file("usr/lib/b/y", bytes(300)), file("z", bytes(7))],
        [file("app/one", bytes(10)), file("app/two", bytes(1_200)), whiteout("usr/lib/a")],
    )  # fmt: skip
    rows = folder_rows(image, rows=10)
    assert sum(row.bytes for row in rows) == image.sizes.unpacked_bytes
    assert sum(row.wasted_bytes for row in rows) == image.sizes.wasted_bytes
    assert rows == (
        FolderRow("", 0, 607, 300, 3),  # nothing below is a tenth of the image
        FolderRow("usr/big", 0, 5_000, 0, 1),
        FolderRow("", 1, 10, 0, 1),
        FolderRow("app/two", 1, 1_200, 0, 1),
    )


def test_a_folder_is_opened_as_far_as_it_matters() -> None:
    image = image_of([file(f"usr/lib/{name}/{number}", bytes(100)) for name in "ab" for number in range(8)])
    assert [(row.path, row.bytes, row.file_count) for row in folder_rows(image, rows=3)] == [
        ("usr/lib/a", 800, 8),
        ("usr/lib/b", 800, 8),
    ]
    assert [(row.path, row.bytes) for row in folder_rows(image, rows=1)] == [("", 1600)]


def test_an_empty_image_has_no_rows() -> None:
    assert folder_rows(image_of([folder("usr")])) == ()
