"""A pnpm workspace's app, deployed: before and after, and each thing that speaks against it."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from rewrite.asking import asked, reason_of, text_of

TSCONFIG = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}, "include": ["src"]}'
API: dict[str, Any] = {
    "name": "@x/api",
    "scripts": {"build": "tsc -p .", "start": "node dist/server.js"},
    "dependencies": {"@x/log": "workspace:*", "ms": "2.1.3"},
}
LOG: dict[str, Any] = {"name": "@x/log", "main": "dist/index.js", "scripts": {"build": "tsc -p ."}}
ROOT: dict[str, Any] = {"name": "x", "packageManager": "pnpm@10.34.9"}
SETTINGS = "packages:\n  - apps/*\n  - packages/*\n"
INJECTING = f"{SETTINGS}injectWorkspacePackages: true\n"
LOCK = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false
  injectWorkspacePackages: true

importers:

  .: {}

  apps/api:
    dependencies:
      '@x/log':
        specifier: workspace:*
        version: link:../../packages/log
      ms:
        specifier: 2.1.3
        version: 2.1.3

  packages/lint: {}

  packages/log: {}

packages:

  ms@2.1.3:
    resolution: {integrity: sha512-a}

snapshots:

  ms@2.1.3: {}
"""
LINKING = LOCK.replace("  injectWorkspacePackages: true\n", "")
SERVER = "import http from 'node:http';\nhttp.createServer().listen(8080);\n"
SPACE = {
    "package.json": json.dumps(ROOT),
    "pnpm-workspace.yaml": INJECTING,
    "pnpm-lock.yaml": LOCK,
    "apps/api/package.json": json.dumps(API),
    "apps/api/tsconfig.json": TSCONFIG,
    "apps/api/src/server.ts": SERVER,
    "packages/lint/package.json": json.dumps({"name": "@x/lint"}),
    "packages/log/package.json": json.dumps(LOG),
    "packages/log/tsconfig.json": TSCONFIG,
    "packages/log/src/index.ts": "export const x = 1;\n",
}
WHOLE = """\
FROM node:22 AS build
RUN npm install -g pnpm@10.34.9
WORKDIR /app
COPY . .
RUN pnpm install --frozen-lockfile
RUN pnpm -r build

FROM node:22-slim
WORKDIR /app
COPY --from=build /app .
CMD ["node", "apps/api/dist/server.js"]
"""
STORE = "--mount=type=cache,target=/root/.local/share/pnpm/store"
PARTS = f"""\
FROM node:22 AS build
WORKDIR /app
COPY . .
RUN --mount=type=bind,source=x,target=/x {STORE} pnpm install --frozen-lockfile
RUN pnpm -r build
RUN {STORE} rm -rf node_modules apps/api/node_modules && CI=true pnpm install --frozen-lockfile --prod

FROM node:22-slim
WORKDIR /srv
COPY --from=build --chown=node /app/node_modules ./node_modules
COPY --from=build --chown=node /app/package.json /app/pnpm-lock.yaml ./
COPY --from=build --chown=node /app/packages/log/dist packages/log/dist
COPY --from=build --chown=node ["/app/apps/api", "apps/api"]
COPY --from=build /etc/hosts /app-config/
RUN apt-get update && apt-get install -y tini
WORKDIR apps/api
HEALTHCHECK CMD node dist/health.js
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node", "dist/server.js"]
"""
DEPLOY = "pnpm --filter @x/api --prod deploy /deployed"


def with_api(**more: Any) -> dict[str, str]:
    return {**SPACE, "apps/api/package.json": json.dumps({**API, **more})}


def with_log(**more: Any) -> dict[str, str]:
    return {**SPACE, "packages/log/package.json": json.dumps({**LOG, **more})}


def with_root(**more: Any) -> dict[str, str]:
    return {**SPACE, "package.json": json.dumps({**ROOT, **more})}


def of_pnpm(version: str, lock: str = LOCK, settings: str = INJECTING) -> dict[str, str]:
    return {**with_root(packageManager=f"pnpm@{version}"), "pnpm-lock.yaml": lock, "pnpm-workspace.yaml": settings}


def whole(build: str = "", final: str = "", command: str = 'CMD ["node", "apps/api/dist/server.js"]') -> str:
    """The Dockerfile that copies everything, with other lines at the end of its stages."""
    text = WHOLE.replace("RUN pnpm -r build\n", f"RUN pnpm -r build\n{build}")
    return text.replace('CMD ["node", "apps/api/dist/server.js"]\n', f"{final}{command}\n")


def test_the_whole_workspace_becomes_the_app_alone(tmp_path: Path) -> None:
    found = asked(tmp_path, "pnpm-deploy", WHOLE, SPACE)
    assert text_of(found) == dedent(f"""\
        FROM node:22 AS build
        RUN npm install -g pnpm@10.34.9
        WORKDIR /app
        COPY . .
        RUN pnpm install --frozen-lockfile
        RUN pnpm -r build
        RUN {DEPLOY}

        FROM node:22-slim
        WORKDIR /app
        COPY --from=build /deployed /app/apps/api
        CMD ["node", "apps/api/dist/server.js"]
        """)
    (note,) = found.notes
    assert note.startswith("of the workspace only apps/api is in the image, with packages/log among its packages: ")


def test_its_parts_become_one_and_the_second_installation_is_not_needed(tmp_path: Path) -> None:
    """The store stays mounted, a manifest that was bound in its place does not."""
    assert text_of(asked(tmp_path, "pnpm-deploy", PARTS, SPACE)) == dedent(f"""\
        FROM node:22 AS build
        WORKDIR /app
        COPY . .
        RUN --mount=type=bind,source=x,target=/x {STORE} pnpm install --frozen-lockfile
        RUN pnpm -r build
        RUN {STORE} {DEPLOY}

        FROM node:22-slim
        WORKDIR /srv
        COPY --from=build --chown=node /deployed /srv/apps/api
        COPY --from=build /etc/hosts /app-config/
        RUN apt-get update && apt-get install -y tini
        WORKDIR apps/api
        HEALTHCHECK CMD node dist/health.js
        ENTRYPOINT ["docker-entrypoint.sh"]
        CMD ["node", "dist/server.js"]
        """)


def test_what_another_stage_takes_of_the_production_packages_stays(tmp_path: Path) -> None:
    text = PARTS.replace(
        "FROM node:22-slim\n", "FROM node:22 AS jobs\nCOPY --from=build /app /jobs\n\nFROM node:22-slim\n"
    )
    after = text_of(asked(tmp_path, "pnpm-deploy", text, SPACE))
    assert f"CI=true pnpm install --frozen-lockfile --prod\nRUN {STORE} {DEPLOY}\n" in after


@pytest.mark.parametrize(
    "files",
    [
        of_pnpm("12.2.0", LINKING, SETTINGS),
        of_pnpm("10.6.0"),
        {**SPACE, "pnpm-workspace.yaml": SETTINGS, ".npmrc": "inject-workspace-packages=true\n"},
        {**of_pnpm("11.28.11", settings=SETTINGS), "package.json": json.dumps(
            {**ROOT, "packageManager": "pnpm@11.28.11", "pnpm": {"injectWorkspacePackages": True}})},
        {**SPACE, "pnpm-workspace.yaml": f"{INJECTING}nodeLinker: isolated\nsharedWorkspaceLockfile: true\n"},
        with_log(files=["dist/**", "types"]),
        {**with_log(files=["./dist/"]), "packages/log/.gitignore": "dist\n"},
        with_log(files=["**/*"]),
        with_log(files=["dist"], main="index.js") | {"packages/log/index.js": ""},
        {**SPACE, "apps/api/.gitignore": "# packages\nnode_modules/\n*.log*\n.env.local\n!keep\n\n"},
        {**SPACE, "packages/log/.gitignore": "dist\n", "packages/log/.npmignore": "coverage\n"},
        {**SPACE, "packages/lint/.gitignore": "everything\n"},
        {**SPACE, "apps/api/src/server.ts": f"{SERVER}import fs from 'fs';\nfs.readFileSync('apps/api/views/a.html');\n",
         "apps/api/views/a.html": ""},
    ],
    ids=["12-links", "10.6", "npmrc", "manifest", "said", "files", "files-first", "all", "main", "idle", "npm-first", "other", "views"],
)  # fmt: skip
def test_what_does_not_speak_against_it(tmp_path: Path, files: dict[str, str]) -> None:
    dockerfile = WHOLE.replace("npm install -g pnpm@10.34.9", "corepack enable")
    assert f"RUN {DEPLOY}\n" in text_of(asked(tmp_path, "pnpm-deploy", dockerfile, files))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (with_root(packageManager=""), "nothing says which pnpm it is: add `packageManager` to package.json"),
        (of_pnpm("9.15.9"), "package.json:1 packageManager: pnpm 9.15.9 resolves anew what it deploys"),
        (of_pnpm("10.5.2"), "package.json:1 packageManager: pnpm 10.5.2 may leave fields out of the deployed"),
        (of_pnpm("10.34.9", LINKING, SETTINGS), "pnpm 10.34.9 deploys from the lock file only with `injectWorkspaceP"),
        (of_pnpm("12.1.0", LINKING, SETTINGS), "pnpm 12.1.0 deploys from the lock file only with `injectWorkspaceP"),
        (of_pnpm("10.34.9", LINKING), "pnpm-lock.yaml and the settings of pnpm do not say the same of injectWorkspace"),
        (of_pnpm("10.34.9", settings=SETTINGS), "pnpm-lock.yaml and the settings of pnpm do not say the same of inj"),
        ({**SPACE, ".npmrc": "force-legacy-deploy=true\n"}, ".npmrc: deploying with forceLegacyDeploy true is not"),
        (
            {**SPACE, "pnpm-workspace.yaml": f"{INJECTING}sharedWorkspaceLockfile: false\n"},
            "pnpm-workspace.yaml: deploying with sharedWorkspaceLockfile false is not known to hold",
        ),
        (with_root(pnpm={"nodeLinker": "hoisted"}), "package.json: deploying with nodeLinker hoisted is not known"),
        ({**SPACE, ".pnpmfile.cjs": ""}, ".pnpmfile.cjs: what it changes of a package is not known to reach"),
        (of_pnpm("10.34.9", f"{LOCK}\npatchedDependencies:\n  ms: a\n"), "pnpm-lock.yaml: patched packages were not"),
        (
            of_pnpm("10.11.0", f"{LOCK}\noverrides:\n  debug: 4.1.0\n", f"{INJECTING}overrides:\n  debug: 4.1.0\n"),
            "pnpm-lock.yaml: before 10.12 pnpm refuses to deploy from a workspace with overrides",
        ),
        (of_pnpm("10.34.9", LOCK.replace("specifier: 2.1.3", "specifier: ^2")), "which versions to deploy is not known: "),
        ({k: v for k, v in SPACE.items() if k != "pnpm-lock.yaml"}, "which versions to deploy is not known: there is no pnpm-lock.yaml"),
        (with_root(dependencies={"ms": "2.1.3"}) | {"pnpm-lock.yaml": LOCK.replace("  .: {}\n", (
            "  .:\n    dependencies:\n      ms:\n        specifier: 2.1.3\n        version: 2.1.3\n"
        ))}, "package.json: ms of the workspace's root would not be deployed"),
        (with_log(scripts={"build": "tsc -p .", "prepare": "tsc -p ."}), "packages/log/package.json: prepare would run"),
        (with_log(files=["lib"], main=""), 'packages/log/package.json: packages/log/dist is not among the "files"'),
        (with_log(files=["dist/*.js"]), 'packages/log/package.json: packages/log/dist is not among the "files"'),
        (with_log(files=["dist", "!dist/a.js"]), 'packages/log/package.json: what !dist/a.js of "files" leaves out'),
        (with_api(files=["src"]), 'apps/api/package.json: apps/api/dist is not among the "files" that are deployed'),
        (with_log(scripts={}, main="src/index.js", files=["lib"]), "packages/log/package.json: packages/log/src/index.ts"),
        (with_log(scripts={"build": "make"}), "where the build of packages/log writes is not known"),
        (
            {**SPACE, "apps/api/.gitignore": "/node_modules\n/dist\n"},
            'apps/api/.gitignore:2 keeps /dist out of what is deployed: name what runs as "files" in apps/api/package.json',
        ),
        ({**with_api(files=["dist", "up"]), "apps/api/up/.npmignore": "*\n"}, "apps/api/up/.npmignore:1 keeps * out of"),
        (
            {**SPACE, "apps/api/src/server.ts": f"{SERVER}import fs from 'fs';\nfs.readFileSync('conf/a.json');\n",
             "conf/a.json": "{}"},
            "apps/api/src/server.ts:4: conf/a.json lies outside of apps/api",
        ),
        (
            {**SPACE, "apps/api/src/server.ts": f"{SERVER}import fs from 'fs';\nfs.readFileSync(process.argv[2]);\n"},
            "apps/api/src/server.ts:4: whether what it opens lies in apps/api, which alone is deployed, is not known",
        ),
        (
            {**SPACE, "compose.yml": "services:\n  j:\n    build: .\n    command: node apps/jobs/dist/main.js\n"},
            "compose.yml:4: apps/jobs/dist/main.js lies outside of apps/api, which alone is deployed",
        ),
        (
            {**SPACE, "compose.yml": "services:\n  j:\n    build: .\n    working_dir: /app\n"},
            "compose.yml:4: the service runs in /app, which is not the folder of apps/api",
        ),
        ({k: v for k, v in SPACE.items() if k != "pnpm-workspace.yaml"}, "the project is no workspace of pnpm"),
        (with_api(name=""), "the app is the workspace's root, or has no name to deploy it by"),
        (with_api(name="@x/api x"), "'@x/api x' cannot be written safely in a Dockerfile"),
    ],
)  # fmt: skip
def test_what_the_project_says_against_it(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    dockerfile = WHOLE.replace("npm install -g pnpm@10.34.9", "corepack enable")
    assert reason_of(asked(tmp_path, "pnpm-deploy", dockerfile, files)).startswith(reason)


def test_a_link_is_not_deployed_by_every_release(tmp_path: Path) -> None:
    (tmp_path / "apps/api").mkdir(parents=True)
    (tmp_path / "apps/api/views").symlink_to("src")
    reason = "apps/api/views is a link, and not every release of pnpm deploys those"
    assert reason_of(asked(tmp_path, "pnpm-deploy", WHOLE, SPACE)) == reason


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        (WHOLE.replace("pnpm@10.34.9", "pnpm@9"), "line 2 of the proposed Dockerfile: pnpm 9 resolves anew what it"),
        (
            WHOLE.replace("pnpm@10.34.9", "pnpm@10.0.0"),
            "line 2 of the proposed Dockerfile: pnpm 10.0.0 may leave fields",
        ),
        (whole(build="RUN pnpm --filter @x/api deploy /out\n"), "line 7 of the proposed Dockerfile deploys already"),
        (whole(build="USER node\n"), "line 1 of the proposed Dockerfile: this stage ends with a user of its own"),
        (whole(build='SHELL ["/bin/fish", "-c"]\n'), "line 1 of the proposed Dockerfile: this stage ends with a user"),
        (
            whole(final="COPY . .\n"),
            "line 11 of the proposed Dockerfile: the sources come into the final stage as well",
        ),
        (whole(final="RUN pnpm prune\n"), "line 11 of the proposed Dockerfile: whether pnpm prune needs the workspace"),
        (
            whole(final="ENV PATH=/app/node_modules/.bin:$PATH\n"),
            "line 11 of the proposed Dockerfile: it names node_mo",
        ),
        (
            whole(final="COPY --from=build --chown=1 /app/apps ./apps\n"),
            "line 11 of the proposed Dockerfile: it has othe",
        ),
        (
            whole(final="COPY --from=build /app/apps/api /srv/api\n"),
            "line 11 of the proposed Dockerfile: what it copies",
        ),
        (
            whole(final="COPY --from=build /app/packages/log /etc/x /app/\n"),
            "line 11 of the proposed Dockerfile: it copies",
        ),
        (whole(final="HEALTHCHECK CMD node scripts/up.js\n"), "line 11 of the proposed Dockerfile: scripts/up.js lies"),
        (
            whole(command='CMD ["pnpm", "--filter", "@x/api", "start"]'),
            "line 11 of the proposed Dockerfile: pnpm is called",
        ),
        (whole(command='CMD ["node", "."]'), "what the final stage starts in /app is no file of apps/api"),
        (whole(command="WORKDIR /app/apps/api"), "the final stage has no command of its own, so what it starts is not"),
        (
            whole().replace("FROM node:22-slim", "FROM node:22-slim AS run") + "FROM run\nCMD x\n",
            "the final stage copies no workspace with its packages out of a build stage",
        ),
        (
            WHOLE.replace("/app .", "/app/apps/api apps/api"),
            "the final stage copies no workspace with its packages out",
        ),
        (
            PARTS.replace("FROM node:22-slim\n", "FROM build AS other\nFROM node:22-slim\n").replace(
                "COPY --from=build --chown=node /app/packages", "COPY --from=other --chown=node /app/packages"
            ),
            "line 13 of the proposed Dockerfile: parts of the workspace come from another stage",
        ),
        (
            PARTS.replace("/app/packages/log/dist packages/log/dist", "/app/packages/lint packages/lint"),
            "packages/lint is copied as well, and is no production package of apps/api",
        ),
        (
            WHOLE.replace("FROM node:22-slim", "FROM build AS made\n\nFROM node:22-slim").replace("=build", "=made"),
            "line 8 of the proposed Dockerfile: whether this stage has pnpm is not known",
        ),
    ],
)
def test_what_the_dockerfile_says_against_it(tmp_path: Path, dockerfile: str, reason: str) -> None:
    assert reason_of(asked(tmp_path, "pnpm-deploy", dockerfile, SPACE)).startswith(reason)


def test_an_app_that_needs_no_other_package(tmp_path: Path) -> None:
    alone = {
        **with_api(dependencies={"ms": "2.1.3"}),
        "pnpm-lock.yaml": LOCK.replace(
            "      '@x/log':\n        specifier: workspace:*\n        version: link:../../packages/log\n", ""
        ),
    }
    (note,) = asked(tmp_path / "alone", "pnpm-deploy", WHOLE, alone).notes
    assert note.startswith("of the workspace only apps/api is in the image: nothing else")


def test_a_stage_that_others_are_built_on_keeps_its_workspace(tmp_path: Path) -> None:
    text = whole().replace("FROM node:22-slim", "FROM node:22-slim AS run") + "\nFROM run AS check\nRUN ls\n"
    reason = reason_of(asked(tmp_path, "pnpm-deploy", text, SPACE, target="run"))
    assert reason == "another stage is built on the final one"


def test_an_app_that_nothing_names(tmp_path: Path) -> None:
    text = whole(command='CMD ["node", "server.js"]')
    files = {**SPACE, "apps/jobs/package.json": json.dumps({**API, "name": "@x/jobs"})}
    assert reason_of(asked(tmp_path, "pnpm-deploy", text, files)).startswith("nothing says which package")
