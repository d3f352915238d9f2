"""How commands end: each way has its exit code, one line of cause and one of remedy, and no traceback."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, layer

from imageopt.cli.diagnosis import diagnose
from imageopt.cli.edge import run

pytestmark = pytest.mark.slow  # whole processes

ONE = layer(file("app/a", b"1" * 1000), file("app/b", b"2" * 500))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "broken.json").write_text("{")
    return docker_archive(tmp_path / "app.tar", [ONE])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n")
    (folder / "package.json").write_text('{"name": "p", "scripts": {"start": "node s.js"}, "dependencies": {"a": "1"}}')
    return folder


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """These commands work without an engine, or say that there is none; nothing is kept in the user's folders."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


# name, command line ({project} and {archive} are put in), exit code, words on stderr
ENDINGS: list[tuple[str, list[str], int, str]] = [
    ("an analysis", ["analyze", "{archive}"], 0, ""),
    ("a folder without an image", ["analyze", "{project}"], 0, ""),
    ("a Dockerfile", ["analyze", "{project}/Dockerfile"], 0, ""),
    ("findings at or above --fail-on", ["analyze", "{project}", "--fail-on", "warning"], 1, ""),
    ("--exit-code instead of 1", ["analyze", "{project}", "--fail-on", "warning", "--exit-code", "9"], 9, ""),
    ("findings below --fail-on", ["analyze", "{project}", "--fail-on", "error"], 0, ""),
    ("a refused rewrite", ["rewrite", "{project}"], 0, ""),
    ("within budget", ["gate", "{archive}", "--max-unpacked", "1500"], 0, ""),
    ("over budget", ["gate", "{archive}", "--max-unpacked", "1499"], 1, ""),
    ("over budget, report only", ["gate", "{archive}", "--max-unpacked", "1", "--exit-code", "0"], 0, ""),
    ("an unknown value never passes", ["gate", "{archive}", "--max-download", "1GB"], 1, ""),
    ("no budget", ["gate", "{archive}"], 2, "there is no budget"),
    ("a budget for a folder without an image", ["gate", "{project}", "--max-unpacked", "1GB"], 3, "has no image"),
    ("a Dockerfile with warnings only", ["lint", "{project}/Dockerfile"], 0, ""),
    ("a Dockerfile with warnings, asked for", ["lint", "{project}/Dockerfile", "--fail-on", "warning"], 1, ""),
    ("nothing to check", ["lint", "{project}/nowhere"], 3, "cannot be read"),
    ("a budget from a folder without an image", ["gate", "{project}", "--adopt"], 3, "has no image"),
    ("a budget for a result that is not there", ["gate", "nowhere.json", "--max-unpacked", "1GB"], 3, "'nowhere.json' does not exist"),
    ("a budget for a result that is none", ["gate", "{project}/../broken.json", "--max-unpacked", "1GB"], 3, "is not a result of imageopt"),
    ("a Dockerfile that is not there", ["analyze", "web/Dockerfile"], 3, "'web/Dockerfile' does not exist"),
    ("no such command", ["analyse"], 2, "did you mean analyze?"),
    ("no such option", ["analyze", "--nope"], 2, "No such option"),
    ("no such format", ["analyze", "{archive}", "--format", "yaml"], 2, "there is no format 'yaml'"),
    ("two results on stdout", ["analyze", "{archive}", "--format", "json", "--format", "markdown"], 2, "both go to stdout"),
    ("no such size", ["gate", "{archive}", "--max-unpacked", "big"], 2, "is not a size"),
    ("no such day", ["analyze", "{archive}", "--now", "soon"], 2, "is no day"),
    ("a rewrite of an image", ["rewrite", "{archive}"], 2, "a rewrite needs a project"),
    ("undo and apply", ["rewrite", "--undo", "--apply"], 2, "--undo goes with neither"),
    ("nothing to undo", ["rewrite", "{project}", "--undo"], 3, "no rewrite was applied"),
    ("no such rule", ["explain", "dev-deps"], 2, "there is no rule"),
    ("no such category", ["rules", "colour"], 2, "there is no category"),
    ("an empty variable", ["analyze", ""], 3, "is an empty text"),
    ("no such folder", ["analyze", "./nowhere"], 3, "does not exist"),
    ("no Dockerfile", ["analyze", "{project}", "-f", "Other"], 3, "there is no Other"),
    ("not an image", ["analyze", "docker-archive:{project}/package.json"], 3, "hint: "),
    ("no engine", ["analyze", "docker:node:20"], 3, "is not there"),
    ("no engine to build with", ["verify", "{project}", "--after", "{project}/Dockerfile"], 3, "is not there"),
    ("one of two images", ["verify", "--image-after", "app:2"], 2, "only one of the two images"),
    ("no engine to clean", ["clean"], 3, "is not there"),
    ("a result that is none", ["report", "{project}/Dockerfile"], 3, "is not JSON"),
    ("a result that is not there", ["report", "nowhere.json"], 3, "cannot be read"),
    ("a JSON that is no result", ["report", "{project}/package.json"], 3, "hint: "),
    ("a file that cannot be written", ["analyze", "{archive}", "--format", "json={archive}/x.json"], 3, "cannot be written"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "words"), [row[1:] for row in ENDINGS], ids=[row[0] for row in ENDINGS])
def test_endings(
    line: list[str], code: int, words: str, project: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run([part.format(project=project, archive=archive) for part in line])
    captured = capsys.readouterr()
    assert (found, captured.err.count("Traceback")) == (code, 0), captured.err
    if words:
        assert words in captured.err
    if code in (2, 3):
        errors = [text for text in captured.err.splitlines() if text.startswith(("error: ", "hint: "))]
        assert [text.partition(":")[0] for text in errors] == ["error", "hint"]


def test_a_bug_is_never_taken_for_an_answer(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of course")

    monkeypatch.setattr("imageopt.api.judgement", broken)
    assert run(["analyze", str(archive)]) == 70
    assert "a bug in imageopt" in capsys.readouterr().err
    assert run(["analyze", str(archive), "--verbose"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_control_characters_of_an_error_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "docker:a\x1b[31mred"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_json_on_stdout_is_nothing_but_json(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(archive), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "imageopt.analysis/1"
    assert document["image"]["sizes"]["unpacked_bytes"] == 1500


def test_a_result_can_be_shown_and_judged_again(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "result.json"
    assert run(["analyze", str(archive), "--quiet", "--format", f"json={result}", "--format", "terminal"]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert run(["report", str(result)]) == 0
    assert capsys.readouterr().out == first.out
    assert run(["gate", str(result), "--max-unpacked", "1kB"]) == 1


def test_apply_and_undo(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = {"name": "p", "lockfileVersion": 3, "packages": {"": {"name": "p", "dependencies": {"a": "1"}},
            "node_modules/a": {"version": "1.0.0"}}}  # fmt: skip
    (project / "package-lock.json").write_text(json.dumps(lock))
    (project / "s.js").write_text("require('http').createServer((q, r) => r.end('x')).listen(3000)")
    before = (project / "Dockerfile").read_bytes()
    assert run(["rewrite", str(project), "--apply"]) == 0
    assert "npm ci" in (project / "Dockerfile").read_text()
    assert "takes it back" in capsys.readouterr().err
    assert run(["rewrite", str(project), "--undo"]) == 0
    assert (project / "Dockerfile").read_bytes() == before
    assert not (project / ".dockerignore").exists()


def test_explain_and_rules_show_what_the_files_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "node"]) == 0
    assert "IO302" in capsys.readouterr().out
    assert run(["explain", "io302"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# dev-deps-in-final (IO302, warning)")
    assert "## When not to follow it" in shown


def test_doctor_says_what_is_missing_and_what_that_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("TRIVY_CACHE_DIR", "/nowhere")
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("missing")][:7] == [
        "engine", "buildx", "podman", "buildah", "buildctl", "trivy", "trivy's",
    ]  # fmt: skip
    assert "without it: verify does not scan" in shown
    assert "without it: the first scan downloads it" in shown


@pytest.mark.parametrize(
    ("made", "found", "detail"),
    [
        ("2026-11-20T00:00:00Z", True, "6 days old"),
        ("2026-11-26T01:00:00Z", True, "of today"),
        ("2026-11-01T00:00:00Z", False, "only one 25 days old"),
    ],
)
def test_doctor_tells_how_old_trivy_s_database_is(
    made: str, found: bool, detail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "trivy.db").touch()
    (tmp_path / "db" / "metadata.json").write_text(json.dumps({"UpdatedAt": made}))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(tmp_path))
    (part,) = (each for each in diagnose(datetime(2026, 11, 26, 12, tzinfo=UTC)) if each.name == "trivy's db")
    assert part.found is found
    assert detail in part.detail


def test_doctor_does_not_take_a_buildctl_without_a_buildkit_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "buildctl").write_text("#!/bin/sh\necho buildctl v0.13.1\n")
    (tmp_path / "buildctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.delenv("BUILDKIT_HOST", raising=False)
    assert [part.found for part in diagnose() if part.name == "buildctl"] == [False]
    monkeypatch.setenv("BUILDKIT_HOST", "unix:///nowhere")
    assert [part.found for part in diagnose() if part.name == "buildctl"] == [True]


@pytest.mark.parametrize("reader", ["head", "closed"])
def test_nobody_reading_is_no_error(archive: Path, reader: str) -> None:
    command = f"{sys.executable} -m imageopt analyze {archive} --format json"
    shell = f"{command} | head -c 1" if reader == "head" else f"{command} >&-"
    finished = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_is_130(tmp_path: Path, number: signal.Signals) -> None:
    """A fifo stands for an image that takes for ever to read."""
    os.mkfifo(tmp_path / "slow.json")
    command = [sys.executable, "-m", "imageopt", "report", str(tmp_path / "slow.json")]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
        (tmp_path / "slow.json").open("w"),  # waits for the reader
    ):
        time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.strip().splitlines()[0]) == (130, "error: interrupted")


OUTSIDE: list[tuple[OSError | MemoryError, str, str]] = [
    (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "/x/y: No space left on device", "TMPDIR"),
    (PermissionError(errno.EACCES, "Permission denied", b"/x"), "/x: Permission denied", "who may"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory"), "the current folder is gone", "change to"),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), "broke off: Broken pipe", "try again"),
    (OSError(errno.ENAMETOOLONG, "File name too long", "docker:" + "x" * 5000), f"{'x' * 73}… is longer", "typed"),
    (OSError("strange"), "OSError", "--verbose"),
    (MemoryError(), "not enough memory", "smaller"),
]


@pytest.mark.parametrize(("error", "cause", "remedy"), OUTSIDE, ids=[row[1] for row in OUTSIDE])
def test_what_the_system_refuses_is_no_bug_and_no_answer(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    error: Exception, cause: str, remedy: str,
) -> None:  # fmt: skip
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("imageopt.api.judgement", refuse)
    assert run(["analyze", str(archive), "--fail-on", "error"]) == 3
    first, second = capsys.readouterr().err.splitlines()[-2:]
    assert cause in first
    assert remedy in second


def test_lint_writes_lines_as_compilers_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(project / "Dockerfile")]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith(f"{project}/Dockerfile:5:5: warning IO307 "))
    assert line.endswith(" [npm-start-as-pid1, shell-form-cmd]")
    assert [int(line.split(":")[1]) for line in lines] == sorted(int(line.split(":")[1]) for line in lines)


def test_an_archive_elsewhere_is_held_against_the_budget_here(
    archive: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive.parent / "imageopt.toml").write_text('[budget]\nunpacked = "1 GB"\n')
    (project / "imageopt.toml").write_text('[budget]\nunpacked = "1 kB"\n')
    monkeypatch.chdir(project)
    assert run(["gate", str(archive)]) == 1
    assert run(["analyze", str(archive), "--format", f"json={archive.parent}/result.json"]) == 0
    assert run(["gate", "../result.json"]) == 1


def test_todays_sizes_become_the_budget_and_comments_stay(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "imageopt.toml"
    config.write_text("# ours\n[verify]  # ask here\nport = 3000\n")
    assert run(["gate", str(archive), "--adopt"]) == 0
    assert config.read_text() == '# ours\n[verify]  # ask here\nport = 3000\n\n[budget]\nunpacked = "1 MB"\n'
    assert run(["gate", str(archive)]) == 0
    assert run(["gate", str(archive), "--max-unpacked", "1kB"]) == 1


class BrokenEngine:
    """It says which version it speaks, and then answers every request with the same page."""

    def __init__(self, path: Path, page: bytes) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            len(page),
            page,
        )
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.recv(65536)
                connection.sendall(self._answer)
                connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["doctor"], 0, ""),
        (["analyze", "{project}"], 0, ""),
        (["clean"], 3, "the engine broke off"),
    ],
)
@pytest.mark.parametrize("page", [b"<html>proxy error</html>", b"", b"null"])
def test_an_engine_that_speaks_nonsense_is_told(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    page: bytes, line: list[str], code: int, words: str,
) -> None:  # fmt: skip
    broken = BrokenEngine(tmp_path / "broken.sock", page)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/broken.sock")
    found = run([part.format(project=project) for part in line])
    broken.close()
    captured = capsys.readouterr()
    assert found == code, captured.err
    assert words in captured.err
    if code == 0:
        assert "the engine broke off" in captured.out


def test_the_words_that_take_a_rewrite_back_can_be_pasted(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = project.rename(project.parent / "-it's a\x1b[2J")
    (odd / "package-lock.json").write_text(
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}'
    )
    (odd / "s.js").write_text("require('http').createServer((q, r) => r.end('x')).listen(3000)")
    monkeypatch.chdir(odd.parent)
    assert run(["rewrite", "--apply", "--", odd.name]) == 0
    assert "`imageopt rewrite --undo -- '-it'\"'\"'s a [2J'` takes it back" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "code"),
    [("linux/amd64", 0), ("amd64", 0), ("x86_64", 0), ("linux/x86_64", 0), ("arm64", 3), ("linux/arm/v7", 3)],
)
def test_an_architecture_alone_is_one_for_linux(archive: Path, platform: str, code: int) -> None:
    assert run(["analyze", f"docker-archive:{archive}", "--platform", platform, "--quiet"]) == code
