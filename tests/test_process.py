"""Programs are started, watched and ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imageopt.errors import ToolFailed, ToolMissing
from imageopt.process import beside, find_program, paused, run, together


def test_gives_what_the_program_said() -> None:
    lines: list[str] = []
    code = "import sys; print('out'); print('one\\ntwo', file=sys.stderr); sys.exit(3)"
    done = run([sys.executable, "-c", code], timeout=30, on_line=lines.append)
    assert (done.exit_code, done.stdout, done.stderr, lines) == (3, "out\n", "one\ntwo", ["one", "two"])


def test_keeps_the_last_lines_of_stderr() -> None:
    done = run([sys.executable, "-c", "import sys\nfor n in range(100): print(n, file=sys.stderr)"], timeout=30)
    assert done.stderr.split() == [str(number) for number in range(60, 100)]


def test_a_missing_program_says_how_to_get_it() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        run(["no-such-program"], timeout=5)


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ToolFailed, match="may not be executed"):
        run([str(tmp_path / "file")], timeout=5)


@pytest.mark.slow
def test_a_timeout_ends_the_program_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    started = time.monotonic()
    with pytest.raises(ToolFailed, match="did not end within 1 s"):
        run(["sh", "-c", f"(sleep 3; touch {mark}) & sleep 60"], timeout=1)
    assert time.monotonic() - started < 30
    time.sleep(3)
    assert not mark.exists()


def test_environment_and_folder(tmp_path: Path) -> None:
    done = run(["sh", "-c", "echo $WORD; pwd"], timeout=10, environment={"WORD": "hello"}, folder=tmp_path)
    assert done.stdout.split() == ["hello", str(tmp_path)]


def test_a_relative_program_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho here")
    tool.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    found = find_program("bin/tool")
    assert found == str(tool)
    assert run([found], timeout=10, folder=Path("/")).stdout == "here\n"
    assert find_program("bin/other") is None


def test_a_program_reads_what_it_is_given() -> None:
    assert run(["sh", "-c", "read word; echo $word"], timeout=10, stdin=b"hello\n").stdout == "hello\n"
    assert run(["cat"], timeout=10).stdout == ""
    assert run(["true"], timeout=10, stdin=b"nobody reads this").exit_code == 0


def test_works_are_done_at_the_same_time_and_their_results_keep_their_order() -> None:
    code = "import sys; sys.stdin.read(); print({})"
    works = (lambda: run([sys.executable, "-c", code.format(1)], timeout=30).stdout, lambda: "2")
    assert together(*works) == ["1\n", "2"]


def test_where_one_work_fails_the_programs_of_the_others_are_ended() -> None:
    def fail() -> None:
        time.sleep(0.3)
        raise ToolFailed("it failed", "try again")

    start = time.monotonic()
    with pytest.raises(ToolFailed, match="it failed"):
        together(lambda: run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=90), fail)
    assert time.monotonic() - start < 30


def test_a_work_beside_the_block_is_waited_for_and_one_that_is_broken_off_is_ended() -> None:
    done: list[str] = []
    with beside(lambda: run([sys.executable, "-c", "print(1)"], timeout=30).stdout) as result:
        done.append("block")
        assert result() == "1\n"
    started = time.monotonic()

    def work() -> None:
        for _ in range(3):  # the next begins when one was ended
            run([sys.executable, "-c", "import time; time.sleep(20)"], timeout=90)

    def broken_off() -> None:
        with beside(work):
            time.sleep(0.2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert done == ["block"]
    assert time.monotonic() - started < 15


def test_what_runs_beside_stands_still_while_something_is_timed(tmp_path: Path) -> None:
    pid, go = tmp_path / "pid", tmp_path / "go"
    waits = (
        f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()) + '.')\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    with beside(lambda: run([sys.executable, "-c", waits], timeout=30).exit_code) as result:
        while not (pid.exists() and pid.read_text().endswith(".")):
            time.sleep(0.01)
        stat = Path("/proc", pid.read_text().rstrip("."), "stat")
        with paused():
            assert soon(lambda: state_in(stat) == "T")
            go.touch()
        assert result() == 0


def test_what_stands_still_goes_on_where_we_are_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    waits = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()) + '.'); time.sleep(20)"
    ours = (
        "import os, pathlib, signal, sys, time\n"
        "from imageopt.process import beside, paused, run\n"
        f"pid = pathlib.Path({str(pid)!r})\n"
        f"with beside(lambda: run([sys.executable, '-c', {waits!r}], timeout=60)):\n"
        "    while not (pid.exists() and pid.read_text().endswith('.')): time.sleep(0.01)\n"
        "    with paused(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", ours], check=False, timeout=60)
    child = int(pid.read_text().rstrip("."))
    try:
        assert soon(lambda: state_in(Path("/proc", str(child), "stat")) != "T")
    finally:
        os.kill(child, signal.SIGKILL)


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold: a signal takes a moment."""
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def state_in(stat: Path) -> str:
    return stat.read_text().rpartition(") ")[2][0]
