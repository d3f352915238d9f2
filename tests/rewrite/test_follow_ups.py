"""What must follow a smaller base: told with its line, and with an edit only where that changes nothing else."""

from pathlib import Path

import pytest

from imageopt.rewrite.diff import file_diff
from imageopt.rewrite.follow_ups import follow_ups
from imageopt.rewrite.model import FileChange, FollowUp, Rewrite

FULL = b"FROM node:20\nCMD node x\n"
SLIM = b"FROM node:20 AS build\nFROM node:20-slim AS base\nFROM base\nCMD node x\n"
ALPINE = b"FROM node:20-alpine\nCMD node x\n"
COMPOSE = """\
services:
  web:
    build: .
    healthcheck:
      test: {test}  # every minute
      interval: 60s
  db:
    image: postgres
    healthcheck:
      test: curl -f http://localhost:5432
"""


def found(root: Path, before: bytes = FULL, after: bytes = SLIM) -> tuple[FollowUp, ...]:
    change = FileChange("Dockerfile", before, after)
    return follow_ups(root, Rewrite("proposed", (change,), (), (), None, "unknown", ()), "Dockerfile")


def compose(root: Path, test: str) -> tuple[FollowUp, ...]:
    (root / "compose.yaml").write_text(COMPOSE.format(test=test))
    return found(root)


FETCH = """fetch('http://127.0.0.1:3000/health').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"""


@pytest.mark.parametrize(
    "test",
    [
        "curl -f http://localhost:3000/health",
        "curl -f http://localhost:3000/health || exit 1",
        '["CMD", "curl", "-f", "http://localhost:3000/health"]',
        "['CMD-SHELL', 'curl --fail http://localhost:3000/health || exit 1']",
        '"curl -fsS http://localhost:3000/health"',
        '["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/health"]',
    ],
)
def test_a_plain_probe_gets_an_edit(tmp_path: Path, test: str) -> None:
    (item,) = compose(tmp_path, test)
    assert item.path == "compose.yaml"
    program = "wget" if "wget" in test else "curl"
    assert item.reason == f"line 5: the probe of web calls {program}, which the new base image lacks"
    assert item.change is not None
    assert file_diff(item.change).splitlines()[2:] == [
        "@@ -2,7 +2,7 @@",
        "   web:",
        "     build: .",
        "     healthcheck:",
        f"-      test: {test}  # every minute",
        f'+      test: ["CMD", "node", "-e", "{FETCH}"]  # every minute',
        "       interval: 60s",
        "   db:",
        "     image: postgres",
    ]


@pytest.mark.parametrize(
    "test",
    [
        "curl -f http://localhost:$$PORT/health",  # the shell of the container puts the port in
        "curl -f -H X:y http://localhost:3000",
        "curl -f http://localhost:3000 | grep ok",
        "|\n        curl -f http://localhost:3000/health",
        "curl -f\n        http://localhost:3000/health",
        '[\n        "CMD", "curl", "-f", "http://localhost:3000/health"]',
        "&probe curl -f http://localhost:3000/health",
    ],
)
def test_any_other_probe_is_left_to_a_person(tmp_path: Path, test: str) -> None:
    (item,) = compose(tmp_path, test)
    assert "calls curl" in item.reason
    assert item.change is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FULL, FULL + b"USER node\n"),  # nothing is missing
        (FULL, b"FROM node:20-slim\nRUN apt-get update && apt-get install -y curl wget\n"),
        (FULL, b"FROM nginx:alpine\n"),  # what this one holds is not known
        (b"FROM node:20-slim\n", SLIM),  # nor was it there before
        (FULL, b""),
    ],
)
def test_what_was_not_lost_needs_nothing(tmp_path: Path, before: bytes, after: bytes) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE.format(test="curl -f http://localhost:3000/health"))
    assert found(tmp_path, before, after) == ()


def test_a_new_dockerfile_or_none_has_nothing_before_it(tmp_path: Path) -> None:
    nothing = Rewrite("proposed", (FileChange("Dockerfile", None, SLIM),), (), (), None, "unknown", ())
    assert follow_ups(tmp_path, nothing, "Dockerfile") == ()
    assert follow_ups(tmp_path, nothing, "other") == ()


def test_alpine_has_a_wget_of_its_own_and_no_bash(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        COMPOSE.format(test="wget -q http://localhost:3000").replace(
            "build: .", "build: .\n    command: [bash, start.sh]"
        )
    )
    (item,) = found(tmp_path, after=ALPINE)
    assert item == FollowUp(
        "compose.yaml", "line 4: the command of web calls bash, which the new base image lacks", None
    )


def test_a_probe_of_the_cluster_may_be_of_this_image(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "web.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n"
        "        - name: web\n          image: shop\n          livenessProbe:\n            exec:\n"
        "              command: [curl, -f, 'http://localhost:3000']\n"
        "          readinessProbe:\n            httpGet: {path: /curl, port: 3000}\n"
    )
    (item,) = found(tmp_path)
    assert item.path == "deploy/web.yaml"
    assert item.reason.endswith("calls curl, which the new base image lacks, if it runs this image")
    assert item.change is None


def test_files_that_cannot_be_read_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(b"services: {web: {build: ., healthcheck: {test: curl x}}}\n\xff")
    assert all(item.change is None for item in found(tmp_path))
    (tmp_path / "compose.yaml").write_bytes(b"a: [")
    assert found(tmp_path) == ()


def test_line_ends_stay(tmp_path: Path) -> None:
    text = COMPOSE.format(test="curl -f http://localhost:3000/health").replace("\n", "\r\n")
    (tmp_path / "compose.yaml").write_bytes(text.encode())
    (item,) = found(tmp_path)
    assert item.change is not None
    assert item.change.after.count(b"\r\n") == item.change.before.count(b"\r\n") == item.change.after.count(b"\n")  # type: ignore[union-attr]
