"""What nobody writes: bytes at random, one endless line, fifty thousand instructions. `imageopt lint` answers in time."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from imageopt.dockerfile import parse

SECONDS = 10.0  # of processor time: two are meant, and a busy machine takes its time; what grows with the square shows

HOSTILE = {
    "bytes": random.Random(1).randbytes(300_000),
    "zeros": b"\0" * 900_000,
    "a line of 3 MB": b"FROM a\nRUN " + b"x " * 1_500_000,
    "a line of 900 KB": b"FROM a\nRUN " + b"x" * 900_000,
    "50,000 instructions": b"FROM a\n" + b"ENV A=1 B=$A\n" * 50_000,
    "50,000 unknown instructions": b"FROM a\n" + b"X\n" * 50_000,
    "50,000 stages": b"FROM a\n" * 50_000,
    "an open heredoc": b"FROM a\nRUN <<EOF\n" + b"apt-get update\n" * 2_000,
    "open heredocs": b"FROM a\n" + b"RUN <<EOF\n" * 50_000,
    "stages in a circle": b"FROM b AS a\nFROM a AS b\nFROM b AS a\nCOPY --from=a /x /x\nCOPY --from=2 /y /y\n",
    "arguments in a circle": b"ARG A=$B\nARG B=$A\nFROM $A\nARG A=$B\nARG B=$A$A\nENV A=$B B=$A\n",
    "values that double": b"FROM scratch\nENV A=xxxxxxxx\n" + b"ENV A=$A$A\n" * 200,
    "blank lines": b"FROM a\nRUN a \\\n" + b"\n" * 100_000,
    "brackets": b"FROM a\nRUN " + b"$(" * 20_000 + b"\nCMD " + b"[" * 20_000 + b"\nENV A=" + b"${A:-" * 9_000 + b"\n",
    "nothing": b"",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_lint_answers_hostile_files_in_time(name: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(HOSTILE[name])
    command = [sys.executable, "-m", "imageopt", "lint", "Dockerfile"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COV")
    }  # it triples the time
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1, 3), output[-2000:]
    assert b"Traceback" not in output
    assert b"\x00" not in output
    assert output.strip()
    assert used.ru_utime + used.ru_stime < SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_they_are_read_without_loss(name: str) -> None:
    dockerfile = parse(HOSTILE[name])
    assert dockerfile.render() == HOSTILE[name]
    assert dockerfile.nodes == () or dockerfile.nodes[-1].end == len(dockerfile.text)


def test_what_follows_too_many_instructions_is_kept_unread() -> None:
    dockerfile = parse(b"FROM a\n" + b"USER a\n" * 6_000)
    assert len(dockerfile.instructions) == 5_000
    assert dockerfile.nodes[-1].start == 7 * 5_000
    assert [(problem.code, problem.line) for problem in dockerfile.problems] == [("too-many-instructions", 5_001)]
