"""Start commands as they are written in a hurry: what they call, name and write must be there in the running image."""

import re
from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, PLAIN, SIGTERM, TYPESCRIPT, evidence, finding, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

INSTALL = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm install\n"
SOURCE = f"const server = require('node:http').createServer().listen(3000);\n{SIGTERM}"


def rewritten(tmp_path: Path, files: dict[str, str], dockerfile: str) -> tuple[Rewrite, str, str]:
    """The rewrite of such a project, its Dockerfile and its ignore file."""
    made = propose(evidence(write(tmp_path, {**files, "Dockerfile": dockerfile})), FAT)
    texts = {change.path: change.after.decode() for change in made.changes}
    return made, texts.get("Dockerfile", ""), texts.get(".dockerignore", "")


@pytest.mark.parametrize(
    ("command", "start"),
    [
        ('["sh", "-c", "npm run serve"]', "node server.js"),
        ('sh -c "npm run serve"', "node server.js"),
        ("exec npm run serve", "node server.js"),
        ("npm start", "dotenv -e .env -- npm run serve"),
        ("npm start", "concurrently 'npm:serve'"),
        ("npm start", "run-s serve"),
        ("npm start", "node --run serve"),
        ("npm start", "node node_modules/.bin/nodemon server.js"),
        ("npm start", "node ./node_modules/nodemon/bin/nodemon.js server.js"),
        ("npm start", "node -r esbuild-register server.js"),
        ("npm start", "node --require=esbuild-register/dist/node server.js"),
        ('["node", "--import", "@swc-node/register/esm-register", "server.js"]', "node server.js"),
    ],
)
def test_a_development_package_that_starts_it_stays(tmp_path: Path, command: str, start: str) -> None:
    files = package(
        prod={"concurrently": "8.2.2", "npm-run-all": "4.1.5", "dotenv-cli": "7.4.2"},
        dev={"nodemon": "3.1.0", "esbuild-register": "3.5.0", "@swc-node/register": "1.9.0"},
        scripts={"start": start, "serve": "nodemon server.js"},
    )
    made, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}CMD {command}\n")
    assert "--omit=dev" not in text
    assert any(item.name == "prune-dev-deps" and "starts with" in item.reason for item in made.refusals)


@pytest.mark.parametrize(
    ("start", "source"),
    [
        ("node --env-file=.env dist/server.js", ""),
        ("node --env-file .env dist/server.js", ""),
        ("node --env-file-if-exists=.env dist/server.js", ""),
        ("node -r dotenv/config dist/server.js", ""),
        ("node --import=dotenv/config dist/server.js", ""),
        ("NODE_OPTIONS='-r dotenv/config' node dist/server.js", ""),
        ("dotenv -- node dist/server.js", ""),
        ("env-cmd -f ./.env node dist/server.js", ""),
        ("set -a && . ./.env && node dist/server.js", ""),
        ("node dist/server.js", "process.loadEnvFile();\n"),
        ("node dist/server.js", "import '@dotenvx/dotenvx/config';\n"),
        ("node dist/server.js", "import 'dotenv/config.js';\n"),
    ],
)
def test_a_dotenv_file_that_the_start_reads_comes_along(tmp_path: Path, start: str, source: str) -> None:
    files = package(
        prod={"dotenv": "16.4.5", "@dotenvx/dotenvx": "1.0.0", "dotenv-cli": "7.4.2", "env-cmd": "10.1.0"},
        **{**TYPESCRIPT, "scripts": {"build": "tsc -p .", "start": start}},
    )
    files |= {"tsconfig.json": '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}', ".env": "TOKEN=a\n"}
    made, text, ignored = rewritten(
        tmp_path, {**files, "src/server.ts": source + SOURCE}, f"{INSTALL}RUN npm run build\nCMD npm start\n"
    )
    assert ".env" not in ignored.splitlines()
    assert "/app/.env ./.env" in text or "/app ./" in text
    assert any(".env is in the image" in note for note in made.notes)


@pytest.mark.parametrize(
    "start",
    [
        "node --import ./tracing/start.mjs dist/server.js",
        "node --import=./tracing/start.mjs dist/server.js",
        "node --require=./telemetry.js dist/server.js",
        "node -r ./telemetry dist/server.js",
        "NODE_OPTIONS='--require ./telemetry.js' node dist/server.js",
    ],
)
def test_what_node_loads_first_comes_along_with_what_it_imports(tmp_path: Path, start: str) -> None:
    files = package(prod={"ms": "2.1.3"}, **{**TYPESCRIPT, "scripts": {"build": "tsc -p .", "start": start}})
    files |= {
        "tsconfig.json": '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}',
        "src/server.ts": SOURCE,
        "telemetry.js": "require('./exporters/console');\n",
        "tracing/start.mjs": "import '../exporters/console.js';\n",
        "exporters/console.js": "",
        "notes/a.md": "",
    }
    _, text, _ = rewritten(tmp_path, files, f"{INSTALL}RUN npm run build\nCMD npm start\n")
    first = "tracing" if "tracing" in start else "telemetry.js"
    assert f"/app/{first} ./{first}" in text
    assert "/app/exporters ./exporters" in text
    assert "notes" not in text


def test_a_dotenv_file_that_the_ignore_file_hides_is_no_obstacle(tmp_path: Path) -> None:
    files = {**package(prod={"dotenv": "16.4.5"}, **TYPESCRIPT), ".env": "TOKEN=a\n", ".dockerignore": ".env\n"}
    files["tsconfig.json"] = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}'
    source = f"import 'dotenv/config';\n{SOURCE}"
    made, text, _ = rewritten(
        tmp_path, {**files, "src/server.ts": source}, f"{INSTALL}RUN npm run build\nCMD npm start\n"
    )
    assert made.outcome == "proposed"
    assert "/app/dist ./dist" in text
    assert ".env" not in text


@pytest.mark.parametrize(
    ("command", "start"),
    [
        ("mkdir -p tmp && cp config.sample.json config.json && node server.js", "node server.js"),
        ("npm start", "cp config.sample.json config.json && node server.js"),
        ('["sh", "-c", "envsubst < a.tpl > public/env.js && exec node server.js"]', "node server.js"),
        ("npm run serve", "node server.js"),  # by what runs before it
    ],
)
def test_a_start_that_writes_files_stays_root(tmp_path: Path, command: str, start: str) -> None:
    scripts = {"start": start, "serve": "node server.js", "preserve": "touch started"}
    files = package(prod={"ms": "2.1.3"}, scripts=scripts)
    made, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}CMD {command}\n")
    assert "USER" not in text
    assert any(item.reason == "its start command writes files" for item in made.refusals)


def test_a_start_that_compiles_may_empty_its_output_first(tmp_path: Path) -> None:
    files = package(
        prod={"ms": "2.1.3"},
        dev={"typescript": "5.4.5", "rimraf": "5.0.5"},
        scripts={"prestart": "rimraf dist && tsc -p .", "start": "node dist/server.js"},
    )
    files |= {"tsconfig.json": '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}', "src/server.ts": SOURCE}
    _, text, _ = rewritten(tmp_path, files, f"{INSTALL}RUN npx tsc\nCMD npm start\n")
    assert "USER node" in text
    assert "chown node:node ." in text


@pytest.mark.parametrize(
    "command", ['["/bin/bash", "-c", "node server.js"]', "/usr/bin/curl -f http://db && node server.js"]
)
def test_a_program_named_by_its_path_is_one_that_the_image_must_hold(tmp_path: Path, command: str) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    _, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}CMD {command}\n")
    assert "alpine" not in text


IMPORTS = [
    ("server.js", "const _ = require('lodash');\n", True),
    ("server.js", "import _ from 'lodash/fp.js';\n", True),
    ("server.js", "if (debug) {\n  require('lodash');\n}\n", False),  # what is not reached may well be absent
    ("server.js", "// const _ = require('lodash');\n", False),
    ("server.js", "const ms = require('ms');\n", False),
    ("src/server.ts", "import _ from 'lodash';\nconsole.log(_.map([]));\n", True),
    ("src/server.ts", "import 'lodash';\n", True),
    ("src/server.ts", "import {\n  map,\n  type Dictionary,\n} from 'lodash';\nmap([]);\n", True),
    ("src/server.ts", "import type { Dictionary } from 'lodash';\nlet a: Dictionary;\n", False),
    ("src/server.ts", "import { Dictionary, Other } from 'lodash';\nlet a: Dictionary<Other> = {};\n", False),
    ("src/tools.ts", "import _ from 'lodash';\n_.map([]);\n", False),  # not of the service
]


@pytest.mark.parametrize(("path", "source", "stays"), IMPORTS)
def test_a_development_package_that_the_service_imports_stays(
    tmp_path: Path, path: str, source: str, stays: bool
) -> None:
    compiles = path.startswith("src/")
    start = "node dist/server.js" if compiles else "node server.js"
    scripts = {"start": start, **({"build": "tsc -p ."} if compiles else {})}
    files = package(prod={"ms": "2.1.3"}, dev={"lodash": "4.17.21", "typescript": "5.4.5"}, scripts=scripts)
    files |= {"tsconfig.json": '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}', "src/server.ts": SOURCE}
    files[path] = source + SOURCE
    build = "RUN npm run build\n" if compiles else ""
    made, text, _ = rewritten(tmp_path, files, f"{INSTALL}{build}CMD npm start\n")
    assert ("--omit=dev" not in text) == stays
    reasons = [item.reason for item in made.refusals if item.name == "prune-dev-deps"]
    assert reasons == ([f"{path}:1 loads lodash, a development dependency"] if stays else [])


def test_what_a_bundler_puts_into_its_output_need_not_be_installed(tmp_path: Path) -> None:
    build = "tsc --noEmit && esbuild src/server.ts --bundle --platform=node --outfile=dist/server.js"
    files = package(
        prod={"ms": "2.1.3"},
        dev={"lodash": "4.17.21", "esbuild": "0.20.2", "typescript": "5.4.5"},
        scripts={"build": build, "start": "node dist/server.js"},
    )
    files |= {
        "tsconfig.json": '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}',
        "src/server.ts": f"import _ from 'lodash';\n_.map([]);\n{SOURCE}",
    }
    _, text, _ = rewritten(tmp_path, files, f"{INSTALL}RUN npm run build\nCMD npm start\n")
    assert "--omit=dev" in text


@pytest.mark.parametrize(
    "run",
    [
        "git rev-parse HEAD > REVISION || true",
        'echo "$(git describe --tags)" > dist/VERSION',
        "REVISION=`git log -1 --format=%h` npm run build",
        "npm run build && (git -C . status --short | head -n 1 > dist/STATE)",
    ],
)
@pytest.mark.parametrize("stages", [1, 2])
def test_what_a_run_asks_of_git_is_there(tmp_path: Path, run: str, stages: int) -> None:
    files = {**package(prod={"ms": "2.1.3"}, **TYPESCRIPT), "src/server.ts": SOURCE, ".git/HEAD": "x"}
    files["tsconfig.json"] = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}}'
    second = "FROM node:22\nWORKDIR /app\nCOPY --from=0 /app /app\n" if stages == 2 else ""
    _, text, ignored = rewritten(tmp_path, files, f"{INSTALL}RUN npm run build\nRUN {run}\n{second}CMD npm start\n")
    assert ".git" not in ignored.splitlines()
    assert "node_modules" in ignored.splitlines()
    assert not text.startswith("FROM node:22-alpine")


def test_a_version_that_python_makes_of_the_last_tag_needs_the_history(tmp_path: Path) -> None:
    project = (
        '[build-system]\nrequires = ["setuptools", "setuptools_scm"]\n[project]\nname = "a"\ndynamic = ["version"]\n'
    )
    files = {"pyproject.toml": project, "requirements.txt": "flask==3.0.3\n", ".git/HEAD": "x"}
    dockerfile = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt && pip install .\nCMD python -m a\n"
    _, _, ignored = rewritten(tmp_path, files, dockerfile)
    assert ".git" not in ignored.splitlines()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # OpenShift starts it as any user of the group 0
        (
            "RUN chown -R 1001:0 /app && chmod -R g=u /app\nUSER 1001\n",
            ("chown 1001:0 . && chmod g=u .", "--chown=1001:0 "),
        ),
        ("RUN chgrp -R 0 /app && chmod -R g=u /app\nUSER 1001\n", ("chown 1001:0 . && chmod g=u .", "--chown=1001:0 ")),
        (
            "RUN chgrp -R 0 /app && chmod -R g+rwX /app\n",
            ("RUN chmod g+rwX .\n", "--chown=node:0 ", "USER node\n"),
        ),
        (
            "RUN useradd -m svc && groupadd web\nRUN chown -R svc:web /app\nUSER svc\n",
            ("chown svc:web .", "--chown=svc:web "),
        ),
        ("RUN useradd -m svc && groupadd web\nCOPY --chown=svc:web . .\nUSER svc\n", ("--chown=svc:web ",)),
        ("RUN chown -R www-data:www-data /app\n", ("--chown=node:node ",)),
    ],
)
def test_the_group_that_files_are_given_to_stays(tmp_path: Path, lines: str, expected: tuple[str, ...]) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    _, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}{lines}CMD npm start\n")
    assert [part for part in expected if part not in text] == [], text


def test_a_mode_that_lets_nobody_else_write_is_no_reason_for_a_line(tmp_path: Path) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    _, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}RUN chmod -R 755 /app\nCMD npm start\n")
    assert "chmod 755 ." not in text


def test_a_user_that_a_build_argument_names_is_left_to_it(tmp_path: Path) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    lines = "ARG UID=1000\nRUN chown -R ${UID} /app\nUSER ${UID}\n"
    _, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}{lines}CMD npm start\n")
    assert "USER ${UID}\n" in text
    assert "USER 1000" not in text


def test_a_program_that_writes_where_it_is_started_stays_root(tmp_path: Path) -> None:
    files = package(prod={"ms": "2.1.3"}, bin={"acme": "acme.js"})
    files["acme.js"] = "fs.writeFileSync(path.join(process.cwd(), 'out.txt'), 'x');\n"
    dockerfile = f'{INSTALL}RUN npm link\nWORKDIR /work\nENTRYPOINT ["acme"]\n'
    made, text, _ = rewritten(tmp_path, files, dockerfile)
    assert "USER" not in text
    assert any(item.reason == "it is started in /work, and may write there" for item in made.refusals)


def test_why_it_is_slim_and_not_alpine_is_told(tmp_path: Path) -> None:
    """Of production sharp has binaries for musl, and of development a package may have none."""
    bound = {"version": "0.33.3", "optional": True, "os": ["linux"], "cpu": ["x64"]}
    files = package(
        prod={"sharp": "0.33.3"},
        dev={"bcrypt": "5.1.1"},
        scripts={"build": "echo", "start": "node server.js"},
        locked={
            "@img/sharp-linux-x64": bound,
            "@img/sharp-linuxmusl-x64": bound,
            "@typescript/typescript-linux-x64": {**bound, "version": "7.0.2", "dev": True},  # for any C library
            "bcrypt": {"hasInstallScript": True},
        },
    )
    made, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}RUN npm run build\nCMD npm start\n")
    assert "\nFROM node:22-slim\n" in text
    (refusal,) = (item for item in made.refusals if item.name == "base-swap")
    assert refusal.reason == "alpine: the build cannot be there, for bcrypt, and what it installs has binaries"
    (swap,) = (item for item in made.transformed if item.name == "base-swap")
    assert "as asked for" not in swap.reason


def test_what_is_left_says_what_a_person_can_do(tmp_path: Path) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    root = write(tmp_path, {**files, **PLAIN, "Dockerfile": f"{INSTALL}RUN npm link\nCMD npm start\n"})
    found = evidence(root)
    rules = tuple(rule for rule in load_rules(examples=False) if rule.name == "copy-all-before-install")
    made = propose(found, (*FAT, *check(found, rules)))
    (left,) = (item for item in made.refusals if item.name == "order-copies")
    assert left.reason == "line 3 is left to you: copy the manifests, install, then copy the rest"


CHOOSES = [
    ("const env = process.env.NODE_ENV || 'development';\nconst settings = require('./config.json')[env];\n", {}),
    ("const settings = require('./config.json')[process.env.NODE_ENV ?? 'development'];\n", {}),
    ("const env = process.env.NODE_ENV || 'dev';\nrequire('dotenv').config({ path: `.env.${env}` });\n", {}),
    ("load('config/' + (process.env.NODE_ENV || 'development') + '.yml');\n", {}),
    ("load(`settings.${process.env.NODE_ENV}.json`);\n", {}),
    ("const { NODE_ENV = 'development' } = process.env;\nload(`./config/${NODE_ENV}`);\n", {}),
    ("const config = require('config');\n", {"config/default.json": "{}", "config/production.json": "{}"}),
]
DOES_NOT = [
    ("const production = process.env.NODE_ENV === 'production';\n", {}),
    ("const env = process.env.NODE_ENV || 'development';\nconsole.log(`starting in ${env} mode`);\n", {}),
    ("const env = process.env.NODE_ENV || 'production';\nconst settings = all[env];\n", {}),
    ("Sentry.init({ environment: process.env.NODE_ENV || 'development' });\n", {}),
    ("const config = require('config');\n", {"config/default.json": "{}"}),
]


@pytest.mark.parametrize(("source", "more", "stays"), [(*c, True) for c in CHOOSES] + [(*c, False) for c in DOES_NOT])
@pytest.mark.parametrize("second", ["", "FROM node:22\nWORKDIR /app\nCOPY --from=0 /app /app\n"])
def test_settings_that_node_env_chooses_stay_the_same(
    tmp_path: Path, source: str, more: dict[str, str], stays: bool, second: str
) -> None:
    files = {**package(prod={"config": "3.3.11", "dotenv": "16.4.5"}, scripts={"start": "node server.js"}), **more}
    files |= {"server.js": source + SOURCE, "Dockerfile": f'{INSTALL}{second}CMD ["node", "server.js"]\n'}
    made = propose(evidence(write(tmp_path, files)), (*FAT, finding("node-env-unset", "node-env")))
    text = next(change.after.decode() for change in made.changes if change.path == "Dockerfile")
    assert ("NODE_ENV=production" not in text) == stays
    reasons = [item.reason for item in made.refusals if item.name == "node-env"]
    assert ["chooses settings by NODE_ENV" in reason for reason in reasons] == [True] * stays


def test_without_node_env_a_package_for_development_may_be_loaded_anywhere(tmp_path: Path) -> None:
    source = "const env = process.env.NODE_ENV || 'development';\nif (all[env].log) {\n  require('morgan');\n}\n"
    files = package(prod={"ms": "2.1.3"}, dev={"morgan": "1.10.0"}, scripts={"start": "node server.js"})
    _, text, _ = rewritten(tmp_path, {**files, "server.js": source + SOURCE}, f"{INSTALL}CMD npm start\n")
    assert "--omit=dev" not in text


@pytest.mark.parametrize(
    "lines",
    [
        "RUN cd client && npm install && npm run build\n",
        "RUN npm --prefix client install && npm --prefix=client run build\n",
        "RUN npm install -C ./client && npm run build --prefix client\n",
        "WORKDIR /app/client\nRUN npm install && npm run build\nWORKDIR /app\n",
        "RUN cd client; npm install; npm run build; cd ..; npm prune --production\n",
    ],
)
def test_the_packages_of_another_folder_are_installed_too(tmp_path: Path, lines: str) -> None:
    """A client with a package.json of its own, beside the service, and no workspace that says so."""
    files = package(prod={"ms": "2.1.3"}, dev={"nodemon": "3.1.0"}, scripts={"start": "node server.js"})
    files |= {"client/package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5.2.10"}}'}
    made, text, _ = rewritten(tmp_path, {**files, **PLAIN}, f"{INSTALL}{lines}CMD npm start\n")
    assert made.outcome == "proposed"
    runs = [line for line in text.splitlines() if line.startswith("RUN")]
    first = next(index for index, line in enumerate(runs) if re.search(r"npm\s+(?:\S+\s+)*install", line))
    assert "npm ci" in runs[0]
    assert first == 1
    assert re.search(r"install\b.*npm (?:--prefix=client )?run build", runs[first])
    assert text.count("npm prune") == 1
    assert "alpine" not in text  # the lock file of the service says nothing of these packages
    assert any(item.reason.endswith("by no lock file that is read here") for item in made.refusals)


def test_a_client_that_is_installed_first_is_left_as_it_is(tmp_path: Path) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    files |= {"client/package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5.2.10"}}'}
    dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN cd client && npm install && npm run build\nRUN npm install\nCMD npm start\n"
    _, text, _ = rewritten(tmp_path, {**files, **PLAIN}, dockerfile)
    assert "RUN cd client && npm install && npm " in text


@pytest.mark.parametrize(
    "script", [". ./.env\n", "export $(grep -v '^#' .env | xargs)\n", 'cat "/app/.env"\ncat certs/a.pem\n']
)
@pytest.mark.parametrize("second", ["", "FROM node:22\nWORKDIR /app\nCOPY --from=0 /app /app\n"])
@pytest.mark.parametrize("ignored", ["", ".env\n"])
def test_what_the_script_reads_that_is_started_is_not_ignored(
    tmp_path: Path, script: str, second: str, ignored: str
) -> None:
    files = package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"})
    files |= {"start.sh": f"#!/bin/sh\n{script}exec npm start\n", ".env": "T=1\n", "certs/a.pem": "x", "b.pem": "x"}
    files |= {".dockerignore": ignored} if ignored else {}
    made, _, after = rewritten(tmp_path, {**files, **PLAIN}, f'{INSTALL}{second}CMD ["./start.sh"]\n')
    assert made.outcome == "proposed"
    assert after.splitlines().count(".env") == bool(ignored)
    assert "node_modules" in after.splitlines()
