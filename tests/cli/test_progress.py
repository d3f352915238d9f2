"""What long work says while it runs: a log gets a line for each step, and a sign of life from one that takes long."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import at_a_terminal

from imageopt.cli.progress import LineProgress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_a_long_step_shows_a_log_that_it_lives(clock: list[float]) -> None:
    out = io.StringIO()
    told = LineProgress(out, verbose=False)
    with told.step("building before"):
        for second in range(0, 100, 10):
            clock[0] = second
            told.update(" ")
            told.update(f"step {second}")
    assert out.getvalue().splitlines() == [
        "imageopt: building before: 30 s so far, step 30",
        "imageopt: building before: 60 s so far, step 60",
        "imageopt: building before: 1 min 30 s so far, step 90",
        "imageopt: building before: 1 min 30 s",
    ]


def test_a_short_step_is_one_line(clock: list[float]) -> None:
    out = io.StringIO()
    told = LineProgress(out, verbose=False)
    with told.step("reading"):
        clock[0] = 29.0
        told.update("half")
    told.update("nobody is at work")
    assert out.getvalue() == "imageopt: reading: 29 s\n"


@pytest.mark.parametrize(("environment", "styled"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_progress_has_no_style_where_none_is_wanted(environment: dict[str, str], styled: bool, tmp_path: Path) -> None:
    script = "from imageopt.cli.progress import LiveProgress\nimport time\n"
    script += "with LiveProgress(verbose=False).step('at work'): time.sleep(0.2)"
    _, shown = at_a_terminal([sys.executable, "-c", script], environment, tmp_path)
    assert (b"\x1b[2mat work" in shown) is styled
    assert b"at work" in shown


def test_a_person_is_told_what_may_come_next_and_a_program_is_not(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:20\nCOPY . .\nRUN npm ci\n")
    for command, words in (("analyze", b"next: imageopt rewrite ."), ("lint", b"more on each: imageopt explain NAME")):
        line = [sys.executable, "-m", "imageopt", command, "."]
        assert words in at_a_terminal(line, {}, tmp_path)[1]
        assert words not in at_a_terminal([*line, "--quiet"], {}, tmp_path)[1]
        piped = subprocess.run(line, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert words not in piped.stdout + piped.stderr
