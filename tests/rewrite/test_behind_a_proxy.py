"""What an installation behind a company's proxy needs: its certificates, its registry, a token for it."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, TYPESCRIPT, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

BRINGS = "COPY certs/own.crt /usr/local/share/ca-certificates/\n"
TRUSTS = "RUN update-ca-certificates\n"
BUILDS = "WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
STARTS = 'CMD ["node", "dist/server.js"]\n'
SETS = "RUN npm config set registry https://npm.example.org\n"
LOGS_IN = """\
ARG CI_JOB_TOKEN
WORKDIR /app
RUN echo "@acme:registry=https://gitlab.example.org/api/v4/packages/npm/" > .npmrc && \\
    echo "//gitlab.example.org/api/v4/packages/npm/:_authToken=${CI_JOB_TOKEN}" >> .npmrc
"""


def proposed(root: Path, dockerfile: str) -> Rewrite:
    files = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS, "certs/own.crt": "x\n"}
    return propose(evidence(write(root, {**files, "Dockerfile": dockerfile})), FAT)


def text(rewrite: Rewrite) -> str:
    return next(change.after.decode() for change in rewrite.changes if change.path == "Dockerfile")


def refused(rewrite: Rewrite, name: str) -> str:
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == name)


def test_both_stages_get_what_node_itself_trusts(tmp_path: Path) -> None:
    trusts = "ENV NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/own.crt\n"
    after = text(proposed(tmp_path, f"FROM node:20\n{BRINGS}{trusts}{BUILDS}{STARTS}"))
    build, final = after.split("\n\nFROM ")
    assert build.index(BRINGS) < build.index("npm ci")
    assert BRINGS in final
    assert trusts in build
    assert trusts in final


@pytest.mark.parametrize("base", ["node:20", "node:20-slim"])
def test_what_the_system_trusts_is_left_as_it_is(tmp_path: Path, base: str) -> None:
    rewrite = proposed(tmp_path, f"FROM {base}\n{BRINGS}{TRUSTS}{BUILDS}{STARTS}")
    assert "who relies on them is not known" in refused(rewrite, "multi-stage")
    assert "line 3 calls update-ca-certificates" in refused(rewrite, "base-swap")
    assert f"FROM {base}\n{BRINGS}{TRUSTS}" in text(rewrite)


def test_a_stage_that_adds_to_it_keeps_its_image(tmp_path: Path) -> None:
    build = f"FROM node:20 AS build\n{BUILDS}"
    rewrite = proposed(
        tmp_path, f"{build}FROM node:20\n{BRINGS}{TRUSTS}WORKDIR /app\nCOPY --from=build /app ./\n{STARTS}"
    )
    assert "line 9 calls update-ca-certificates" in refused(rewrite, "base-swap")
    assert f"FROM node:20\n{BRINGS}{TRUSTS}" in text(rewrite)


@pytest.mark.parametrize(
    "trusts", ["RUN apt-get update && apt-get install -y ca-certificates && update-ca-certificates\n", ""]
)
def test_without_any_of_its_own_nothing_is_lost(tmp_path: Path, trusts: str) -> None:
    assert "FROM node:20-alpine AS build\n" in text(proposed(tmp_path, f"FROM node:20\n{trusts}{BUILDS}{STARTS}"))


@pytest.mark.parametrize(
    "begin",
    [f"FROM node:20\n{SETS}{BUILDS}", f"FROM node:20\n{BUILDS}".replace("RUN npm ci", f"{SETS.strip()} && npm ci")],
)
def test_a_registry_that_is_set_is_set_before_the_installation(tmp_path: Path, begin: str) -> None:
    build, final = text(proposed(tmp_path, f"{begin}{STARTS}")).split("\n\nFROM ")
    assert build.index(SETS) < build.index("npm ci")
    assert build.count("npm config set") == 1
    assert "npm config" not in final


@pytest.mark.parametrize("copies", ["COPY package*.json ./\nRUN npm ci\nCOPY . .\n", "COPY . .\nRUN npm ci\n"])
def test_a_token_that_is_written_for_the_installation_stays_in_the_first_stage(tmp_path: Path, copies: str) -> None:
    build, final = text(proposed(tmp_path, f"FROM node:20\n{LOGS_IN}{copies}RUN npm run build\n{STARTS}")).split(
        "\n\nFROM "
    )
    assert build.index("ARG CI_JOB_TOKEN\n") < build.index("_authToken=${CI_JOB_TOKEN}") < build.index("npm ci")
    assert build.count("> .npmrc") == 2
    assert "npmrc" not in final
    assert "CI_JOB_TOKEN" not in final


def test_where_the_whole_folder_runs_the_token_is_deleted_before_it_is_copied(tmp_path: Path) -> None:
    dockerfile = f'FROM node:20\n{LOGS_IN}COPY . .\nRUN npm ci\nRUN npm run build\nCMD ["sh", "-c", "node $ENTRY"]\n'
    build, final = text(proposed(tmp_path, dockerfile)).split("\n\nFROM ")
    assert "COPY --from=build --chown=node:node /app ./\n" in final
    assert build.endswith("RUN npm prune --omit=dev && rm -f .npmrc")


def test_what_is_written_over_the_project_s_own_file_is_not_moved_before_it(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("engine-strict=true\n")
    rewrite = proposed(tmp_path, f"FROM node:20\n{LOGS_IN}COPY . .\nRUN npm ci && npm run build\n{STARTS}")
    assert "line 4 writes .npmrc, and the project has one" in refused(rewrite, "multi-stage")
