"""The app of a workspace: what is built for it, what runs with it, and the facts that are read of it."""

import json
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.app import app_manifest, app_of, built_for_app, run_with_app
from imageopt.project.model import Project
from imageopt.project.read import read_project


def package(name: str, *, needs: tuple[str, ...] = (), dev: tuple[str, ...] = (), **scripts: str) -> str:
    return json.dumps(
        {
            "name": name,
            "dependencies": dict.fromkeys(needs, "*"),
            "devDependencies": dict.fromkeys(dev, "*"),
            "scripts": scripts,
        }
    )


SERVER = """
    import express from 'express';
    import path from 'node:path';
    import { log } from '@x/log';
    const app = express();
    app.get('/runs', (_request, response) => response.sendFile(path.join(process.cwd(), 'views', 'runs.html')));
    app.use(express.static(path.join(__dirname, '..', 'public')));
    app.listen(Number(process.env.PORT ?? 4318));
    process.on('SIGTERM', () => process.exit(0));
"""
FILES = {
    "package.json": json.dumps(
        {"workspaces": ["apps/*", "packages/*"], "scripts": {"serve": "npm start -w @x/api", "both": "a && b"}}
    ),
    "tsconfig.base.json": '{"compilerOptions": {"module": "CommonJS"}}',
    "apps/api/package.json": package(
        "@x/api", needs=("@x/log", "ms"), dev=("@x/codegen",), build="tsc", start="node dist/server.js"
    ),
    "apps/api/tsconfig.json": '{"extends": "../../tsconfig.base.json", "compilerOptions": {"outDir": "dist", "rootDir": "src"}}',
    "apps/api/src/server.ts": SERVER,
    "apps/api/views/runs.html": "",
    "apps/api/public/mark.svg": "",
    "apps/web/package.json": package("@x/web", start="vite"),
    "apps/web/src/main.ts": "fetch('/elsewhere'); require('fs').writeFileSync('/srv/web/x', '');",
    "packages/log/package.json": package("@x/log", build="tsc -p ."),
    "packages/log/tsconfig.json": '{"compilerOptions": {"outDir": "dist"}, "include": ["src"]}',
    "packages/log/src/index.ts": "const fs = require('fs'), path = require('path');\n"
    "fs.readFileSync(path.join(__dirname, '..', 'levels.json'));\nfs.appendFileSync('logs/all.txt', '');\n",
    "packages/log/levels.json": "{}",
    "packages/codegen/package.json": package("@x/codegen", postinstall="node make.js"),
}  # fmt: skip


def read(write: Write, dockerfile: str, files: Mapping[str, str] | None = None) -> Project:
    return read_project(
        write({**FILES, "Dockerfile": f"FROM node:20\nWORKDIR /srv\nCOPY . .\n{dockerfile}", **(files or {})})
    )


def test_what_is_built_and_what_runs(project: Write) -> None:
    found = read(project, "CMD npm start -w @x/api")
    assert found.workspace is not None
    app = app_of(found.workspace)
    assert app is not None
    assert app.folder == "apps/api"
    assert [member.folder for member in built_for_app(found.workspace)] == [
        "packages/codegen",
        "packages/log",
        "apps/api",
    ]
    assert [member.folder for member in run_with_app(found.workspace)] == ["packages/log", "apps/api"]
    assert app_manifest(found) == app.manifest


def test_without_an_app_nothing_is_chosen(project: Write) -> None:
    found = read(project, "CMD sh")
    assert found.workspace is not None
    assert (app_of(found.workspace), built_for_app(found.workspace), run_with_app(found.workspace)) == (None, (), ())
    assert app_manifest(found) == found.manifest


@pytest.mark.parametrize(
    "dockerfile",
    [
        'CMD ["npm", "start", "-w", "@x/api"]',
        "CMD npm --prefix apps/api start",
        "CMD npm run serve -w apps/api\nCMD npm run start --workspace=@x/api",
        "RUN npm run build -w @x/api\nCMD npm run serve",  # a script of the root that starts the app
        "WORKDIR /srv/apps/api\nCMD npm start",
        "WORKDIR apps/api\nCMD npm start",
        'WORKDIR /srv/apps/api\nCMD ["node", "dist/server.js"]',
    ],
)
def test_the_app_starts_in_its_own_folder(project: Write, dockerfile: str) -> None:
    start = read(project, dockerfile).start
    assert start is not None
    assert (start.argv, start.folder, start.handles_sigterm) == (("node", "dist/server.js"), "apps/api", True)


def test_the_facts_are_the_apps_and_of_what_runs_with_it(project: Write) -> None:
    found = read(project, "CMD npm start -w @x/api")
    assert found.build_outputs == ("apps/api/dist", "packages/log/dist")
    assert [fact.value for fact in found.ports] == ["4318"]
    assert {fact.value for fact in found.routes} == {"/runs", "/mark.svg"}
    assert [fact.value for fact in found.runtime_paths] == [
        "apps/api/public", "apps/api/views/runs.html", "packages/log/levels.json",
    ]  # fmt: skip
    assert [fact.value for fact in found.writable_paths] == ["apps/api/logs"]  # where it runs, whoever writes
    assert found.framework is None
    assert found.lifecycle_scripts == ("postinstall: node make.js",)


def test_started_from_the_root_it_runs_there(project: Write) -> None:
    found = read(project, 'CMD ["node", "apps/api/dist/server.js"]', {"views/runs.html": ""})
    assert found.start is not None
    assert (found.start.argv, found.start.folder) == (("node", "apps/api/dist/server.js"), "")
    assert [fact.value for fact in found.runtime_paths] == [
        "apps/api/public", "packages/log/levels.json", "views/runs.html",
    ]  # fmt: skip
    assert [fact.value for fact in found.writable_paths] == ["logs"]


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("CMD npm run gone -w @x/api", "apps/api/package.json has no script gone"),
        ("RUN npm run build -w @x/api\nCMD npm run both", "it needs a shell: it joins commands or expands variables"),
    ],
)
def test_a_start_that_is_not_known(project: Write, dockerfile: str, reason: str) -> None:
    start = read(project, dockerfile).start
    assert start is not None
    assert (start.argv, start.reason) == (None, reason)
