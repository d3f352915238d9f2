"""The diff that is shown: complete, and harmless to a terminal."""

import shutil
import subprocess
from pathlib import Path

import pytest

from imageopt.rewrite.diff import unified
from imageopt.rewrite.model import FileChange, Rewrite


def diff(before: bytes | None, after: bytes, path: str = "Dockerfile") -> str:
    return unified(Rewrite("proposed", (FileChange(path, before, after),), (), (), None, "unknown", ()))


def test_a_change_shows_both_sides() -> None:
    assert diff(b"a\nb\n", b"a\nc\n") == "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"


def test_a_new_file_comes_from_nowhere() -> None:
    assert diff(None, b"a\n", ".dockerignore").splitlines()[:2] == ["--- /dev/null", "+++ b/.dockerignore"]


def test_a_missing_newline_is_said() -> None:
    assert diff(b"a", b"a\n").splitlines()[2:] == ["@@ -1 +1 @@", "-a", "\\ No newline at end of file", "+a"]


def test_line_ends_show_only_where_they_differ() -> None:
    assert "\r" not in diff(b"a\r\n", b"b\r\n")
    assert "\\r" not in diff(b"a\r\n", b"b\r\n")
    assert "-a\\r\n+a\n" in diff(b"a\r\n", b"a\n")


def test_control_sequences_are_spelled_out() -> None:
    shown = diff(b"", "\x1b[31mred \u202eevil\x85\u2028\xff\n".encode() + b"\xfe\n")
    assert "+\\x1b[31mred \\u202eevil\\x85\\u2028ÿ\n" in shown
    assert "+\\xfe\n" in shown
    assert "\x1b" not in diff(b"", b"x\n", "\x1b[2J")


def test_a_change_with_a_summary_is_told_in_one_line() -> None:
    long = FileChange("package-lock.json", None, b"{}\n" * 30_000, "68 packages, 30,000 lines\x1b[2J")
    shown = unified(Rewrite("proposed", (long,), (), (), None, "unknown", ()))
    assert shown == "--- /dev/null\n+++ b/package-lock.json\n\\ 68 packages, 30,000 lines\\x1b[2J\n"
    mended = FileChange("yarn.lock", b"a\n", b"b\n", "1 line added")
    assert unified(Rewrite("proposed", (mended,), (), (), None, "unknown", ())).startswith(
        "--- a/yarn.lock\n+++ b/yarn"
    )


def test_nothing_changed_is_an_empty_diff() -> None:
    assert diff(b"a\n", b"a\n") == ""


@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch program here to read the diff with")
def test_patch_makes_the_new_file_of_the_old_one(tmp_path: Path) -> None:
    before, after = b"a\nb\nc\n" * 20, b"a\nb\nc\n" * 9 + b"x\n" + b"a\nb\nc\n" * 11 + b"end"
    (tmp_path / "Dockerfile").write_bytes(before)
    subprocess.run(["patch", "-p1", "-s"], input=diff(before, after).encode(), cwd=tmp_path, check=True, timeout=20)
    assert (tmp_path / "Dockerfile").read_bytes() == after
