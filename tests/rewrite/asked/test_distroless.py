"""The final stage on Google's distroless image: what becomes of each line, and what needs more than Node."""

from pathlib import Path

import pytest
from rewrite.asking import asked, reason_of, text_of
from rewrite.node_shapes import package

FILES = {**package(prod={"express": "4.0.0"}), "a.js": "require('express')().listen(3000)\n"}
SQLITE = package(prod={"better-sqlite3": "11.0.0"}, locked={"better-sqlite3": {"hasInstallScript": True}})
BUILD = "FROM node:22 AS build\nRUN npm ci\n"
CMD = 'CMD ["node", "a.js"]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM node:22-bookworm-slim\n", "FROM gcr.io/distroless/nodejs22-debian12\n"),
        ("FROM node:24.1-trixie AS final\n", "FROM gcr.io/distroless/nodejs24-debian13 AS final\n"),
        ("FROM node:20-alpine\n", "FROM gcr.io/distroless/nodejs20-debian12\n"),
        (
            "FROM node:22-slim\nCOPY --from=build --chown=node:node /a /a\nUSER node\n",
            "FROM gcr.io/distroless/nodejs22-debian12\nCOPY --from=build --chown=1000:1000 /a /a\nUSER 1000\n",
        ),
        (
            "FROM node:22-slim\nCOPY --chown=node /a /a\nUSER node:node\n",
            "FROM gcr.io/distroless/nodejs22-debian12\nCOPY --chown=1000 /a /a\nUSER 1000:1000\n",
        ),
        (
            'FROM node:22-slim\nENTRYPOINT ["docker-entrypoint.sh"]\nHEALTHCHECK --retries=3 CMD ["node", "-e", "1"]\n',
            'FROM gcr.io/distroless/nodejs22-debian12\nHEALTHCHECK --retries=3 CMD ["/nodejs/bin/node", "-e", "1"]\n',
        ),
        ("FROM node:22-slim\nHEALTHCHECK NONE\n", "FROM gcr.io/distroless/nodejs22-debian12\nHEALTHCHECK NONE\n"),
    ],
)
def test_the_stage_needs_node_alone(tmp_path: Path, before: str, after: str) -> None:
    found = asked(tmp_path, "distroless", BUILD + before + CMD, FILES)
    assert text_of(found) == f'{BUILD}{after}CMD ["a.js"]\n'
    assert (found.predicted_bytes, found.predicted_basis) == (None, "unknown")


def test_a_binary_goes_to_the_same_debian(tmp_path: Path) -> None:
    found = asked(tmp_path, "distroless", f"FROM node:22-trixie-slim\n{CMD}", {**SQLITE, "a.js": ""})
    assert reason_of(found).startswith("better-sqlite3: ")
    bcrypt = package(prod={"bcrypt": "6.0.0"}, locked={"bcrypt": {"hasInstallScript": True}})
    found = asked(tmp_path, "distroless", f"FROM node:22-slim\n{CMD}", {**bcrypt, "a.js": ""})
    assert "the tag of node:22-slim does not say that it is of the same Debian" in reason_of(found)
    found = asked(tmp_path, "distroless", f"FROM node:22-trixie-slim\n{CMD}", {**bcrypt, "a.js": ""})
    assert text_of(found).startswith("FROM gcr.io/distroless/nodejs22-debian13\n")


@pytest.mark.parametrize(
    ("dockerfile", "more", "reason"),
    [
        ("FROM nginx:1.27\n", {}, "line 1 of the proposed Dockerfile: the final stage is not built on a Node image"),
        (f"ARG V=22\nFROM node:$V\n{CMD}", {}, "line 2 of the proposed Dockerfile: the final stage is not built"),
        (f"FROM node:22 AS a\nFROM a\n{CMD}", {}, "line 2 of the proposed Dockerfile: the final stage is not built"),
        (f"FROM node:18-slim\n{CMD}", {}, "there is no distroless image of Node 18"),
        (f"FROM node:22-slim\nRUN npm ci\n{CMD}", {}, "line 2 of the proposed Dockerfile: RUN needs a shell"),
        (f"FROM node:22-slim\nHEALTHCHECK CMD curl -f a\n{CMD}", {}, "line 2 of the proposed Dockerfile: the HEALTHCHECK"),
        (f'FROM node:22-slim\nHEALTHCHECK CMD ["curl"]\n{CMD}', {}, "line 2 of the proposed Dockerfile: the HEALTHCHECK"),
        (f'FROM node:22-slim\nENTRYPOINT ["/run.sh"]\n{CMD}', {}, "line 2 of the proposed Dockerfile: the ENTRYPOINT"),
        (f"FROM node:22-slim\nUSER me\n{CMD}", {}, "line 2 of the proposed Dockerfile: the user me is not in that image"),
        ("FROM node:22-slim\nCMD node a.js\n", {}, "the service is not started with node in exec form"),
        ('FROM node:22-slim\nCMD ["npm", "start"]\n', {}, "the service is not started with node in exec form"),
        ("FROM node:22-slim\n", {}, "the service is not started with node in exec form"),
        (f"FROM node:22-slim\n{CMD}", {"a.js": "require('child_process').execSync('git log')"}, "a.js:1"),
        (
            f"FROM node:22-slim\n{CMD}",
            {"compose.yml": "services:\n  web:\n    build: .\n    command: node b.js\n"},
            "compose.yml:4: the command of web runs in the container",
        ),
    ],
)  # fmt: skip
def test_what_needs_more_than_node(tmp_path: Path, dockerfile: str, more: dict[str, str], reason: str) -> None:
    assert reason_of(asked(tmp_path, "distroless", dockerfile, {**FILES, **more})).startswith(reason)
