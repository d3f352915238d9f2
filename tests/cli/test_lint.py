"""`imageopt lint`: which files it takes, by whose rules it judges them, and how it ends."""

import json
import os
from pathlib import Path

import pytest

from imageopt.cli.edge import run

GOOD = "FROM node:22-slim\nUSER node\n"
BAD = "FROM node:22-slim\nUSER node\nRUN set -e && apt-get update\n"  # a warning
WRONG = "FROM node:22-slim\nFRMO x\n"  # an error


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str = BAD) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return json.loads(capsys.readouterr().out)["files"]  # type: ignore[no-any-return]


FOUND = [
    "Containerfile",
    "Dockerfile",
    "Dockerfile-prod",
    "Dockerfile.dev",
    "Dockerfile.node-20",
    "api.Dockerfile",
    "apps/web/Dockerfile",
    "b.dockerfile",
]
PASSED_OVER = [
    "Dockerfile.dockerignore", "Dockerfile.md", "Dockerfiles", "notes.txt", "node_modules/x/Dockerfile",
    "apps/vendor/x/Dockerfile", ".git/Dockerfile", ".dockerignore", "dockerfile_templates/x.j2",
    "templates/node.Dockerfile.j2", "Dockerfile.tmpl", ".venv/lib/dockerfile.abi3.so", "tools/dockerfile.py", "dockerfile.json",
]  # fmt: skip


def test_in_folders_the_name_decides(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*FOUND, *PASSED_OVER):
        write(here, name)
    (here / "Dockerfile.d").mkdir()
    (here / "loop").symlink_to(here)
    assert run(["lint", "--format", "json"]) == 0
    assert sorted(files(capsys)) == FOUND
    assert run(["lint", "apps", "Dockerfile", str(here / "apps"), "--format", "json"]) == 0
    assert files(capsys) == ["apps/web/Dockerfile", "Dockerfile"]


def test_a_file_that_is_named_is_read_whatever_it_is_called(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "build.txt")
    assert run(["lint", "./build.txt"]) == 0
    assert capsys.readouterr().out.startswith("build.txt:3:15: warning IO101")


@pytest.mark.parametrize(("options", "name"), [([], "-"), (["--stdin-filename", "web/Dockerfile"], "web/Dockerfile")])
def test_standard_input_has_the_name_it_is_given(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str], name: str
) -> None:
    write(here, "web/imageopt.toml", '[rules]\nIO101 = "error"\n')
    path = write(here, "input")
    with path.open("rb") as stream:
        kept = os.dup(0)
        os.dup2(stream.fileno(), 0)
        try:
            code = run(["lint", "-", *options])
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    severity = "error" if "/" in name else "warning"
    assert capsys.readouterr().out.splitlines()[0].startswith(f"{name}:3:15: {severity} IO101")
    assert code == (1 if severity == "error" else 0)


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (GOOD, [], 0),
        (BAD, [], 0),
        (BAD, ["--fail-on", "warning"], 1),
        (BAD, ["--fail-on", "style"], 1),
        (BAD, ["--fail-on", "warning", "--exit-code", "7"], 7),
        (BAD, ["--fail-on", "warning", "--exit-code", "0"], 0),
        (WRONG, [], 1),
        (WRONG, ["--fail-on", "warning"], 1),
    ],
)
def test_it_fails_from_a_severity_on(here: Path, text: str, options: list[str], code: int) -> None:
    write(here, "Dockerfile", text)
    assert run(["lint", *options]) == code


def test_each_file_is_judged_by_the_configuration_nearest_to_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        write(here, f"{name}/Dockerfile")
    write(here, "a/imageopt.toml", '[rules]\napt-lists-left = "error"\n')
    write(here, "b/imageopt.toml", '[[ignore]]\nrule = "IO101"\nreason = "ours"\n')
    write(here, "c/.hadolint.yaml", "ignored: [DL3009]\n")
    assert run(["lint", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    told = [
        (found["location"]["file"], found["severity"]) for found in document["findings"] if found["code"] == "IO101"
    ]
    assert told == [("a/Dockerfile", "error")]
    assert [(one["location"]["file"], one["by"], one["reason"]) for one in document["suppressed"]] == [
        ("b/Dockerfile", "a waiver", "ours")
    ]
    assert run(["lint", "--config", "b/imageopt.toml"]) == 0


def test_hadolint_s_threshold_counts_where_nothing_else_is_said(here: Path) -> None:
    write(here, "Dockerfile")
    write(here, ".hadolint.yaml", "failure-threshold: warning\n")
    assert run(["lint"]) == 1
    assert run(["lint", "--fail-on", "error"]) == 0
    write(here, ".hadolint.yaml", "no-fail: true\n")
    write(here, "Dockerfile", WRONG)
    assert run(["lint"]) == 0
    write(here, "imageopt.toml", "")
    assert run(["lint"]) == 1


def test_a_note_is_on_stderr_and_can_be_silenced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "Dockerfile", GOOD)
    write(here, "web/Dockerfile", GOOD)
    write(here, ".hadolint.yaml", "ignored: nonsense\n")
    assert run(["lint"]) == 0
    assert capsys.readouterr().err == "imageopt: .hadolint.yaml: ignored is not a list of names, and is not heard\n"
    assert run(["lint", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_waiver_that_expired_is_told_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "Dockerfile")
    write(here, "web/Dockerfile")
    write(here, "imageopt.toml", '\n[[ignore]]\nrule = "IO101"\nreason = "x"\nuntil = 2026-01-01\n')
    assert run(["lint", "--now", "2026-02-01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "IO613" in line] == [
        "imageopt.toml:3:1: info IO613 The waiver of IO101 expired on 2026-01-01 [unused-or-expired-suppression]"
    ]
    assert sum("IO101 apt's" in line for line in lines) == 2


def test_what_cannot_be_read_keeps_nothing_else_from_being_checked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, "Dockerfile")
    write(here, "huge", "x" * 1_000_001)
    assert run(["lint", "nowhere", "huge", "Dockerfile"]) == 3
    told = capsys.readouterr()
    assert "Dockerfile:3:15: warning IO101" in told.out
    assert "error: huge is larger than 1 MB" in told.err
    assert "error: nowhere cannot be read: No such file or directory" in told.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["lint", "empty"], 3, "there is no Dockerfile in empty"),
        (["lint", "--format", "html"], 2, "the formats are terminal, json, sarif, codequality, github"),
        (["lint", "--format", "json", "--format", "sarif"], 2, "two results cannot both go to stdout"),
        (["lint", "--config", "nowhere.toml"], 2, "nowhere.toml cannot be read"),
        (["gate", ".", "--format", "sarif", "--max-unpacked", "1GB"], 2, "this result cannot be shown as 'sarif'"),
    ],
)
def test_what_is_wrong_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    write(here, "Dockerfile")
    (here / "empty").mkdir()
    assert run(words) == code
    assert says in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_passed_over(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    write(here, "Dockerfile", GOOD)
    write(here, "secret/Dockerfile", WRONG)
    monkeypatch.setattr(os, "scandir", refusing)
    assert run(["lint"]) == 0
    assert capsys.readouterr().err == "imageopt: ./secret is passed over: Permission denied\n"


def test_the_project_is_read_where_it_is_asked_for(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "web/package.json", '{"name": "x", "dependencies": {"express": "1.0.0"}}')
    write(here, "web/Dockerfile", "FROM node:22-slim\nCOPY . .\nRUN npm install\nUSER node\n")
    assert run(["lint"]) == 0
    assert "IO305" not in capsys.readouterr().out
    assert run(["lint", "--project", "--format", "json"]) == 0
    found = {one["code"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert found["IO305"]["location"]["file"].startswith("web/")


def test_several_formats_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "Dockerfile")
    assert run(["lint", "--format", "terminal", "--format", "sarif=a.sarif", "--format", "codequality=b.json"]) == 0
    assert "IO101" in capsys.readouterr().out
    assert json.loads((here / "a.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((here / "b.json").read_text())[0]["location"]["path"] == "Dockerfile"


def test_a_stored_lint_is_shown_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "Dockerfile")
    assert run(["lint", "--format", "terminal", "--format", "json=lint.json"]) == 0
    first = capsys.readouterr().out
    assert run(["report", "lint.json"]) == 0
    assert capsys.readouterr().out == first != ""
    assert run(["report", "lint.json", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith("::")


def test_a_team_s_rule_is_one_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As CONTRIBUTING.md shows it: the file is the whole of it."""
    write(here, "Dockerfile", GOOD)
    rule = (Path(__file__).parents[1] / "rules" / "team-rule.toml").read_text("utf-8")
    write(here, ".imageopt/rules/internal-registry.toml", rule)
    assert run(["lint"]) == 0
    assert capsys.readouterr().out == (
        "Dockerfile:1:6: warning TEAM1 This image is not from registry.example.org [internal-registry]\n"
    )


def test_many_files_are_linted_fast(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rules are loaded once, however many folders there are: once for each would take this test half a minute."""
    import time

    text = BAD + "RUN set -e; for i in a b; do make $i; done\nCOPY . /app\nENV A=b C=d\n" * 8 + 'CMD ["node", "x.js"]\n'
    for number in range(100):
        write(here, f"apps/{number}/Dockerfile", text)
    started = time.process_time()
    assert run(["lint", "--format", "json"]) == 0
    assert time.process_time() - started < 30
    assert len(files(capsys)) == 100
