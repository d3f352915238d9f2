"""Traced packages: where the tracer runs, what is shipped then, and what it takes."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from rewrite.node_shapes import TYPESCRIPT, package, write

from imageopt.project.read import read_project
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.rewrite.traced import traced

STAGES = """\
FROM node:22-alpine AS build
WORKDIR /app
RUN npm ci
COPY . .
RUN npm run build
RUN npm prune --omit=dev

FROM node:22-alpine
WORKDIR /app
COPY --from=build --chown=node:node /app/node_modules ./node_modules
COPY --from=build --chown=node:node /app/dist ./dist
CMD ["node", "dist/server.js"]
"""
TRACER = {"@vercel/nft": "1.3.0"}
SOURCES = {"src/server.ts": "require('http').createServer().listen(3000);\n", "tsconfig.json": "{}"}
WITH_TRACER = {**package(**{**TYPESCRIPT, "dev": {**TYPESCRIPT["dev"], **TRACER}}), **SOURCES}


def result(root: Path, text: str = STAGES, files: Mapping[str, str] = WITH_TRACER) -> Rewrite | str:
    write(root, files)
    changes = (FileChange("Dockerfile", b"", text.encode()), FileChange(".dockerignore", None, b"x\n"))
    return traced(Rewrite("proposed", changes, (), (), 5, "exact", ()), "Dockerfile", read_project(root))


def test_it_traces_where_it_pruned_and_ships_what_was_traced(tmp_path: Path) -> None:
    found = result(tmp_path)
    assert isinstance(found, Rewrite)
    lines = found.changes[0].after.decode().splitlines()
    assert lines[5].startswith('RUN ["node", "-e", "require(\'@vercel/nft\').nodeFileTrace([\'dist/server.js\'])')
    assert lines[9] == "COPY --from=build --chown=node:node /traced/node_modules ./node_modules"
    old = STAGES.splitlines()
    assert [line for number, line in enumerate(lines) if number not in (5, 9)] == [*old[:5], *old[6:9], *old[10:]]
    assert (found.predicted_bytes, found.predicted_basis, found.transformed[-1].name) == (
        None,
        "unknown",
        "traced-files",
    )


def test_a_tracer_of_production_needs_nothing_pruned(tmp_path: Path) -> None:
    found = result(
        tmp_path,
        STAGES.replace("RUN npm prune --omit=dev\n", ""),
        {**package(**TYPESCRIPT, prod=TRACER), **SOURCES},
    )
    assert isinstance(found, Rewrite)
    assert found.changes[0].after.decode().splitlines()[5].startswith('RUN ["node", "-e"')


@pytest.mark.parametrize(
    ("text", "files", "reason"),
    [
        (STAGES, {**package(**TYPESCRIPT), **SOURCES}, "the project has no tracer"),
        (STAGES, {**WITH_TRACER, "package-lock.json": "{"}, "the project has no tracer"),
        (STAGES.replace("RUN npm prune --omit=dev\n", ""), WITH_TRACER, "@vercel/nft serves development only"),
        (STAGES.replace("/app/node_modules ./node_modules", "/app ./"), WITH_TRACER, "the packages do not come from"),
        (STAGES, {**WITH_TRACER, "Dockerfile": 'FROM a\nCMD ["./run.sh"]\n'}, "which file the program starts with"),
    ],
    ids=["no tracer", "a broken lock", "no tracer in the build stage", "the folder as a whole", "no start file"],
)
def test_what_it_takes(tmp_path: Path, text: str, files: Mapping[str, str], reason: str) -> None:
    found = result(tmp_path, text, files)
    assert isinstance(found, str)
    assert found.startswith(reason)


def test_a_dockerfile_that_stays_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path, WITH_TRACER)
    same = Rewrite("proposed", (), (), (), 5, "exact", ())
    assert traced(same, "Dockerfile", read_project(tmp_path)) == "its Dockerfile stays as it is"
