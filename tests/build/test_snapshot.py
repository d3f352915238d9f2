"""The copy of a project: faithful, free to change, gone afterwards, and never a way to the user's files."""

import json
import os
import socket
from pathlib import Path
from zlib import crc32

import pytest

from imageopt.build.snapshot import snapshot
from imageopt.errors import InputError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "server.js").write_text("run()")
    (root / "package.json").write_text("{}")
    (root / "start").write_text("#!/bin/sh\n")
    (root / "start").chmod(0o750)
    return root


def test_the_copy_has_the_same_files_modes_and_links(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (project / "link").symlink_to("../outside")
    (project / "folder-link").symlink_to("src")
    with snapshot(project) as copy:
        assert (copy.folder / "src" / "server.js").read_text() == "run()"
        assert (copy.folder / "start").stat().st_mode & 0o777 == 0o750
        assert (copy.folder / "link").readlink() == Path("../outside")
        assert (copy.folder / "folder-link").readlink() == Path("src")
        assert copy.left_out == ()


def test_sockets_and_pipes_are_left_out(project: Path) -> None:
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "src" / "sock"))
        with snapshot(project) as copy:
            assert copy.left_out == ("pipe", "src/sock")
            assert not (copy.folder / "pipe").exists()


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("a.ts", "x", "x\n// changed by imageopt to time a rebuild, r1\n"),
        ("a.py", "x", "x\n# changed by imageopt to time a rebuild, r1\n"),
        ("a.css", "x", "x\n/* changed by imageopt to time a rebuild, r1 */\n"),
        ("a.html", "x", "x\n<!-- changed by imageopt to time a rebuild, r1 -->\n"),
        ("a.json", "{}", "{}\n" + "\n" * (crc32(b"r1") % 4096) + "\n"),
    ],
)
def test_a_change_is_a_comment_and_never_reaches_the_users_file(
    project: Path, name: str, text: str, changed: str
) -> None:
    (project / name).write_text(text)
    (project / name).chmod(0o640)
    with snapshot(project) as copy:
        copy.change_one_file(name, "r1")
        assert (copy.folder / name).read_text() == changed
        assert (copy.folder / name).stat().st_mode & 0o777 == 0o640
        assert (project / name).read_text() == text


@pytest.mark.parametrize("relative", ["missing.js", "../outside", "/etc/passwd", "src", "link", "up/outside"])
def test_what_is_no_file_of_the_copy_is_not_changed(project: Path, tmp_path: Path, relative: str) -> None:
    (tmp_path / "outside").write_text("mine")
    (project / "link").symlink_to("../outside")
    (project / "up").symlink_to(tmp_path)
    with snapshot(project) as copy, pytest.raises(InputError, match="no file of the project"):
        copy.change_one_file(relative, "r1")
    assert (tmp_path / "outside").read_text() == "mine"


def test_the_copy_is_gone_after_an_error_even_where_folders_forbid_writing(project: Path) -> None:
    (project / "src").chmod(0o555)
    seen: list[Path] = []

    def interrupted() -> None:
        with snapshot(project) as copy:
            seen.append(copy.folder)
            assert (copy.folder / "src").stat().st_mode & 0o777 == 0o555
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (kept,) = seen
    assert not kept.exists()
    assert not kept.parent.exists()


def test_across_file_systems_the_files_are_copies(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with snapshot(project) as copy:
        assert (copy.folder / "src" / "server.js").read_text() == "run()"
        assert (copy.folder / "src" / "server.js").stat().st_nlink == 1


def test_links_cost_no_room_on_the_same_file_system(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with snapshot(project) as copy:
        assert (copy.folder / "src" / "server.js").stat().st_nlink == 2


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"), snapshot(tmp_path / "none"):
        pass


@pytest.mark.parametrize("name", ["a.js", "a.json"])
def test_no_two_runs_make_the_same_change(project: Path, name: str) -> None:
    """Else the builder would take the second run's rebuild from its cache, and time nothing."""
    (project / name).write_text("{}")
    changed = []
    for run_id in ("r1", "r2"):
        with snapshot(project) as copy:
            copy.change_one_file(name, run_id)
            changed.append((copy.folder / name).read_bytes())
    assert changed[0] != changed[1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"name": "a", "dependencies": {}}'),
        ("composer.json", "{}"),
        ("requirements.txt", "flask\n"),
        ("go.mod", "module a\n"),
    ],
)
def test_a_manifest_becomes_another_file_that_asks_for_the_same(tmp_path: Path, name: str, text: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / name).write_text(text)
    with snapshot(root) as copy:
        copy.change_manifest(name, "1-ab")
        changed = (copy.folder / name).read_text()
        with pytest.raises(InputError, match="is no file"):
            copy.change_manifest(f"gone/{name}", "1-ab")
    assert (root / name).read_text() == text
    assert "1-ab" in changed
    if name.endswith(".json"):
        document = json.loads(changed)
        assert document.pop("x-imageopt") == "1-ab"
        assert document == json.loads(text)
    else:
        assert changed.startswith(text)
