"""Tokens of ARG, ENV and .npmrc: mounted where a RUN needs them, and why they are left where they cannot be."""

import os
import subprocess
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

import pytest
from rewrite.asking import asked, reason_of, text_of
from rewrite.node_shapes import package

NAMED = {**package(prod={"express": "4.0.0"}), ".npmrc": "//r.example.org/:_authToken=${NPM_TOKEN}\n"}
WRITTEN = {**package(prod={"express": "4.0.0"}), ".npmrc": "//r.example.org/:_authToken=abcdefghijklmnop\n"}
TOKEN = "--mount=type=secret,id=NPM_TOKEN,required=true"
EXPORT = 'export NPM_TOKEN="$(cat /run/secrets/NPM_TOKEN)";'
FILE = "--mount=type=secret,id=npmrc,target=/app/.npmrc,required=true"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "ARG NPM_TOKEN\nRUN npm ci\nRUN apt-get update",
            f"RUN {TOKEN} \\\n    {EXPORT} \\\n    npm ci\nRUN apt-get update",
        ),
        (
            "ARG CI NPM_TOKEN=abc PORT=1\nRUN --mount=type=cache,target=/root/.npm npm ci",
            f"ARG CI PORT=1\nRUN {TOKEN} \\\n    --mount=type=cache,target=/root/.npm \\\n    {EXPORT} \\\n    npm ci",
        ),
        (
            "ARG NPM_TOKEN\nENV A=1 \\\n    NPM_TOKEN=$NPM_TOKEN\nUSER node\nRUN npm ci",
            f"ENV A=1\nUSER node\nRUN {TOKEN},uid=1000 \\\n    {EXPORT} \\\n    npm ci",
        ),
        (
            "ENV NPM_TOKEN=abc NODE_ENV=x\nRUN npm ci",
            f"ENV NODE_ENV=x\nRUN {TOKEN} \\\n    {EXPORT} \\\n    npm ci",
        ),
        (
            'ARG NPM_TOKEN\nRUN echo "//r/:_authToken=$NPM_TOKEN" > .npmrc && npm ci && rm .npmrc',
            f'RUN {TOKEN} \\\n    {EXPORT} \\\n    echo "//r/:_authToken=$NPM_TOKEN" > .npmrc && npm ci && rm .npmrc',
        ),
        (
            "ARG NPM_TOKEN\nRUN echo '//r/:_authToken=${NPM_TOKEN}' > .npmrc && npm ci",
            f"RUN {TOKEN} \\\n    {EXPORT} \\\n    echo '//r/:_authToken=${{NPM_TOKEN}}' > .npmrc && npm ci",
        ),
        (
            "ARG NPM_TOKEN VITE_API_KEY TOKEN_URL\nRUN --network=none \\\n    # why\n    npm ci",
            f"ARG VITE_API_KEY TOKEN_URL\nRUN {TOKEN} \\\n    --network=none \\\n    # why\n    {EXPORT} \\\n    npm ci",
        ),
        ("RUN npm ci\nARG NPM_TOKEN\nRUN ls", "RUN npm ci\nRUN ls"),
        ("ENV NPM_TOKEN=abc \\\n    # why\n    B=1\nRUN ls", "ENV \\\n    # why\n    B=1\nRUN ls"),
        ("ARG NPM_TOKEN\nRUN ./install.sh", f"RUN {TOKEN} \\\n    {EXPORT} \\\n    ./install.sh"),
        (
            "ARG NPM_TOKEN\nRUN npm config set a $NPM_TOKEN && npm ci && rm -r ~/.npmrc ~/.npm",
            f"RUN {TOKEN} \\\n    {EXPORT} \\\n    npm config set a $NPM_TOKEN && npm ci && rm -r ~/.npmrc ~/.npm",
        ),
        (
            "ARG NPM_TOKEN\nRUN --mount=type=secret,id=NPM_TOKEN npm ci",
            "RUN --mount=type=secret,id=NPM_TOKEN npm ci",
        ),
    ],
    ids=[
        "arg",
        "one of several",
        "env of an arg",
        "env",
        "written and removed",
        "named only",
        "what is no secret",
        "no RUN needs it",
        "a comment of what stays",
        "a script that may need it",
        "stored and removed",
        "mounted already",
    ],
)
def test_a_token_is_mounted_where_it_is_needed(tmp_path: Path, before: str, after: str) -> None:
    head, tail = "FROM node:22\nWORKDIR /app\n", '\nCMD ["node", "a.js"]\n'
    found = asked(tmp_path, "secret-mounts", head + before + tail, NAMED)
    assert text_of(found) == head + after + tail
    assert (found.transformed[-1].safety, found.predicted_bytes) == ("propose", 0)
    assert found.notes[0] == "build it with `docker build --secret id=NPM_TOKEN,env=NPM_TOKEN`"


def test_a_stage_inherits_the_token_of_the_one_it_is_built_on(tmp_path: Path) -> None:
    before = "FROM node:22 AS a\nARG NPM_TOKEN\nFROM a\nRUN npm ci\nFROM node:22\nRUN npm ls\n"
    after = f"FROM node:22 AS a\nFROM a\nRUN {TOKEN} \\\n    {EXPORT} \\\n    npm ci\nFROM node:22\nRUN npm ls\n"
    assert text_of(asked(tmp_path, "secret-mounts", before, NAMED)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "COPY package*.json .npmrc ./\nRUN npm ci && rm -f .npmrc\nCOPY . .",
            f"COPY package*.json ./\nRUN {FILE} \\\n    npm ci\nCOPY . .",
        ),
        (
            "COPY .npmrc ./\nCOPY package.json ./\nRUN npm ci\nRUN rm .npmrc",
            f"COPY package.json ./\nRUN {FILE} \\\n    npm ci",
        ),
        ("COPY . .\nRUN ls\nRUN npm ci", f"COPY . .\nRUN ls\nRUN {FILE} \\\n    npm ci"),
    ],
    ids=["one of several", "copied alone", "the whole folder"],
)
def test_a_file_with_a_token_is_mounted_and_ignored(tmp_path: Path, before: str, after: str) -> None:
    head = "FROM node:22\nWORKDIR /app\n"
    found = asked(tmp_path, "secret-mounts", f"{head}{before}\n", {**WRITTEN, ".dockerignore": "dist"})
    assert text_of(found) == f"{head}{after}\n"
    assert text_of(found, ".dockerignore") == "dist\n# holds a token: given to the build as a secret\n.npmrc\n"
    assert "abcdefghijklmnop" not in str(found.notes)


@pytest.mark.parametrize(
    ("dockerfile", "more", "reason"),
    [
        ("RUN npm ci", {}, "no ARG, no ENV and no file"),
        ("ARG NPM_TOKEN\nRUN npm ci", {".gitlab-ci.yml": "kaniko"}, "no builder with secrets: kaniko"),
        ('ARG NPM_TOKEN\nRUN ["npm", "ci"]', {}, "line 3 of the proposed Dockerfile: the token can be handed to"),
        ("ARG NPM_TOKEN\nRUN <<EOF\nnpm ci\nEOF", {}, "line 3 of the proposed Dockerfile: the token can be handed to"),
        ("ARG NPM_TOKEN\nLABEL a=$NPM_TOKEN\nRUN npm ci", {}, "line 3 of the proposed Dockerfile: LABEL reads NPM_TOKEN"),
        ("ARG NPM_TOKEN\nENV A=$NPM_TOKEN\nRUN npm ci", {}, "line 3 of the proposed Dockerfile: ENV reads NPM_TOKEN"),
        ("ARG NPM_TOKEN\nUSER me\nRUN npm ci", {}, "line 4 of the proposed Dockerfile: which number the user me has"),
        ("ARG NPM_TOKEN\nRUN git clone https://$NPM_TOKEN@r.org/a", {}, "line 3 of the proposed Dockerfile: `git` may"),
        ("ARG NPM_TOKEN\nRUN npm config set a $NPM_TOKEN", {}, "line 3 of the proposed Dockerfile: `npm` may store"),
        ("ARG NPM_TOKEN\nRUN echo $NPM_TOKEN > .npmrc\nRUN npm ci && rm .npmrc", {}, "line 3 of the proposed Docker"),
        ("ENV DB_PASSWORD=abc\nRUN npm ci", {}, "line 2 of the proposed Dockerfile: ENV DB_PASSWORD may be for"),
        ("ENV NPM_TOKEN=abc", {"a.js": "process.env.NPM_TOKEN"}, "a.js reads NPM_TOKEN where the service runs"),
        ("ENV NPM_TOKEN=abc\nCMD npm start", {}, "the service starts with a package manager, which may read"),
        ("ARG NPM_TOKEN\nCOPY <<EOF .npmrc\na=$NPM_TOKEN\nEOF", {}, "line 3 of the proposed Dockerfile: COPY reads"),
        ('SHELL ["bash", "-exc"]\nARG NPM_TOKEN\nRUN npm ci', {}, "line 4 of the proposed Dockerfile: its SHELL prints"),
        ("ARG NPM_TOKEN\nONBUILD RUN npm ci $NPM_TOKEN", {}, "line 3 of the proposed Dockerfile: ONBUILD"),
    ],
)  # fmt: skip
def test_where_it_cannot_be_done(tmp_path: Path, dockerfile: str, more: dict[str, str], reason: str) -> None:
    pipeline = {
        name: "build:\n  image: gcr.io/kaniko-project/executor\n  script:\n    - /kaniko/executor --context .\n"
        if text == "kaniko"
        else text
        for name, text in more.items()
    }
    found = asked(tmp_path, "secret-mounts", f"FROM node:22\n{dockerfile}\n", {**NAMED, **pipeline})
    assert reason_of(found).startswith(reason)


@pytest.mark.parametrize(("syntax", "mounts"), [("1.1", False), ("1.1-experimental", True), ("1.2", True)])
def test_the_syntax_must_know_mounts(tmp_path: Path, syntax: str, mounts: bool) -> None:
    text = f"# syntax=docker/dockerfile:{syntax}\nFROM node:22\nARG NPM_TOKEN\nRUN npm ci\n"
    assert (asked(tmp_path, "secret-mounts", text, NAMED).outcome == "proposed") == mounts


def test_a_file_that_a_longer_run_removes_is_not_mounted_there(tmp_path: Path) -> None:
    dockerfile = "FROM node:22\nCOPY . .\nRUN npm ci && rm -f .npmrc && npm run build\n"
    found = asked(tmp_path, "secret-mounts", dockerfile, WRITTEN)
    assert (
        reason_of(found)
        == "line 3 of the proposed Dockerfile: it removes .npmrc, which cannot be done where that is mounted"
    )


COMPOSE = """\
services:
  web:
    build:
      context: .
      args:
        {first}NPM_TOKEN: ${{NPM_TOKEN}}
    ports: ["80:80"]
"""
MOVED = """\
services:
  web:
    build:
      context: .
      secrets:
        - NPM_TOKEN
{args}    ports: ["80:80"]

secrets:
  NPM_TOKEN:
    environment: NPM_TOKEN
"""


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("compose.yml", COMPOSE.format(first=""), MOVED.format(args="")),
        (
            "compose.yml",
            COMPOSE.format(first="CI: 1\n        "),
            MOVED.format(args="      args:\n        CI: 1\n"),
        ),
        ("compose.yml", f"{COMPOSE.format(first='')}secrets: {{}}\n", None),
        (
            ".gitlab-ci.yml",
            "b:\n  script:\n    - docker build --build-arg NPM_TOKEN=$CI_JOB_TOKEN -t a .\n",
            "b:\n  script:\n    - docker build --secret id=NPM_TOKEN,env=CI_JOB_TOKEN -t a .\n",
        ),
        (
            ".gitlab-ci.yml",
            "b:\n  script:\n    - docker build --build-arg=NPM_TOKEN .\n",
            "b:\n  script:\n    - docker build --secret id=NPM_TOKEN,env=NPM_TOKEN .\n",
        ),
        (".gitlab-ci.yml", "b:\n  script:\n    - docker build --build-arg NPM_TOKEN=abc .\n", None),
    ],
    ids=["compose", "one of several", "secrets of its own", "another variable", "no value", "a value in the file"],
)
def test_what_hands_the_token_over_must_follow(tmp_path: Path, path: str, before: str, after: str | None) -> None:
    found = asked(tmp_path, "secret-mounts", "FROM node:22\nARG NPM_TOKEN\nRUN npm ci\n", {**NAMED, path: before})
    (item,) = found.follow_ups
    assert (item.path, item.reason.endswith("over as a build argument, and it is a secret now")) == (path, True)
    assert (item.change.after.decode() if item.change else None) == (dedent(after) if after else None)


@pytest.mark.engine
def test_the_token_reaches_the_build_and_no_layer_and_no_history(tmp_path: Path, engine: str) -> None:
    token = f"npm_{uuid4().hex}"
    check = f'RUN node -e \'process.exit(Number(process.env.NPM_TOKEN !== "{token[:9]}" + "{token[9:]}"))\' && npm -v'
    dockerfile = f"FROM node:22-alpine\nARG NPM_TOKEN\nWORKDIR /app\nUSER node\n{check}\nRUN echo built > /tmp/a\n"
    project = tmp_path / "app"
    (project / "Dockerfile").write_text(text_of(asked(project, "secret-mounts", dockerfile, NAMED)), encoding="utf-8")
    tag = f"imageopt-test-secret:{uuid4().hex[:12]}"

    def docker(*words: str | Path) -> bytes:
        return subprocess.run(
            ["docker", *words], capture_output=True, check=True, timeout=120, env={**os.environ, "NPM_TOKEN": token}
        ).stdout

    try:
        docker("buildx", "build", "--load", "--tag", tag, "--secret", "id=NPM_TOKEN,env=NPM_TOKEN", project)
        saved = docker("save", tag)
    finally:
        subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True, check=False, timeout=60)
    assert b"/tmp/a" in saved  # the history is in it
    assert token.encode() not in saved
