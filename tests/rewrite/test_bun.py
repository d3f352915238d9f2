"""Rewrites of projects that Bun installs, on its own image and on Node's; as text, for no Bun image is at hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, SIGTERM, TSCONFIG, evidence, write

from imageopt.rewrite.base_image import node_image
from imageopt.rewrite.commands import purpose
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

MANIFEST = {
    "name": "agent",
    "scripts": {"build": "tsc", "start": "bun src/server.ts", "serve": "node dist/server.js"},
    "dependencies": {"ms": "2.1.3"},
    "devDependencies": {"typescript": "5.4.5"},
    "packageManager": "bun@1.2.4",
}
LOCK = """\
{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "agent",
      "dependencies": { "ms": "2.1.3", },
      "devDependencies": { "typescript": "5.4.5", },
    },
  },
  "packages": {
    "ms": ["ms@2.1.3", "", {}, "sha512-x"],
    "typescript": ["typescript@5.4.5", "", {}, "sha512-x"],
  },
}
"""
FILES = {
    "package.json": json.dumps(MANIFEST),
    "bun.lock": LOCK,
    "tsconfig.json": TSCONFIG,
    "src/server.ts": f"const server = create();\nserver.listen(3000);\n{SIGTERM}",
}
STORE = "--mount=type=cache,target=/root/.bun/install/cache"


def rewritten(root: Path, dockerfile: str, files: Mapping[str, str] = FILES) -> Rewrite:
    return propose(evidence(write(root, {**files, "Dockerfile": dockerfile})), FAT)


def lines(rewrite: Rewrite) -> list[str]:
    assert rewrite.outcome == "proposed", rewrite.refusals
    return [line for line in rewrite.changes[0].after.decode().splitlines() if line]


def test_buns_own_image_keeps_bun_to_the_end(tmp_path: Path) -> None:
    given = 'FROM oven/bun:1.2\nWORKDIR /app\nCOPY . .\nRUN bun install\nEXPOSE 3000\nCMD ["bun", "start"]\n'
    assert lines(rewritten(tmp_path, given)) == [
        "FROM oven/bun:1.2 AS build",
        "WORKDIR /app",
        "COPY package.json bun.lock ./",
        f"RUN {STORE} bun install --frozen-lockfile --production",
        "FROM oven/bun:1.2-slim",
        "ENV NODE_ENV=production",
        "WORKDIR /app",
        "COPY --from=build --chown=bun:bun /app/node_modules ./node_modules",
        "COPY --chown=bun:bun . .",
        "USER bun",
        "EXPOSE 3000",
        'CMD ["bun", "start"]',
    ]


def test_what_runs_is_installed_afresh_for_bun_cannot_prune(tmp_path: Path) -> None:
    given = (
        "FROM node:20\nWORKDIR /app\nRUN npm install -g bun\nCOPY . .\nRUN bun i && bun run build\n"
        'CMD ["bun", "run", "serve"]\n'
    )
    found = lines(rewritten(tmp_path, given))
    assert [line for line in found if line.startswith("RUN")] == [
        "RUN npm install -g bun@1.2.4",
        f"RUN {STORE} bun install --frozen-lockfile",
        "RUN bun run build",
        f"RUN {STORE} rm -rf node_modules && bun install --frozen-lockfile --production",
    ]
    assert found[-1] == 'CMD ["node", "dist/server.js"]'


def test_a_script_of_the_project_is_started_with_npm_where_bun_stays_behind(tmp_path: Path) -> None:
    quiet = {**FILES, "src/server.ts": "listen(3000);\n"}  # with no handler for SIGTERM npm stays between
    given = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN bun install && bun run build\nCMD bun run serve\n"
    rewrite = rewritten(tmp_path, given, quiet)
    assert lines(rewrite)[-1] == 'CMD ["npm", "run", "serve"]'
    assert "npm runs the script serve now, for the image no longer holds bun" in rewrite.notes


def test_scripts_of_the_project_are_not_run_a_second_time(tmp_path: Path) -> None:
    given = "FROM oven/bun:1\nWORKDIR /app\nCOPY . .\nRUN bun install && bun run build\nCMD bun run serve\n"
    manifest = {**MANIFEST, "scripts": {**MANIFEST["scripts"], "prepare": "husky"}}  # type: ignore[dict-item]
    files = {**FILES, "package.json": json.dumps(manifest)}
    assert any("--production --ignore-scripts" in line for line in lines(rewritten(tmp_path, given, files)))
    files["bun.lock"] = LOCK.replace('"packages": {', '"trustedDependencies": ["ms"],\n  "packages": {')
    refusals = [refusal.reason for refusal in rewritten(tmp_path, given, files).refusals]
    assert any("ms would lack its script where the project's prepare is left out" in reason for reason in refusals)


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        (
            "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN bun install && bun run build\nCMD bun src/server.ts --port 1\n",
            "the service is started with bun, which only the first stage would have",
        ),
        ("FROM oven/bun:canary\nWORKDIR /app\nCOPY . .\nRUN bun install\nCMD bun start\n", "oven/bun:canary is not"),
        ("FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD bun start\n", "no RUN of it installs"),
    ],
)
def test_refusals(tmp_path: Path, dockerfile: str, reason: str) -> None:
    assert any(reason in refusal.reason for refusal in rewritten(tmp_path, dockerfile).refusals)


def test_buns_image_does_not_serve_another_manager(tmp_path: Path) -> None:
    files = {**FILES, "package.json": json.dumps({**MANIFEST, "packageManager": "npm@10.0.0"})}
    files["package-lock.json"] = json.dumps(
        {"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.1.3"}, "node_modules/typescript": {"version": "5.4.5", "dev": True}}}
    )  # fmt: skip
    given = "FROM oven/bun:1\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD bun start\n"
    refusals = [refusal.reason for refusal in rewritten(tmp_path, given, files).refusals]
    assert "line 1: oven/bun:1 holds Bun, and the project uses npm" in refusals


@pytest.mark.parametrize(
    ("written", "slim", "alpine"),
    [
        ("oven/bun", "oven/bun:slim", "oven/bun:alpine"),
        ("oven/bun:1", "oven/bun:1-slim", "oven/bun:1-alpine"),
        ("oven/bun:1.2.4-debian", "oven/bun:1.2.4-slim", "oven/bun:1.2.4-alpine"),
        ("oven/bun:alpine", None, "oven/bun:alpine"),
        ("oven/bun:1@sha256:" + "0" * 64, None, None),
    ],
)
def test_smaller_relatives_of_buns_image(written: str, slim: str | None, alpine: str | None) -> None:
    base = node_image(written, written)
    assert base is not None
    assert (base.product, base.variant("slim"), base.variant("alpine")) == ("bun", slim, alpine)


@pytest.mark.parametrize("written", ["oven/bun:distroless", "oven/bun:canary-slim", "someone/bun:1", "oven/bun:1-x"])
def test_other_images_are_not_taken_for_it(written: str) -> None:
    assert node_image(written, written) is None


@pytest.mark.parametrize(
    ("command", "aim"),
    [
        ("bun install --frozen-lockfile", "install"),
        ("bun i", "install"),
        ("bun add ms", "package-change"),
        ("bun install -g pm2", "global-install"),
        ("bun pm cache rm", "nothing"),
        ("bun run build", "build"),
        ("bun build src/server.ts --outdir dist", "build"),
        ("bunx tsc", "build"),
        ("npm install -g bun@1.2", "nothing"),
        ("npm ci", "foreign-manager"),
    ],
)
def test_a_command_in_a_project_of_bun(command: str, aim: str) -> None:
    assert purpose(tuple(command.split()), command, "bun") == aim
