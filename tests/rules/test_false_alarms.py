"""What other tools are complained about: none of it may be reported."""

from datetime import date

import pytest
from evidence.small_images import image, record

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

RULES = load_rules()
NOW = date(2026, 3, 1)

GOOD = """\
FROM node:22-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=node:node /app/node_modules ./node_modules
COPY --from=build --chown=node:node /app/dist ./dist
USER node
EXPOSE 3000
CMD ["node", "dist/server.js"]
"""


def test_a_good_dockerfile_is_left_in_peace() -> None:
    assert found(GOOD) == []


SILENT = [
    ("an argument with a tagged default", "ARG IMAGE=node:22-slim\nFROM ${IMAGE}\n", "base-untagged-or-latest"),
    ("an argument that names a stage", "ARG B=base\nFROM node:22-slim AS base\nFROM ${B}\n", "base-untagged-or-latest"),
    ("an argument without a default", "ARG IMAGE\nFROM ${IMAGE}\n", "base-untagged-or-latest"),
    ("pinned by digest", f"FROM node@sha256:{'0' * 64}\n", "base-untagged-or-latest"),
    ("scratch", "FROM scratch\n", "base-untagged-or-latest"),
    ("a folder is not the project", "FROM node:22-slim\nRUN npm install /opt/tool\n", "npm-install-not-ci"),
    ("a script called install", "FROM node:22-slim\nRUN npm run install\n", "npm-install-not-ci"),
    ("one package", "FROM node:22-slim\nRUN npm install --loglevel verbose express\n", "npm-install-not-ci"),
    ("npm's cache is a mount", "FROM node:22-slim\nRUN --mount=type=cache,target=/root/.npm npm ci\n",
     "npm-yarn-pnpm-cache-left"),
    ("a cache mount above the folder", "FROM debian:12\nRUN --mount=type=cache,target=/var/lib apt-get update\n",
     "apt-lists-left"),
    ("root in a build stage", "FROM node:22 AS build\nUSER root\nFROM node:22-slim\nUSER node\n", "runs-as-root"),
    ("root for a moment", "FROM node:22-slim\nUSER root\nRUN x\nUSER 1000:1000\n", "runs-as-root"),
    ("a user by variable", "FROM node:22-slim\nUSER $APP_USER\n", "runs-as-root"),
    ("a base that promises it", "FROM nginxinc/nginx-unprivileged:1\n", "runs-as-root"),
    ("a mode is no secret", "FROM node:22-slim\nENV DB_AUTH_MODE=password\n", "secret-in-arg-or-env"),
    ("a socket is no secret", "FROM node:22-slim\nENV SSH_AUTH_SOCK=/ssh-agent\n", "secret-in-arg-or-env"),
    ("the path of a key", "FROM node:22-slim\nENV PRIVATE_KEY_FILE=/run/secrets/key\n", "secret-in-arg-or-env"),
    ("a public key", "FROM node:22-slim\nENV PUBLIC_ACCESS_KEY=4F9A0C12BB\n", "secret-in-arg-or-env"),
    ("a switch", "FROM node:22-slim\nENV USE_SECRET=true\n", "secret-in-arg-or-env"),
    ("RUN text is no ENV", "FROM alpine:3.22\nRUN apk add --no-cache libcrypto3=3.5.1\n", "secret-in-arg-or-env"),
    ("PowerShell", 'FROM win:1\nSHELL ["powershell", "-c"]\nRUN apt-get update\n', "apt-lists-left"),
    ("a blank line in a continuation", "FROM node:22-slim\nRUN a \\\n\n  b\n", "parse-error"),
    ("an overridden shell form", "FROM node:22-slim\nCMD node x\nCMD [\"node\", \"x\"]\n", "shell-form-cmd"),
    ("an argument's default that names a tag in two parts", "ARG V=22\nARG W=slim\nFROM node:${V}-${W}\n",
     "base-untagged-or-latest"),
    ("a stage by number and a platform's argument", "FROM node:22 AS arm64\nFROM ${TARGETARCH}\n",
     "base-untagged-or-latest"),
    ("a registry's port is no tag, and there is one", "FROM registry:5000/team/node:22\n", "base-untagged-or-latest"),
    ("apk's cache is a mount", "FROM alpine:3.22\nRUN --mount=type=cache,target=/var/cache/apk apk add git\n",
     "pkg-manager-cache-left"),
    ("dnf's cache lies below a mount", "FROM fedora:42\nRUN --mount=type=cache,target=/var/cache dnf install -y git\n",
     "pkg-manager-cache-left"),
    ("pip's cache is a mount", "FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache pip install flask\n",
     "pip-gem-go-cache-left"),
    ("composer's cache is a mount", "FROM php:8.4-cli\nRUN --mount=type=cache,target=/tmp/cache composer install\n",
     "composer-cache-or-binary-left"),
    ("apt's lists in memory", "FROM debian:12\nRUN --mount=type=tmpfs,target=/var/lib/apt/lists apt-get update\n",
     "apt-lists-left"),
    ("a cache in a build stage", "FROM alpine:3.22 AS a\nRUN apk add git\nFROM alpine:3.22\nCOPY --from=a /x /x\n",
     "pkg-manager-cache-left"),
    ("pip in a build stage", "FROM python:3.13 AS a\nRUN pip install x\nFROM python:3.13\nCOPY --from=a /x /x\n",
     "pip-gem-go-cache-left"),
    ("a clone in a build stage", "FROM debian:12 AS a\nRUN git clone https://a/b\nFROM debian:12\nCOPY --from=a /x /x\n",
     "full-git-clone"),
    ("cleaned in a stage that another is not built on", "FROM a:1 AS a\nRUN rm -rf /x\nFROM b:1\n",
     "deleted-in-later-layer"),
    ("cd in a RUN that builds and cleans", "FROM debian:12\nRUN cd /src && make install && cd / && rm -rf /src\n",
     "deleted-in-later-layer"),
    ("consecutive RUNs", "FROM debian:12\nRUN a\nRUN b\nRUN c\n", "mergeable-runs"),
    ("alpine's sh knows pipefail", "FROM alpine:3.22\nRUN set -o pipefail && curl https://a/b | tar -x\n",
     "pipe-without-pipefail"),
    ("SHELL is handed on through ENV and ARG",
     'FROM debian:12\nSHELL ["/bin/bash", "-eo", "pipefail", "-c"]\nENV A=b\nARG C\nRUN curl https://a/b | tar -x\n',
     "pipe-without-pipefail"),
    ("ash as the shell", 'FROM alpine:3.22\nSHELL ["/bin/ash", "-o", "pipefail", "-c"]\nRUN curl https://a/b | tar -x\n',
     "pipe-without-pipefail"),
    ("a package without a version", "FROM debian:12\nRUN apt-get install -y git\n", "unpinned-base-digest-or-packages"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "text", "rule"), SILENT, ids=[reason for reason, _, _ in SILENT])
def test_it_is_silent(reason: str, text: str, rule: str) -> None:
    assert rule not in found(text), reason


LOUD = [
    ("FROM node\n", "base-untagged-or-latest"),
    ("FROM node:latest\n", "base-untagged-or-latest"),
    ("ARG IMAGE=node\nFROM ${IMAGE}\n", "base-untagged-or-latest"),
    ("FROM node:22-slim\nRUN npm i --registry https://npm.example.org\n", "npm-install-not-ci"),
    ("FROM node:22-slim\nENV NPM_TOKEN=npm_0a1b2c3d4e5f\n", "secret-in-arg-or-env"),
    ("FROM node:22-slim\nENV DATABASE_URL=postgres://app:hunter2@db/app\n", "secret-in-arg-or-env"),
    ("FROM node:22-slim\nARG DB_PASSWORD=hunter2\n", "secret-in-arg-or-env"),
    ("FROM debian:12 AS base\nRUN apt-get update\nFROM base\n", "apt-lists-left"),
    ("FROM node:22-slim\nFRMO x\n", "parse-error"),
    ("FROM node:22-slim\nUSER 0:0\n", "runs-as-root"),
    ('FROM node:22-slim\nUSER "root"\n', "runs-as-root"),
    ("FROM registry:5000/team/node\n", "base-untagged-or-latest"),
    ("FROM rockylinux:9\nRUN yum clean all && yum install -y git\n", "pkg-manager-cache-left"),
    ("FROM rockylinux:9\nRUN dnf install -y a && dnf clean all && dnf install -y b\n", "pkg-manager-cache-left"),
    ("FROM debian:12\nRUN rm -rf /var/lib/apt/lists/* && apt-get update && apt-get install -y a\n", "apt-lists-left"),
    ("FROM alpine:3.22 AS a\nRUN apk add git\nFROM a\n", "pkg-manager-cache-left"),
    ("FROM debian:12\nRUN curl https://a/b | tar -x && set -o pipefail\n", "pipe-without-pipefail"),
    ("FROM alpine:3.22\nRUN --mount=type=cache,target=/root/.npm apk add git\n", "pkg-manager-cache-left"),
]


@pytest.mark.parametrize(("text", "rule"), LOUD)
def test_it_is_loud(text: str, rule: str) -> None:
    assert rule in found(text)


def test_no_secret_is_ever_repeated() -> None:
    evidence = join(None, parse(b"FROM node:22-slim\nENV NPM_TOKEN=npm_0a1b2c3d4e5f\n"), None)
    assert "npm_0a1b2c3d4e5f" not in repr(check(evidence, RULES, now=NOW))


def test_end_of_life_depends_on_the_day() -> None:
    evidence = join(None, parse(b"FROM node:20-slim\n"), None)
    days = (date(2026, 4, 30), date(2026, 5, 1))
    assert ["base-end-of-life" in {f.rule for f in check(evidence, RULES, now=day)} for day in days] == [False, True]


def test_one_base_in_two_stages_is_one_finding() -> None:
    evidence = join(None, parse(b"FROM node:16 AS a\nFROM node:16\nCOPY --from=a /x /x\n"), None)
    old = [f for f in check(evidence, RULES, now=NOW) if f.rule == "base-end-of-life"]
    assert [f.location and f.location.line for f in old] == [2]


def found(text: str) -> list[str]:
    return [finding.rule for finding in check(join(None, parse(text.encode()), None), RULES, now=NOW)]


def test_layers_of_the_base_image_are_nobodys_fault() -> None:
    paths = ("var/lib/apt/lists/a", "var/cache/apk/b", "root/.cache/pip/c", "usr/share/man/d", "var/log/lastlog",
             "opt/.git/objects/e", "opt/f.tar.gz", "tmp/g")  # fmt: skip
    dockerfile = parse(b"FROM debian:12-slim\nRUN tar -xf /opt/f.tar.gz\n")
    history = ("base", "RUN /bin/sh -c tar -xf /opt/f.tar.gz # buildkit")
    for layer, expected in ((0, set()), (1, set(paths))):
        files = [record(path, 5_000_000, layer) for path in paths]
        judged = check(join(image(history, files), dockerfile, None), RULES, now=NOW)
        blamed = {files[index].path for finding in judged for index in finding.files}
        assert blamed & set(paths) == expected


def test_opinions_on_size_and_builds_stop_no_pipeline() -> None:
    errors = {rule.name for rule in RULES if rule.category in ("size", "build") and rule.severity == "error"}
    assert errors == {"copy-root-filesystem", "interactive-install"}
