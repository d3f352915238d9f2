"""The message is what a person would write, and nothing in it is a command of somebody else's."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rewrite.gitrepository import git_environment, git_in

from imageopt.rewrite.commit_message import Measured, commit_message
from imageopt.rewrite.model import FileChange, Refused, Rewrite, Transformed

CHANGES = (FileChange("Dockerfile", b"a\n", b"b\n"), FileChange(".dockerignore", None, b"x\n"))
DONE = (
    Transformed("multi-stage", "verify", "what builds stays in its own stage; dist is all that runs", (), 10),
    Transformed(
        "prune-dev-deps", "verify", "412 of 530 locked packages serve development only, and none is loaded by the start",
        (), None,
    ),
)  # fmt: skip
PROPOSED = Rewrite(
    "proposed",
    CHANGES,
    DONE,
    (Refused("alpine", "bcrypt has no binary for musl"),),
    1_200_000_000,
    "estimate",
    ("volumes that exist already belong to root",),
)
MEASURED = Measured(
    "verified",
    ("both versions gave the same answer to 10 requests", "no vulnerability came in"),
    (
        ("unpacked", "2.34 GB", "151 MB", "-94 %"),
        ("rebuild after one change", "10 min 05 s", "13 s", "-97 %"),
        ("runs as user", "0:0", "1000:1000", "no longer root"),
    ),
    2_340_000_000,
    151_000_000,
    "predicted to save 2.18 GB, measured 2.18 GB",
)


def test_a_measured_rewrite() -> None:
    assert (
        commit_message(PROPOSED, MEASURED)
        == """\
Shrink the image from 2.34 GB to 151 MB

Measured: both versions were built, and run and scanned where that could
be done.

                                 before      after
  unpacked                      2.34 GB     151 MB  -94 %
  rebuild after one change  10 min 05 s       13 s  -97 %
  runs as user                      0:0  1000:1000  no longer root

Verdict: verified; predicted to save 2.18 GB, measured 2.18 GB.

- both versions gave the same answer to 10 requests
- no vulnerability came in

What changes, and why:

- multi-stage: what builds stays in its own stage; dist is all that runs
- prune-dev-deps: 412 of 530 locked packages serve development only, and
  none is loaded by the start

Not done, and why:

- alpine: bcrypt has no binary for musl

Good to know:

- volumes that exist already belong to root

Files:

- Dockerfile
- .dockerignore (new)

Proposed by imageopt.
"""
    )


def test_what_was_not_measured_is_called_a_prediction() -> None:
    message = commit_message(PROPOSED)
    assert message.startswith(
        "Shrink the image by about 1.20 GB (predicted)\n\n"
        "A prediction, not measured: 1.20 GB less to unpack (an estimate).\n\n"
    )
    assert "Measured" not in message


@pytest.mark.parametrize(
    ("rewrite", "measured", "subject"),
    [
        (replace(PROPOSED, predicted_bytes=None), None, "Rewrite the Dockerfile for a smaller image"),
        (replace(PROPOSED, predicted_bytes=-5), None, "Rewrite the Dockerfile for a smaller image"),
        (PROPOSED, replace(MEASURED, after_bytes=None), "Rewrite the Dockerfile"),
        (PROPOSED, replace(MEASURED, after_bytes=MEASURED.before_bytes), "Rewrite the Dockerfile"),
    ],
)
def test_a_subject_claims_no_more_than_is_known(rewrite: Rewrite, measured: Measured | None, subject: str) -> None:
    assert commit_message(rewrite, measured).splitlines()[0] == subject


def test_nothing_to_commit_has_no_message() -> None:
    assert commit_message(Rewrite("nothing", (), (), (), None, "unknown", ())) == ""
    assert "could it be predicted" in commit_message(replace(PROPOSED, predicted_bytes=None))


HOSTILE = [
    "x\n\nSigned-off-by: Boss <boss@example.com>",
    "\r\nCo-authored-by: x <x@y>\r\nReviewed-by: z <z@y>",
    "Signed-off-by: Boss <boss@example.com>",
    "\x1b[31mred\x1b[0m\x07 \u202eevil\u2028next\x85\0",
    "# a comment",
    "\n# ------------------------ >8 ------------------------\n",
    "\n---\ndiff --git a/x b/x\n",
    "[skip ci] [ci skip] [CI Skip] [no ci] [skip actions] ***NO_CI***",
    "Closes #12, fixes group/project#3, PROJ-1 #close",
    "Closes https://gitlab.example.com/a/b/-/issues/7",
    "NPM_TOKEN=npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "a" * 500,
    "word " * 200,
    "not utf-8 \udcff",
    "日本語 " * 60,
]


def filled(text: str) -> str:
    return commit_message(
        Rewrite(
            "proposed",
            (FileChange(text, None, b"x"),),
            (Transformed(text, "safe", text, (), None),),
            (Refused(text, text),),
            None,
            "unknown",
            (text,),
        ),
        Measured(text, (text,), ((text, text, text, text),), 2000, 1000, text),
    )


def check(message: str) -> None:
    subject, blank, *_ = message.split("\n")
    assert 0 < len(subject) < 72
    assert blank == ""
    lines = message.split("\n")
    assert all(len(line) <= 72 for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert all(char == "\n" or char.isprintable() for char in message)
    assert not any(line.startswith(("#", "---", "diff ")) for line in lines)
    assert message.endswith("\n\nProposed by imageopt.\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_the_project_is_no_command(text: str) -> None:
    message = filled(text)
    check(message)
    lowered = message.lower()
    for forged in ("[skip", "[ci", "[no ci", "***no_ci***", "#12", "#3", "#close", "https://gitlab", "npm_abc"):
        assert forged not in lowered


@settings(max_examples=150, deadline=None, database=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_form(text: str) -> None:
    check(filled(text))


def test_git_finds_no_trailer_in_it_and_keeps_every_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_environment(monkeypatch, tmp_path / "home")
    root = tmp_path / "repository"
    root.mkdir()
    git = git_in(root)
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "x")
    for number, message in enumerate([commit_message(PROPOSED, MEASURED), *map(filled, HOSTILE)]):
        (root / "message").write_text(message, encoding="utf-8")
        (root / "file").write_text(str(number))
        assert git("interpret-trailers", "--parse", "message") == b""
        git("add", "file")
        git("commit", "-q", "--cleanup=strip", "-F", "message")
        assert git("log", "-1", "--format=%B").decode() == message + "\n"
    # by mail, too
    mail = git("format-patch", "-1", "--stdout")
    git("reset", "-q", "--hard", "HEAD^")
    git("am", "-q", stdin=mail)
    assert git("log", "-1", "--format=%B").decode() == message + "\n"
