"""Reading is bounded and never leaves the folder."""

import os
from pathlib import Path

import pytest

from imageopt.project import files


def test_a_symlink_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("x")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    assert files.read_text(root, "out") is None
    assert files.read_text(root, "../secret") is None
    assert files.read_text(root, "loop") is None
    assert files.read_text(root, "a\0b") is None
    assert not files.exists(root, "out")


def test_a_symlink_inside_the_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert files.read_text(tmp_path, "link") == "x"


def test_what_is_no_readable_text_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "big").write_text("x" * 11)
    os.mkfifo(tmp_path / "pipe")
    assert files.read_text(tmp_path, "folder") is None
    assert files.read_text(tmp_path, "big", limit=10) is None
    assert files.read_text(tmp_path, "pipe") is None  # and does not wait for a writer
    assert files.top_names(tmp_path / "absent") == ()


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfx\xff")
    assert files.read_text(tmp_path, "a") == "x\ufffd"


@pytest.mark.parametrize(
    ("path", "is_source"),
    [
        ("src/a.ts", True),
        ("a.mjs", True),
        ("a.d.ts", False),
        ("a.test.ts", False),
        ("lib.min.js", False),
        ("node_modules/x/a.js", False),
        ("tests/a.js", False),
        (".next/a.js", False),
        ("dist/a.js", False),
        ("a.json", False),
    ],
)
def test_source_files_are_the_services_own(tmp_path: Path, path: str, is_source: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("")
    assert files.source_files(tmp_path, ("dist",)) == ((path,) if is_source else ())


def test_the_number_of_source_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_SOURCES_LIMIT", 2)
    for name in "abc":
        (tmp_path / f"{name}.js").write_text("")
    assert files.source_files(tmp_path) == ("a.js", "b.js")


def test_a_loop_of_links_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert files.inside(tmp_path, "a") is None
    assert (files.exists(tmp_path, "a"), files.read_text(tmp_path, "a"), files.exists(tmp_path, "\0")) == (
        False,
        None,
        False,
    )
    assert files.inside(tmp_path, "\0") is None
