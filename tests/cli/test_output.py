"""Where a result goes: whole files, places that are no files, streams that are full, closed or speak another language."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, layer
from terminal import at_a_terminal

from imageopt.cli.edge import run
from imageopt.cli.output import write_whole
from imageopt.errors import InputError

pytestmark = pytest.mark.slow  # whole processes, or a whole screen


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return docker_archive(tmp_path / "app.tar", [layer(file("app/na\u00efve \udcff", b"1" * 1000))])


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def shell(command: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """`imageopt` in the command is this checkout's."""
    text = command.replace("imageopt ", f"{sys.executable} -m imageopt ", 1)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", text],
        env={**os.environ, **environment}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """A fifo stands for /dev/null and /dev/stdout: root may replace those too, and would be sorry."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_whole(pipe, "words")
    reader.join(10)
    assert (read, stat.S_ISFIFO(pipe.stat().st_mode)) == (["words"], True)


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "first")
    write_whole(tmp_path / "link", "second")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "real").read_text()) == (True, "second")


def test_the_mode_is_the_umask_s_or_the_file_s(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "new", "")
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o604)
        write_whole(tmp_path / "old", "")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "old")] == [0o600, 0o604]


@pytest.mark.parametrize("name", [".", "..", "/", "folder", "nowhere/x", "x" * 300, "file/x", "loop"])
def test_places_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(tmp_path / name, "words")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "loop"]


# name, command line, exit code, words on stderr
STREAMS: list[tuple[str, str, int, str]] = [
    ("nobody reads", "imageopt analyze {archive} --format json | true", 0, ""),
    ("one line is read", "imageopt rules | head -1", 0, ""),
    ("nobody reads an answer that is no", "imageopt gate {archive} --max-unpacked 1 | true", 1, ""),
    ("nobody reads the help", "imageopt --help | true", 0, ""),
    ("stdout is closed", "imageopt gate {archive} --max-unpacked 1 >&-", 1, ""),
    ("stdout is closed, and all is well", "imageopt analyze {archive} >&-", 0, ""),
    ("stderr is closed", "imageopt analyze {archive} 2>&-", 0, ""),
    ("all are closed", "imageopt analyze {archive} <&- >&- 2>&-", 0, ""),
    ("stdout is full", "imageopt analyze {archive} >/dev/full", 3, "cannot be written to standard output"),
    ("stdout is full of rules", "imageopt rules >/dev/full", 3, "cannot be written to standard output"),
    ("stdout is full of help", "imageopt --help >/dev/full", 3, "cannot be written to standard output"),
    ("stdout is full at once", "imageopt --version >/dev/full", 3, "cannot be written to standard output"),
    ("stderr is full", "imageopt gate {archive} --max-unpacked 1 2>/dev/full", 1, ""),
    ("stderr is full, and all is well", "imageopt analyze {archive} 2>/dev/full", 0, ""),
]


@pytest.mark.parametrize(("line", "code", "words"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams(archive: Path, line: str, code: int, words: str) -> None:
    finished = shell(line.format(archive=archive))
    errors = finished.stderr.decode()
    assert (finished.returncode, words in errors, "Traceback" in errors) == (code, True, False), errors


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict"])
def test_any_encoding_will_do(archive: Path, encoding: str) -> None:
    shown = shell(f"imageopt analyze {archive} --build-arg x", PYTHONIOENCODING=encoding)
    assert shown.returncode == 0, shown.stderr
    for_programs = shell(f"imageopt analyze {archive} --format json", PYTHONIOENCODING=encoding)
    assert json.loads(for_programs.stdout.decode("utf-8"))["image"]["sizes"]["unpacked_bytes"] == 1000


def test_a_file_name_that_is_no_text_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", "na\u00efve \udcff")
    assert (tmp_path / "x").read_text("utf-8") == "na\u00efve \ufffd"


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", str(archive), "--format", f"json={tmp_path}"]) == 3
    assert capsys.readouterr().err.splitlines()[0] == f"error: {tmp_path} cannot be written: Is a directory"


def test_a_file_that_fails_keeps_no_other_result_back(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = ["--format", "json=/dev/full", "--format", "terminal", "--format", f"json={tmp_path}/good.json"]
    assert run(["analyze", str(archive), *formats]) == 3
    captured = capsys.readouterr()
    assert "/dev/full cannot be written: No space left on device" in captured.err
    assert "unpacked" in captured.out
    assert json.loads((tmp_path / "good.json").read_text("utf-8"))["schema"] == "imageopt.analysis/1"


def test_a_dash_is_stdout(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(archive), "--format", "json=-"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "imageopt.analysis/1"


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm", "PYTHONIOENCODING": "ascii"}, True),
    ],
)
def test_a_terminal_gets_what_it_knows(archive: Path, environment: dict[str, str], colored: bool) -> None:
    code, shown = at_a_terminal([sys.executable, "-m", "imageopt", "analyze", str(archive)], environment)
    assert (code, b"\x1b[1mWhere" in shown) == (0, colored), shown
    assert b"?" not in shown.replace(b"[?25", b"").replace(b"na?ve ?", b"").replace(b"[?2026", b"")
