"""A first Dockerfile: what the draft is made of, and what has to be told before there can be one."""

from pathlib import Path

import pytest
from rewrite.node_shapes import TYPESCRIPT, package, write

from imageopt.project.read import read_project
from imageopt.rewrite.first import Draft, Missing, as_first, draft
from imageopt.rewrite.model import FileChange, Refused, Rewrite, Transformed

SERVER = {"server.js": "require('http').createServer().listen(3000);\n"}
SERVICE = {**package(scripts={"start": "node server.js"}), **SERVER}
PAGE = {"index.html": "<h1>hello</h1>"}
VITE = {**package(dev={"vite": "5.0.0"}, scripts={"build": "vite build"}), **PAGE}
ASTRO = package(prod={"astro": "5.0.0"}, scripts={"build": "astro build"})
NEXT = package(prod={"next": "15.0.0"}, scripts={"build": "next build", "start": "next start"})
NUXT = package(prod={"nuxt": "4.0.0"}, scripts={"build": "nuxt build"})
STANDALONE = {**package(prod={"next": "15.0.0"}, scripts={"build": "next build"}),
              "next.config.js": "module.exports = { output: 'standalone' };\n"}  # fmt: skip
PNPM = {"package.json": SERVICE["package.json"], "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", **SERVER}


def made(root: Path, files: dict[str, str]) -> list[str]:
    found = draft(read_project(write(root, files)))
    assert isinstance(found, Draft), found
    return found.text.splitlines()


def missing(root: Path, files: dict[str, str]) -> tuple[str, ...]:
    found = draft(read_project(write(root, files)))
    assert isinstance(found, Missing), found
    return found.reasons


def test_a_service_is_installed_built_and_started(tmp_path: Path) -> None:
    files = {**package(**TYPESCRIPT), "src/server.ts": SERVER["server.js"], "tsconfig.json": "{}"}
    assert made(tmp_path, files) == [
        "FROM node:24",
        "WORKDIR /app",
        "COPY . .",
        "RUN npm install",
        "RUN npm run build",
        "EXPOSE 3000",
        'CMD ["npm", "start"]',
    ]


@pytest.mark.parametrize(
    ("files", "last"),
    [
        (SERVICE, ["EXPOSE 3000", 'CMD ["npm", "start"]']),
        ({**package(), **SERVER}, ["EXPOSE 3000", 'CMD ["node", "server.js"]']),
        (PNPM, ["EXPOSE 3000", 'CMD ["pnpm", "start"]']),
        (VITE, ["EXPOSE 8080", 'CMD ["npx", "serve", "-s", "dist", "-l", "8080"]']),
        (ASTRO, ["EXPOSE 8080", 'CMD ["npx", "http-server", "dist", "-p", "8080"]']),
        (NEXT, ["EXPOSE 3000", 'CMD ["npm", "start"]']),
        (NUXT, ["EXPOSE 3000", 'CMD ["node", ".output/server/index.mjs"]']),
        (STANDALONE, ["EXPOSE 3000", 'CMD ["npx", "next", "start"]']),
    ],
    ids=["start script", "no start script", "pnpm", "one page", "many pages", "next", "nuxt", "standalone"],
)
def test_how_it_starts_and_where_it_listens(tmp_path: Path, files: dict[str, str], last: list[str]) -> None:
    assert made(tmp_path, files)[-2:] == last


@pytest.mark.parametrize(
    ("stated", "line"),
    [({}, "24"), ({".nvmrc": "20.11.0\n"}, "20"), ({".nvmrc": "lts/*\n"}, "24"), ({".node-version": "22\n"}, "22")],
)
def test_the_release_line_that_is_asked_for(tmp_path: Path, stated: dict[str, str], line: str) -> None:
    assert made(tmp_path, {**SERVICE, **stated})[0] == f"FROM node:{line}"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"index.php": "<?php"}, "there is no package.json"),
        ({**package(), "lib.js": "exports.listen = 3000;\n"}, "nothing says how it starts"),
        ({**SERVICE, "server.js": "require('./net').serve();\n"}, "nothing says which port it listens on"),
        ({**SERVICE, ".nvmrc": "12\n"}, "no release line of Node fits what is said: .nvmrc"),
    ],
    ids=["no manifest", "no start", "no port", "a Node that is long gone"],
)
def test_what_is_not_known_is_asked_for(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    assert any(told.startswith(reason) for told in missing(tmp_path, files))


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    assert len(missing(tmp_path, {**package(), ".nvmrc": "12\n"})) == 3


def test_a_first_file_is_new_and_saves_nothing() -> None:
    done = Transformed("static-site", "verify", "nginx serves dist, as serve did", ("runs-as-root",), 5)
    changes = (FileChange("Dockerfile", b"draft", b"FROM x\n"), FileChange(".dockerignore", b"a\n", b"b\n"))
    proposed = Rewrite("proposed", changes, (done,), (Refused("multi-stage", "no"),), 5, "exact", ("second",))
    first = as_first(proposed, Draft("draft", ("first",)))
    assert [change.before for change in first.changes] == [None, b"a\n"]
    assert first.transformed[0] == Transformed("static-site", "verify", "nginx serves dist", (), None)
    assert (first.refusals[0].name, first.notes) == ("first-dockerfile", ("first", "second"))
    assert (first.predicted_bytes, first.predicted_basis) == (None, "unknown")
