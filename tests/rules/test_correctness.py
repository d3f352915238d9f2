"""What the correctness rules say, where they point, and what they leave in peace."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from evidence.small_images import image

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.image.model import Image
from imageopt.project.read import read_project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding

RULES = {rule.name: rule for rule in load_rules()}
NOW = date(2026, 3, 1)


def found(name: str, text: str, *, built: Image | None = None, folder: Path | None = None) -> Sequence[Finding]:
    project = read_project(folder) if folder is not None else None
    return check(join(built, parse(text.encode()), project), [RULES[name]], now=NOW)


def places(findings: Sequence[Finding]) -> list[tuple[int, int]]:
    """The lines and columns, in the file's order."""
    return sorted((f.location.line, f.location.column) for f in findings if f.location is not None)


PLACES = [
    ("copy-from-unknown-or-self", "FROM a AS x\nCOPY --link --from=x /b /b", [(2, 13)]),
    ("copy-from-unknown-or-self", "FROM a AS x\nCOPY --from=0 /b /b", [(2, 6)]),
    ("copy-from-unknown-or-self", "FROM a\nCOPY --from=3 /b /b", [(2, 6)]),
    ("copy-from-unknown-or-self", "FROM a\nCOPY --from=later /b /b\nFROM a AS later", [(2, 6)]),
    ("copy-from-unknown-or-self", "FROM a AS tools\nFROM b\nRUN --mount=type=bind,from=toolz,target=/t x", [(3, 5)]),
    ("copy-from-unknown-or-self", "FROM a AS context", [(1, 11)]),
    ("copy-from-unknown-or-self", "FROM a AS x\nFROM a AS x", [(2, 11)]),
    ("copy-from-unknown-or-self", "FROM node AS node\nFROM a\nCOPY --from=nodes /b /b", [(3, 6)]),
    ("copy-from-unknown-or-self", "FROM node AS node\nFROM node\nCOPY --from=php:8 /b /b\nCOPY --from= /c /c", []),
    ("copy-many-without-slash", "FROM a\nWORKDIR /\nCOPY a b c", [(3, 10)]),
    ("copy-many-without-slash", "FROM a\nWORKDIR /\nARG D=/x/\nCOPY a b $D\nCOPY a b $E", []),
    ("copy-many-without-slash", 'FROM a\nWORKDIR /\nCOPY ["a", "b", "/c"]', [(3, 17)]),
    ("copy-many-without-slash", "FROM a\nWORKDIR $X\nWORKDIR /y\nWORKDIR z", []),
    ("copy-many-without-slash", "# escape=`\nFROM w\nWORKDIR C:\\app\nCOPY a b C:\\app\\", []),
    ("copy-many-without-slash", "FROM library/debian:12 AS x\nFROM x\nADD a b/", [(3, 7)]),
    ("copy-many-without-slash", "FROM scratch\nCOPY a b", []),
    ("overridden-cmd-entrypoint-healthcheck", "FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD x", [(2, 1)]),
    ("cd-without-effect", "FROM a\nRUN x && \\\n  cd /y", [(3, 3)]),
    ("cd-without-effect", "FROM a\nRUN <<E\nx\ncd y\nE", [(4, 1)]),
    ("cd-without-effect", 'FROM a\nRUN x || cd y\nRUN f() { cd y; }\nRUN "cd', []),
    ("invalid-json-form", "FROM a\nCMD [node, x]", [(2, 5)]),
    ("invalid-json-form", "FROM a\nENTRYPOINT [“node”, “x”]", [(2, 12)]),
    ("invalid-json-form", "FROM a\nRUN ['npm', 'ci']", [(2, 5)]),
    ("invalid-json-form", "FROM a\nCOPY ['a b', 'c']", [(2, 6)]),
    ("invalid-json-form", "FROM a\nHEALTHCHECK --interval=1s CMD ['x']", [(2, 31)]),
    ("invalid-json-form", "FROM a\nONBUILD CMD ['x']", [(2, 13)]),
    ("invalid-json-form", "FROM a\nHEALTHCHECK NONE\nCMD [ -f x ]\nRUN [ 'a' = b ]\nRUN [ $x ]", []),
    ("deprecated-syntax", "FROM a\nMAINTAINER me", [(2, 1)]),
    ("deprecated-syntax", "FROM a as Build", [(1, 8), (1, 11)]),
    ("deprecated-syntax", "FROM a\nLABEL a b", [(2, 7)]),
    ("deprecated-syntax", "FROM a\nEXPOSE 80 99999 80/TCP http 1-2/udp", [(2, 11), (2, 17), (2, 24)]),
    ("deprecated-syntax", "from a\nrun b\nCOPY c d", [(3, 1)]),
    ("empty-continuation", "FROM a\nRUN a \\\n\n\n  b\nRUN c \\\n\n  d", [(3, 1), (7, 1)]),
    ("parse-error", "FROM a\nENV A=1 hunter2", [(2, 1)]),
]


@pytest.mark.parametrize(("rule", "text", "at"), PLACES)
def test_it_points_at_the_word_that_matters(rule: str, text: str, at: list[tuple[int, int]]) -> None:
    findings = found(rule, f"{text}\n")
    assert places(findings) == at
    assert "hunter2" not in repr(findings)


VARIABLES = [
    ("FROM node:$V", [("error", (1, 6))]),
    ("ARG V\nFROM node:$V", [("info", (2, 6))]),
    ("ARG V\nFROM $V", [("info", (2, 6))]),
    ("ARG V=1\nFROM a\nCOPY x$V /y", [("info", (3, 6))]),
    ("ARG V=1\nFROM a\nRUN x && \\\n y ${V}", [("info", (4, 4))]),
    ("ARG V=1\nFROM a\nARG V\nRUN x $V", []),
    ("ARG V=1\nFROM a\nRUN V=2 && x $V", []),
    ("ARG V=1\nFROM a\nRUN x $V\nARG V", []),
    ("ARG V=1\nFROM a\nRUN read -r V && x $V", []),
    ('ARG V=1\nFROM a\nSHELL ["pwsh"]\nRUN x $V', []),
    ('ARG V=1\nFROM a\nRUN ["x", "$V"]', []),
    ("ARG NODE_VERSION=1\nFROM node:22\nRUN x $NODE_VERSION", []),
    ("FROM a\nARG APP_HOME=/a\nWORKDIR $APP_HOEM", [("info", (3, 9))]),
    ("FROM a\nENV P=$PATH:/x Q=$HOME R=$UNKNOWN S=${T:-u}", []),
    ("FROM scratch\nCOPY a $B", [("info", (2, 8))]),
    ("FROM --platform=$TARGETPLATFORM a:$TARGETARCH", []),
]


@pytest.mark.parametrize(("text", "expected"), VARIABLES)
def test_variables_without_a_value(text: str, expected: list[tuple[str, tuple[int, int]]]) -> None:
    findings = found("arg-undefined", f"{text}\n")
    assert [(f.severity, (f.location.line, f.location.column)) for f in findings if f.location] == expected


def test_the_image_shows_what_the_base_sets() -> None:
    built = image(["base"], env=("JAVA_HOME=/opt/java",))
    findings = found("arg-undefined", "FROM a\nENV P=$JAVA_HOME/bin Q=$NOTHING\n", built=built)
    assert places(findings) == [(2, 22)]


def test_an_image_shows_that_its_base_has_a_workdir() -> None:
    assert not found("copy-many-without-slash", "FROM a\nWORKDIR b\n", built=image(["base"]))


IGNORED = [
    ("COPY a.txt /", "a.txt", [(2, 6)]),
    ("COPY ./a.txt b.txt /", "*\n!b.txt", [(2, 6)]),
    ("COPY src /", "src", [(2, 6)]),
    ("COPY src /", "src/**", [(2, 6)]),
    ("COPY src /", "src\n!src/a.js", []),
    ("COPY src /", "src/*\n!**/*.js", []),
    ("COPY *.txt /", "*.txt", [(2, 6)]),
    ("COPY *.txt /", "a.txt", []),
    ("COPY s*/*.js /", "src", [(2, 6)]),
    ("COPY nothing*.here /", "*", []),
    ("COPY later.js /", "*\n!src", [(2, 6)]),
    ("COPY later/x.js /", "later\n!later/*.js", []),
    ("COPY . /", "*", []),
    ("COPY $X /", "*", []),
    ("ARG X=a.txt\nCOPY $X /", "*", [(3, 6)]),
    ("ADD git@example.org:a/b.git /", "*", []),
    ("COPY empty /", "empty", [(2, 6)]),
    ("COPY empty /", "*.md", []),
]


@pytest.mark.parametrize(("line", "ignore", "at"), IGNORED)
def test_sources_that_are_ignored(line: str, ignore: str, at: list[tuple[int, int]], tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("a.txt", "b.txt", "src/a.js"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".dockerignore").write_text(ignore)
    assert places(found("copied-file-is-ignored", f"FROM a\n{line}\n", folder=tmp_path)) == at
