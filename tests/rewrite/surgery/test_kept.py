"""What automatic fixers broke in Dockerfiles of several stages, and is left as the author wrote it."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from rewrite.node_shapes import SHAPES, evidence, write
from rewrite.surgery.stage_shapes import EXPRESS_FILES, FOUND, IGNORED, PLAIN_FILES, STAGES

from imageopt.dockerfile.parser import parse
from imageopt.rewrite.propose import propose

BUILD = """\
FROM node:20 AS build
WORKDIR /app
COPY package*.json ./
RUN npm ci
COPY . .
RUN npm run build
"""
RUNS = """\
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
CMD ["node", "dist/server.js"]
"""


def edited(root: Path, dockerfile: str, **files: str) -> str:
    """The Dockerfile after the rewrite, which may have left it alone."""
    project = {**EXPRESS_FILES, **IGNORED, **files, "Dockerfile": dockerfile}
    rewrite = propose(evidence(write(root, project)), FOUND)
    after = next((change.after for change in rewrite.changes if change.path == "Dockerfile"), dockerfile.encode())
    assert not parse(after).problems
    return after.decode()


@pytest.mark.parametrize(
    "base",
    [
        "nginx:1.25",
        "gcr.io/distroless/nodejs20-debian12",
        "scratch",
        "node:20-nonsense",
        "registry:5050/x/node:18",
        f"node:20@sha256:{'a' * 64}",
        "${BASE}",
    ],
)
def test_a_final_base_of_which_no_variant_is_known_stays(tmp_path: Path, base: str) -> None:
    assert f"\nFROM {base} AS final\n" in edited(tmp_path, f"ARG BASE=node:20\n{BUILD}FROM {base} AS final\n{RUNS}")


@pytest.mark.parametrize(
    ("base", "after"),
    [
        ("node:20", "node:20-alpine"),
        ("node:20-trixie", "node:20-alpine"),
        ("node", "node:alpine"),
        ("registry:5050/library/node:18.20", "registry:5050/library/node:18.20-alpine"),
        ("--platform=linux/amd64 node:20", "--platform=linux/amd64 node:20-alpine"),
    ],
)
def test_version_registry_and_platform_stay(tmp_path: Path, base: str, after: str) -> None:
    assert f"FROM {after} AS final\n" in edited(tmp_path, f"{BUILD}FROM {base} AS final\n{RUNS}")


def test_an_alias_of_a_stage_is_no_image(tmp_path: Path) -> None:
    text = edited(tmp_path, STAGES["alias"]["Dockerfile"].replace("            ", ""))
    assert "\nFROM build AS final\n" in text


def test_the_start_still_finds_its_file(tmp_path: Path) -> None:
    dockerfile = f'{BUILD}FROM node:20\nWORKDIR /srv\nCOPY --from=build /app .\nCMD ["node", "dist/server.js"]\n'
    text = edited(tmp_path, dockerfile)
    assert "--from=build /app/dist ./dist\n" in text
    assert 'CMD ["node", "dist/server.js"]' in text


def test_production_does_not_reach_the_installation_of_a_build(tmp_path: Path) -> None:
    text = edited(tmp_path, f"{BUILD}FROM node:20\n{RUNS}")
    assert "NODE_ENV" not in text.partition("FROM node:20-alpine")[0]


@pytest.mark.parametrize(
    "line",
    [
        "RUN cd dist && ls",
        "ADD https://example.com/a.txt /opt/a.txt",
        "ADD vendor.tar.gz /opt/",
        "RUN npm install -g pm2@5",
        "RUN <<EOF\necho FROM nowhere\nEOF",
    ],
)
def test_a_line_that_is_not_understood_stays(tmp_path: Path, line: str) -> None:
    copied = RUNS.replace("CMD", f"{line}\nCMD")
    text = edited(tmp_path, f"{BUILD}FROM node:20\n{copied}")
    assert line.replace("ADD vendor", "ADD --chown=node:node vendor") in text or line in text


def test_a_healthcheck_keeps_its_port_and_a_program_that_stays(tmp_path: Path) -> None:
    probe = "HEALTHCHECK CMD wget -qO- http://localhost:3000/health | grep ok"
    text = edited(tmp_path, f"{BUILD}FROM node:20\n{RUNS}{probe}\n")
    assert probe in text
    assert "FROM node:20\n" in text


@pytest.mark.parametrize("dockerfile", ["FROM a\n", "FROM node:20-alpine AS a\nFROM a AS b\nUSER nobody\nCMD\n"])
def test_where_nothing_is_worth_it_nothing_changes(tmp_path: Path, dockerfile: str) -> None:
    assert edited(tmp_path, dockerfile) == dockerfile


def test_a_target_that_compose_builds_keeps_its_packages(tmp_path: Path) -> None:
    compose = "services:\n  tests:\n    build: {context: ., target: build}\n    command: npm test\n"
    text = edited(tmp_path, f"{BUILD}\n# ships\nFROM node:20\n{RUNS}", **{"compose.yml": compose})
    build, _, rest = text.partition("FROM build AS production\n")
    assert "prune" not in build
    assert rest.startswith("RUN npm prune --omit=dev\n\n# ships\nFROM node:20-alpine\n")
    assert "--from=production /app/node_modules" in rest
    assert "--from=build /app/dist" in rest


def test_a_target_that_is_built_stays_the_last_one_that_counts(tmp_path: Path) -> None:
    files = {**EXPRESS_FILES, **IGNORED, "Dockerfile": f"{BUILD}FROM node:20 AS ships\n{RUNS}FROM ships AS debug\n"}
    rewrite = propose(replace(evidence(write(tmp_path, files)), target="ships"), FOUND)
    text = rewrite.changes[0].after.decode()
    assert "FROM node:20-alpine AS ships\n" in text
    assert text.endswith("FROM ships AS debug\n")
    assert ("run-as-node", "other stages are built on the one that is shipped") in [
        (refusal.name, refusal.reason) for refusal in rewrite.refusals
    ]


REFUSED = {
    "a global installation": (
        "RUN npm install",
        "RUN npm install -g npm-check && npm install --no-save",
        "npm install --no-save",
    ),
    "workspaces": ("RUN npm install", "RUN npm install --workspace=api", "npm install --workspace=api"),
    "a mounted lock": (
        "RUN npm install",
        "RUN --mount=type=bind,source=package-lock.json,target=package-lock.json npm install",
        "npm install",
    ),
    "no lock copied": (
        "COPY package*.json ./\nRUN npm install",
        "COPY package.json /app/package.json\nRUN npm install",
        "npm install",
    ),
    "an old npm": ("FROM node:20 AS build", "FROM node:14 AS build", "npm install"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_installation_that_cannot_hold_to_the_lock_stays(tmp_path: Path, name: str) -> None:
    old, new, kept = REFUSED[name]
    build = BUILD.replace("npm ci", "npm install").replace(old, new)
    text = edited(tmp_path, f"{build}FROM node:20\n{RUNS}")
    assert kept in text
    assert "npm ci" not in text


@pytest.mark.parametrize(
    ("build", "copied", "holds"),
    [
        ("COPY package*.json ./", "COPY --from=build /app/package*.json ./", True),
        ("COPY . .", "COPY --from=build /app/package.json /app/package-lock.json ./", True),
        ("COPY package*.json ./", "COPY --from=build /app/package.json ./", False),
        ("COPY package.json ./", "COPY --from=build /app/package*.json ./", False),
        ("COPY package*.json ./", "COPY --from=node:20 /app/package*.json ./", False),
        ("COPY --from=build /app/package*.json ./", "COPY --from=build /app/package*.json ./", False),  # of itself
    ],
)
def test_a_lock_file_that_an_earlier_stage_hands_on_is_held_to(
    tmp_path: Path, build: str, copied: str, holds: bool
) -> None:
    stage = f"FROM node:20 AS build\nWORKDIR /app\n{build}\nRUN npm ci && npm run build\n"
    final = f"FROM node:20\nWORKDIR /app\n{copied}\nRUN npm install --omit=dev\n"
    text = edited(tmp_path, f'{stage}{final}COPY --from=build /app/dist ./dist\nCMD ["node", "dist/server.js"]\n')
    assert ("npm ci --omit=dev" in text) is holds


def test_npmrc_may_turn_the_lock_off(tmp_path: Path) -> None:
    text = edited(
        tmp_path, f"{BUILD.replace('npm ci', 'npm i')}FROM node:20\n{RUNS}", **{".npmrc": "package-lock=false\n"}
    )
    assert "RUN npm i\n" in text


def test_what_is_started_with_a_development_package_keeps_it(tmp_path: Path) -> None:
    compose = "services:\n  migrate:\n    build: .\n    command: npx tsc --version\n"
    text = edited(tmp_path, f"{BUILD}FROM node:20\n{RUNS}", **{"compose.yml": compose})
    assert "prune" not in text


def test_a_user_and_an_owner_stay(tmp_path: Path) -> None:
    runs = RUNS.replace("COPY --from", "COPY --chown=1001:0 --from").replace("CMD", "USER 1001\nCMD")
    text = edited(tmp_path, f"{BUILD}FROM node:20\n{runs}")
    assert text.endswith(runs)


def test_line_ends_and_a_missing_last_one_stay(tmp_path: Path) -> None:
    files = {**PLAIN_FILES, **IGNORED}
    dockerfile = "FROM node:20 AS a\nRUN true\nFROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm i".replace("\n", "\r\n")
    rewrite = propose(evidence(write(tmp_path, {**files, "Dockerfile": dockerfile})), FOUND)
    after = rewrite.changes[0].after
    assert after.endswith(b"COPY --chown=node:node . .\r\nRUN npm ci --omit=dev\r\nUSER node")
    assert after.count(b"\n") == after.count(b"\r\n")


@pytest.mark.parametrize("source", ["/app/node_modules", "/app", "/out", "/app/.next/standalone", "$X"])
def test_natives_of_glibc_do_not_go_to_alpine(tmp_path: Path, source: str) -> None:
    shape = SHAPES["sharp-on-musl"]
    dockerfile = STAGES["native"]["Dockerfile"].replace("=deps /app/node_modules", f"=deps {source}")
    rewrite = propose(evidence(write(tmp_path, {**shape, **IGNORED, "Dockerfile": dockerfile})), FOUND)
    assert b"FROM node:${NODE}-slim\n" in rewrite.changes[0].after
    alpine = next(refusal.reason for refusal in rewrite.refusals if refusal.name == "base-swap")
    package = "@img/sharp-linux-x64"
    assert (
        alpine == f"line 7: alpine: {package} is installed on node:20, and would come with a binary for its C library"
    )
