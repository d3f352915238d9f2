"""Completion: what is offered, that offering imports no command, and a real bash in which the key is pressed."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, CompletionItem

from imageopt.cli.completion import SHELLS, script
from imageopt.cli.edge import run
from imageopt.cli.main import COMMANDS, command

STUB = """#!/bin/sh
[ -z "$_IMAGEOPT_COMPLETE" ] || exec '{python}' -m imageopt
echo "ran: $*"
"""


def offered(words: list[str], beginning: str) -> list[CompletionItem[str]]:
    return BashComplete(command, {}, "imageopt", "_IMAGEOPT_COMPLETE").get_completions(words, beginning)


@pytest.mark.parametrize(
    ("words", "beginning", "expected"),
    [
        ([], "", list(COMMANDS)),
        ([], "do", ["doctor"]),
        ([], "--v", ["--version"]),
        (["completion"], "", list(SHELLS)),
        (["explain"], "dev-d", ["dev-deps-in-final"]),
        (["rewrite", "--rule"], "dev-d", ["dev-deps-in-final"]),
        (["gitlab"], "n", ["note"]),
        (["analyze", "--format"], "s", ["sarif"]),
        (["gate"], "--max-l", ["--max-live", "--max-layers"]),
        (["explain"], "no-rule-begins-so", []),
    ],
)
def test_what_is_offered(words: list[str], beginning: str, expected: list[str]) -> None:
    assert [item.value for item in offered(words, beginning)] == expected


@pytest.mark.parametrize(
    "words", [["analyze"], ["explore"], ["gate"], ["compare", "docker:a"], ["lint"], ["verify", "--file"]]
)
def test_files_are_left_to_the_shell(words: list[str]) -> None:
    assert [(item.value, item.type) for item in offered(words, "app/Do")] == [("app/Do", "file")]


def test_no_rule_is_offered_where_the_configuration_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imageopt.toml").write_text("[")
    monkeypatch.chdir(tmp_path)
    assert offered(["explain"], "dev-d") == []


def test_a_wrong_command_is_no_error_while_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"_IMAGEOPT_COMPLETE": "bash_complete", "COMP_WORDS": "imageopt x", "COMP_CWORD": "2"}.items():
        monkeypatch.setenv(name, value)
    assert run([]) == 0
    assert capsys.readouterr().err == ""


def test_listing_the_commands_imports_none_of_them() -> None:
    show = (
        "import sys\nfrom imageopt.cli.edge import run\nrun([])\n"
        "print(*[name for name in sys.modules if name.startswith('imageopt.cli.commands.')])"
    )
    typed = {"_IMAGEOPT_COMPLETE": "bash_complete", "COMP_WORDS": "imageopt", "COMP_CWORD": "1"}
    finished = subprocess.run(
        [sys.executable, "-c", show], env=os.environ | typed, capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout.splitlines() == [*(f"plain,{name}" for name in COMMANDS), ""]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_takes(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert printed == script(shell)
    assert f"_IMAGEOPT_COMPLETE={shell}_complete" in printed
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=printed, text=True, capture_output=True, timeout=20, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_a_real_bash_completes_command_rule_and_file(tmp_path: Path) -> None:
    stub = tmp_path / "bin" / "imageopt"
    stub.parent.mkdir()
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(0o755)
    (tmp_path / "Dockerfile.production").touch()
    (tmp_path / "script").write_text(script("bash"))
    typed = "source ./script\nimageopt expla\tdev-d\t\nimageopt analyze Dockerfile.p\t\nexit\n"
    ours, bashs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        finished = subprocess.run(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=bashs,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ
            | {"PATH": f"{stub.parent}:{os.environ['PATH']}", "TERM": "dumb", "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(bashs)
    assert [line for line in finished.stdout.splitlines() if line.startswith("ran: ")] == [
        "ran: explain dev-deps-in-final",
        "ran: analyze Dockerfile.production",
    ]
