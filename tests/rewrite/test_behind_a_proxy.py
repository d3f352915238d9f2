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


APT = "RUN apt-get update && apt-get install -y {}ca-certificates{} && rm -rf /var/lib/apt/lists/*\n"
PACKAGE = APT.format("--no-install-recommends ", "")
NODE = "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\n"


@pytest.mark.parametrize("trusts", [TRUSTS, TRUSTS + NODE, TRUSTS.replace("\n", " --fresh 2>/dev/null\n")])
def test_both_stages_trust_what_the_system_trusts(tmp_path: Path, trusts: str) -> None:
    rewrite = proposed(tmp_path, f"FROM node:20\n# ours\n{BRINGS}{trusts}{BUILDS}{STARTS}")
    build, final = text(rewrite).split("\n\nFROM ")
    update = trusts.replace(NODE, "")
    assert build.startswith("FROM node:20 AS build\n# ours\n")
    assert build.index(BRINGS) < build.index(update) < build.index("npm ci")
    assert final.startswith("node:20-slim\n")
    assert final.index(f"# ours\n{BRINGS}{PACKAGE}{update}") < final.index("WORKDIR /app\n")
    assert (NODE in build, NODE in final) == (NODE in trusts, NODE in trusts)
    assert refused(rewrite, "base-swap") == (
        "alpine: it lacks update-ca-certificates, and apk may have to trust the certificate before it can get that"
    )


def test_a_certificate_whose_place_stands_in_a_variable_is_there_before_it_is_trusted(tmp_path: Path) -> None:
    brings = "ENV TRUSTED=/usr/local/share/ca-certificates\nCOPY certs/own.crt $TRUSTED/\n"
    _, final = text(proposed(tmp_path, f"FROM node:20\n{brings}{TRUSTS}{BUILDS}{STARTS}")).split("\n\nFROM ")
    assert final.index("COPY certs/own.crt $TRUSTED/\n") < final.index(TRUSTS)


@pytest.mark.parametrize("more", ["", " libpq5"])
def test_a_smaller_image_keeps_the_package_that_updates_them(tmp_path: Path, more: str) -> None:
    install = f"RUN apt-get update && apt-get install -y ca-certificates{more} && update-ca-certificates\n"
    build, final = text(proposed(tmp_path, f"FROM node:20-slim\n{BRINGS}{install}{BUILDS}{STARTS}")).split("\n\nFROM ")
    assert build.index(PACKAGE) < build.index(BRINGS) < build.index(TRUSTS) < build.index("npm ci")
    assert final.index(BRINGS) < final.index(APT.format("", more)) < final.index(TRUSTS) < final.index("WORKDIR /app\n")


def test_alpine_keeps_it_where_it_is_the_image_there_is(tmp_path: Path) -> None:
    install = "RUN apk add --no-cache ca-certificates && update-ca-certificates\n"
    build, final = text(proposed(tmp_path, f"FROM node:20-alpine\n{BRINGS}{install}{BUILDS}{STARTS}")).split(
        "\n\nFROM "
    )
    assert build.index("RUN apk add --no-cache ca-certificates\n") < build.index(TRUSTS) < build.index("npm ci")
    assert final.index("RUN apk add --no-cache ca-certificates\n") < final.index(TRUSTS)


def test_tools_that_are_installed_again_are_fetched_after_it(tmp_path: Path) -> None:
    tool = "RUN npm install -g pm2\n"
    start = 'CMD ["pm2-runtime", "dist/server.js"]\n'
    _, final = text(proposed(tmp_path, f"FROM node:20\n{BRINGS}{TRUSTS}{tool}{BUILDS}{start}")).split("\n\nFROM ")
    assert final.index(TRUSTS) < final.index("npm install -g pm2")


def test_a_certificate_that_is_mounted_is_mounted_in_both(tmp_path: Path) -> None:
    mount = "--mount=type=secret,id=own,target=/usr/local/share/ca-certificates/own.crt"
    after = text(proposed(tmp_path, f"FROM node:20\nRUN {mount} update-ca-certificates\n{BUILDS}{STARTS}"))
    assert after.count(f"RUN {mount} update-ca-certificates\n") == 2


def test_a_certificate_that_a_command_puts_there_is_left_to_the_author(tmp_path: Path) -> None:
    puts = "RUN cp certs/own.crt /usr/local/share/ca-certificates/ && update-ca-certificates\n"
    rewrite = proposed(tmp_path, f"FROM node:20\n{BUILDS}{puts}{STARTS}")
    assert "changes /usr/local/share/ca-certificates/" in refused(rewrite, "multi-stage")


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
