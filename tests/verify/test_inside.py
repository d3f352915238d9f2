"""What is tried inside a container, with a container that gives prepared answers."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from imageopt.verify import inside
from imageopt.verify.container import Executed
from imageopt.verify.inside import Inspection, inspect, listening_ports

GONE = Executed(127, b'exec: "x": executable file not found in $PATH')
TCP = b"""\
  sl  local_address rem_address   st
   0: 00000000:0BB8 00000000:0000 0A 00000000:00000000
   1: 0B00007F:9C41 00000000:0000 0A 00000000:00000000
   2: 0100007F:0BB8 0100007F:D431 01 00000000:00000000
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000
"""


class Inside:
    """A container; `answer` says what a command does."""

    def __init__(self, answer: Callable[[Sequence[str]], Executed], health: tuple[str, ...] = ()) -> None:
        self.answer = answer
        self.health = health
        self.asked: list[Sequence[str]] = []

    def health_command(self) -> tuple[str, ...]:
        return self.health

    def execute(self, words: Sequence[str], *, seconds: float) -> Executed:
        assert seconds > 0
        self.asked.append(words)
        return self.answer(words)


def checks(container: Any, inspection: Inspection | None = None) -> dict[str, tuple[bool, str]]:
    made = inspect(container, inspection or Inspection())
    return {check.name: (check.passed, check.detail) for check in made}


def test_ports_are_read_without_those_of_the_engine_and_by_node_where_there_is_no_cat() -> None:
    assert listening_ports(Inside(lambda _: Executed(0, TCP))) == (80, 3000)  # type: ignore[arg-type]
    node_only = Inside(lambda words: Executed(0, TCP) if words[0] == "/nodejs/bin/node" else GONE)
    assert listening_ports(node_only) == (80, 3000)  # type: ignore[arg-type]
    assert listening_ports(Inside(lambda _: GONE)) == ()  # type: ignore[arg-type]


def test_with_node_everything_is_told_by_its_script() -> None:
    lines = [
        ["writes /data", ""],
        ["writes /app", "EACCES"],
        ["addon /a.node", "Error: no"],
        ["dns", ""],
        ["other", ""],
    ]
    told = "a warning\n3\n" + "\n".join(json.dumps(line) for line in lines)

    def answer(words: Sequence[str]) -> Executed:
        return Executed(0, told.encode()) if words[0] == "node" else GONE

    container = Inside(answer)
    assert checks(container, Inspection(folders=("/data", "/app"), addons=("/a.node",))) == {
        "writes /data": (True, ""),
        "writes /app": (False, "EACCES"),
        "addon /a.node": (False, "Error: no"),
        "dns": (True, ""),
    }
    asked = json.loads(container.asked[-1][-1])
    assert (asked["folders"], asked["addons"]) == (["/data", "/app"], ["/a.node"])


def test_without_node_a_shell_writes_what_there_is_to_write() -> None:
    container = Inside(lambda words: Executed(0, b'["writes /d", ""]\n') if words[0] == "/bin/sh" else GONE)
    assert checks(container, Inspection(folders=("/d",), kept=("/v", "/w"))) == {"writes /d": (True, "")}
    assert list(container.asked[-1][-2:]) == ["/v /w", "/d"]
    assert checks(Inside(lambda _: GONE)) == {}


@pytest.mark.parametrize(
    ("result", "passed", "detail", "reason"),
    [
        (Executed(0, b""), True, "exit code 0", "the image's own check fails"),
        (Executed(1, b"one\nbad\n"), False, "exit code 1: bad", "the image's own check fails"),
        (Executed(None, b""), False, "it did not end in time", "the image's own check fails"),
        (GONE, False, "exit code 127: " + GONE.output.decode(), "the image's own check fails because a program that it starts is gone"),
    ],
)  # fmt: skip
def test_a_health_check_says_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, result: Executed, passed: bool, detail: str, reason: str
) -> None:
    monkeypatch.setattr(inside, "_HEALTHY_SECONDS", 0)
    container: Any = Inside(lambda words: result if words == ("check",) else GONE, ("check",))
    (check,) = inspect(container, Inspection())
    assert (check.name, check.passed, check.detail, check.reason, check.lasting) == (
        "HEALTHCHECK",
        passed,
        detail,
        reason,
        True,
    )


def test_a_check_is_made_again_until_it_passes() -> None:
    results = iter([Executed(1, b""), Executed(0, b"")])
    container = Inside(lambda words: next(results) if words == ("alive",) else GONE)
    assert checks(container, Inspection(probes=(("a probe", ("alive",)),))) == {"a probe": (True, "exit code 0")}


def test_a_shell_makes_a_folder_that_is_missing_and_leaves_nothing(tmp_path: Path) -> None:
    script = Path(inside.__file__).with_name("inside.sh")
    (tmp_path / "file").write_text("")
    folders = [str(tmp_path / name) for name in ("data", "file/data")]
    ran = subprocess.run(["sh", str(script), "", *folders], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [f'["writes {folders[0]}", ""]', f'["writes {folders[1]}", "EACCES"]']
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
