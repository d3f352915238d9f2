"""Projects as they are on a bad day: each was once given a Dockerfile that did not build, did not start, or told a secret.

Texts in a case must be in the proposal, those after a `!` must not; `refused` is a part of a reason that must be given.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import Struct
from rewrite.node_shapes import EXPRESS, FAT, NAIVE, PLAIN, TYPESCRIPT, evidence, package, write
from rewrite.php.php_shapes import LARAVEL_FILES
from rewrite.test_workspace import ROOT, SOURCES, npm

from imageopt.rewrite.propose import propose
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

TOKEN = "//registry.npmjs.org/:_authToken=npm_abcdefghijklmnopqrstuvwxyz0123456789\n"
SERVICE = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS}
JAVASCRIPT = {
    **package(prod={"ms": "2.1.3"}, dev={"eslint": "8.57.0"}, scripts={"start": "node server.js"}),
    **PLAIN,
}
INSTALL = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\n"
BUILD = f"{INSTALL}RUN npm run build\n"
START = 'CMD ["npm", "start"]\n'
KANIKO = {
    ".gitlab-ci.yml": "publish:\n  image: {name: 'gcr.io/kaniko-project/executor:debug', entrypoint: ['']}\n"
    "  script:\n    - /kaniko/executor --context . --dockerfile Dockerfile --destination a\n"
}
MIGRATES = '#!/bin/sh\nset -e\nnpx prisma migrate deploy\nexec "$@"\n'
VITE = {
    **package(dev={"vite": "5.4.19"}, scripts={"build": "vite build", "start": "vite preview"}),
    "index.html": "x\n",
}


class Day(Struct, frozen=True):
    """One project, and what its proposal must and must not hold."""

    name: str
    files: Mapping[str, str]
    expected: tuple[str, ...] = ()
    refused: str = ""


def prisma(**kinds: Mapping[str, str]) -> dict[str, str]:
    scripts = {"build": "prisma generate && tsc -p .", "start": "node dist/server.js"}
    return {
        **package(scripts=scripts, **kinds),  # type: ignore[arg-type]
        **EXPRESS,
        "prisma/schema.prisma": 'generator client {\n  provider = "prisma-client-js"\n}\n',
        "docker-entrypoint.sh": MIGRATES,
        "Dockerfile": f"{BUILD}COPY docker-entrypoint.sh /usr/local/bin/\n"
        "RUN chmod +x /usr/local/bin/docker-entrypoint.sh\n"
        f'ENTRYPOINT ["docker-entrypoint.sh"]\n{START}',
    }


DAYS = (
    Day(
        "a file that a script of the installation fetches",
        {**package(prod={"express": "4.19.2"}, **(TYPESCRIPT | {"scripts": {**TYPESCRIPT["scripts"], "postinstall": "node fetch.js"}})),
         **EXPRESS, "src/server.ts": f"import fs from 'fs';\nfs.readFileSync('data/geo.mmdb');\n{EXPRESS['src/server.ts']}",
         "fetch.js": "fs.writeFileSync('data/geo.mmdb')", "Dockerfile": BUILD + START},
        ("node:node /app ./\n",),
    ),
    Day(
        "files that packages read by themselves",
        {**SERVICE, **package(prod={"express": "4.19.2", "config": "3.3.11"}, **TYPESCRIPT), "config/default.json": "{}", "docs/api.yaml": "x",
         "src/server.ts": f"import yaml from 'yamljs';\nyaml.load('./docs/api.yaml');\n{EXPRESS['src/server.ts']}", "Dockerfile": BUILD + START},
        ("/app/config ./config\n", "/app/docs ./docs\n", "/app/public ./public\n"),
    ),
    Day(
        "a token of npm's stays behind where the sources are what runs",
        {**JAVASCRIPT, ".npmrc": TOKEN, "Dockerfile": INSTALL + START},
        ("COPY package.json package-lock.json .npmrc ./", "&& rm -f .npmrc\n", "COPY --from=build --chown=node:node /app ./",
         "!--chown=node:node . ."),
    ),
    Day(
        "a token of npm's stays behind where nothing is pruned",
        {**package(prod={"ms": "2.1.3"}, dev={"tsx": "4.0.0"}, scripts={"start": "tsx server.js"}), **PLAIN,
         ".npmrc": TOKEN, "Dockerfile": INSTALL + START},
        ("\nRUN rm -f .npmrc\n", "!--chown=node:node . ."),
    ),
    Day(
        "a token of npm's stays behind where the whole built folder runs",
        {**package(prod={"next": "14.2.0"}, scripts={"build": "next build", "start": "next start"}),
         ".npmrc": TOKEN, "Dockerfile": BUILD + START},
        ("npm prune --omit=dev && rm -f .npmrc\n",),
    ),
    Day(
        "a token that the ignore file keeps out is no obstacle",
        {**JAVASCRIPT, ".npmrc": TOKEN, ".dockerignore": ".npmrc\n", "Dockerfile": INSTALL + START},
        refused=".dockerignore hides .npmrc",
    ),
    Day(
        "a token that is copied to elsewhere",
        {**SERVICE, ".npmrc": TOKEN, "Dockerfile": f"FROM node:20\nCOPY .npmrc /root/.npmrc\nWORKDIR /app\nCOPY . .\nRUN npm install\n{START}"},
        refused=".npmrc holds a token, and line 2 copies it into the image",
    ),
    Day(
        "a token that the last of several stages takes along",
        {**SERVICE, ".npmrc": TOKEN, "Dockerfile": "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n"
         "FROM node:20\nWORKDIR /app\nCOPY . .\nCOPY --from=build /app/dist ./dist\nRUN npm install\n" + START},
        refused=".npmrc holds a token, and line 7 copies it into the image",
    ),
    Day(
        "a token in a folder that the last stage takes from the first",
        {
            **SERVICE,
            ".npmrc": TOKEN,
            "Dockerfile": f"FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npx tsx make.ts\nFROM node:20\nWORKDIR /app\nCOPY --from=build /app .\n{START}",
        },
        refused=".npmrc holds a token, and line 7 copies it into the image",
    ),
    Day(
        "a token that the first stage deletes",
        {
            **SERVICE,
            ".npmrc": TOKEN,
            "Dockerfile": f"FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npx tsx make.ts\nRUN rm -f .npmrc\nFROM node:20\nWORKDIR /app\nCOPY --from=build /app .\n{START}",
        },
        ("FROM node:20-alpine",),
    ),
    Day(
        "a token in a PHP project",
        {**LARAVEL_FILES, ".npmrc": TOKEN, "Dockerfile": "FROM php:8.2-apache\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer\n"
         "WORKDIR /var/www/html\nCOPY . .\nRUN composer install\n"},
        refused=".npmrc holds a token",
    ),
    Day(
        "kaniko mounts nothing for Composer",
        {**LARAVEL_FILES, **KANIKO, "Dockerfile": "FROM php:8.2-apache\nRUN curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs\n"
         "COPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /var/www/html\nCOPY . .\nRUN composer install\nRUN npm ci && npm run build\n"},
        ("!--mount", "FROM base\nCOPY --from=vendor /usr/bin/composer /usr/bin/composer\n", "RUN npm ci\n"),
    ),
    Day(
        "a flag without a value is copied along without one",
        {
            **LARAVEL_FILES,
            "Dockerfile": "FROM php:8.2-apache\nRUN curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs\n"
            "WORKDIR /var/www/html\nCOPY --link --chown=www-data . .\nRUN npm ci && npm run build\n",
        },
        ("COPY --link . ./\n", "!--link="),
    ),
    Day(
        "kaniko mounts nothing for pip",
        {**KANIKO, "requirements.txt": "flask==3.0.0\n", "app.py": "import flask\n",
         "Dockerfile": 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["python", "app.py"]\n'},
        ("!--mount", "RUN python -m pip install -r requirements.txt"),
    ),
    Day(
        "a service that a global tool starts",
        {**SERVICE, "Dockerfile": f"FROM node:20\nRUN npm i -g fastify-cli\n{BUILD[13:]}CMD [\"fastify-cli\", \"dist/server.js\"]\n"},
        ("npm i -g fastify-cli",),
        "line 2 installs fastify-cli, which starts the service",
    ),
    Day(
        "a RUN that calls a global tool, which the lock file brings to another place",
        {**SERVICE, "Dockerfile": f"FROM node:20\nRUN npm i -g typescript\n{INSTALL[13:]}RUN tsc -p .\n{START}"},
        ("RUN npm i -g typescript",),
    ),
    Day(
        "a heredoc that installs and builds",
        {**SERVICE, "Dockerfile": f"FROM node:20\nWORKDIR /app\nCOPY . .\nRUN <<EOF\nnpm install\nnpm run build\nEOF\n{START}"},
        ("!--omit=dev", "!NODE_ENV"),
    ),
    Day(
        "an entrypoint that is made executable, and calls a package for development",
        prisma(prod={"express": "4.19.2", "@prisma/client": "5.10.0"}, dev={"prisma": "5.10.0", "typescript": "5.4.5"}),
        ("RUN chmod +x /usr/local/bin/docker-entrypoint.sh", "!prune --omit=dev"),
    ),
    Day(
        "a program that is made executable before the application has a folder",
        {**SERVICE, "entry.sh": '#!/bin/sh\nexec "$@"\n', "Dockerfile": "FROM node:20\nCOPY entry.sh /usr/local/bin/\n"
         f'RUN mkdir -p /data && chmod 755 /usr/local/bin/entry.sh\n{BUILD[13:]}ENTRYPOINT ["entry.sh"]\n{START}'},
        ("COPY entry.sh /usr/local/bin/\nRUN chmod 755 /usr/local/bin/entry.sh\n", "!npm ci\nRUN mkdir", "mkdir -p /data && chown node:node /data"),
    ),
    Day(
        "a folder above the application's that belongs to the user",
        {**SERVICE, "Dockerfile": "FROM node:20\nRUN useradd -m app\nWORKDIR /home/app/web\nCOPY . .\nRUN npm install && npm run build\n"
         f"RUN chown -R app:app /home/app\nUSER app\n{START}"},
        ("chown app:app . /home/app\n",),
    ),
    Day(
        "an entrypoint that calls scripts beside it, one of them for bash",
        {**SERVICE, "docker/entry.sh": '#!/bin/sh\n. "$(dirname "$0")/env.sh"\n/app/docker/wait.sh db\nexec "$@"\n', "docker/env.sh": "A=1\n",
         "docker/wait.sh": "#!/usr/bin/env bash\nsleep 1\n", "Dockerfile": f'{BUILD}ENTRYPOINT ["./docker/entry.sh"]\n{START}'},
        ("node:node /app ./\n", "!alpine"),
        "docker/wait.sh is written for bash",
    ),
    Day(
        "a start script of package.json for bash",
        {**package(prod={"ms": "2.1.3"}, scripts={"start": "./bin/start"}), **PLAIN, "bin/start": "#!/bin/bash\nexec node server.js\n", "Dockerfile": INSTALL + START},
        ("!alpine",),
        "bin/start is written for bash",
    ),
    Day(
        "an entrypoint that writes a file",
        {**SERVICE, "entry.sh": '#!/bin/sh\necho "-> $A" >&2\necho "$A" | base64 -d > config.json\nexec "$@"\n', "Dockerfile": f'{BUILD}ENTRYPOINT ["./entry.sh"]\n{START}'},
        ("!USER",),
        "entry.sh writes files when the container starts",
    ),
    Day(
        "an entrypoint that says what it does",
        {**SERVICE, "entry.sh": '#!/bin/sh\n# cp a b\necho "=> $A" >&2\nls > /dev/null 2>&1\nexec "$@"\n', "Dockerfile": f'{BUILD}ENTRYPOINT ["./entry.sh"]\n{START}'},
        ("USER node", "/app/entry.sh ./entry.sh\n"),
    ),
    *(
        Day(f"another start of the image: {what}", {**SERVICE, "Dockerfile": BUILD + START, path: text, "db/up.sh": "x"}, expected, refused)
        for what, path, text, expected, refused in (
            ("a worker that the build writes", "compose.yml", "services:\n  w: {build: ., command: node dist/worker.js}\n", ("/app/dist ./dist",), ""),
            ("a migration", "compose.yml", "services:\n  m: {build: ., command: node db/migrate.js}\n", ("node:node /app ./\n", "npm prune"), ""),
            ("a probe", "compose.yml", "services:\n  p: {build: ., healthcheck: {test: [CMD, sh, db/up.sh]}}\n", ("node:node /app ./\n", "-alpine"), ""),
            ("a probe of the port", "compose.yml", "services:\n  p: {build: ., healthcheck: {test: curl localhost}}\n", ("/app/dist ./dist", "-alpine"), ""),
            ("a development tool", "compose.yml", "services:\n  d: {build: ., command: npx tsc -w}\n", ("!npm prune", "!NODE_ENV"),
             "compose.yml:2 starts typescript, a development dependency"),
            ("by bash in a cluster", "k8s/a.yaml", "kind: Pod\nspec:\n  containers:\n    - command: [bash, -c, node dist/server.js]\n", ("-slim", "/app/dist ./dist"),
             "the service starts bash, which alpine lacks"),
            ("somebody else's image in a cluster", "k8s/a.yaml", "kind: Pod\nspec:\n  containers:\n    - command: [bash, -c, redis]\n", ("-alpine", "/app/dist ./dist"), ""),
        )
    ),
    Day(
        "another start of an image that would serve files alone",
        {**VITE, "Dockerfile": BUILD + START, "compose.yml": "services:\n  web: {build: ., command: npm run dev}\n"},
        ("!nginx",),
        "compose.yml:2 runs `npm run dev` in it",
    ),
    Day(
        "an ignore file that hides everything and brings back what is in a folder",
        {**SERVICE, ".dockerignore": "*\n!package*.json\n!src\n!tsconfig.json\n!public/**\n", "Dockerfile": BUILD + START},
        ("/app/public ./public\n",),
    ),
    Day(
        "a comment above what the system must have, and a variable that is set already",
        {**SERVICE, **package(prod={"express": "4.19.2"}, dev=TYPESCRIPT["dev"], scripts=TYPESCRIPT["scripts"] | {"start": "NODE_ENV=production A=1 node dist/server.js"}),
         "Dockerfile": f"FROM node:20\n# thumbnails\nRUN apt-get update && apt-get install -y vim ffmpeg\n{BUILD[13:]}{START}"},
        ("# thumbnails\nRUN apt-get update && apt-get install -y ffmpeg &&", "\nENV A=1\nCMD"),
    ),
    Day(
        "a schema of which a package's own script makes the client",
        prisma(prod={"express": "4.19.2", "@prisma/client": "5.10.0", "prisma": "5.10.0"}, dev={"typescript": "5.4.5"})
        | {"Dockerfile": f"FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nCOPY prisma ./prisma\nRUN npm install\nCOPY . .\nRUN npm run build\n{START}"},
        ("COPY prisma ./prisma\nRUN --mount", "!npm ci\nCOPY prisma"),
    ),
    Day(
        "a workspace with a migration in the image of its service",
        {**SOURCES, **npm({**ROOT, "scripts": {**ROOT["scripts"], "start": "npm start -w @x/api"}}), "Dockerfile": BUILD + START,
         "compose.yml": "services:\n  m: {build: ., command: node apps/api/db/migrate.js}\n"},
        ("/app/apps/api ./apps/api\n", "!/app/apps/api/dist"),
    ),
    Day(
        "a start with a script of its own, beside one for development",
        {**SERVICE, **package(prod={"express": "4.19.2", "knex": "3.1.0"}, dev={"typescript": "5.4.5", "tsx": "4.7.0"},
         scripts={"build": "tsc -p .", "start": "tsx src/server.ts", "start:prod": "knex migrate:latest && node dist/server.js"}),
         "Dockerfile": f'{BUILD}CMD ["npm", "run", "start:prod"]\n'},
        ("RUN npm prune --omit=dev\n", "NODE_ENV=production"),
    ),
    *(
        Day(f"a setting that is made for the installation: {what}", {**SERVICE, "Dockerfile": f"FROM node:20\nWORKDIR /app\n{lines}RUN npm run build\n{START}"},
            ("registry.test\" > .npmrc", "!AS build"), "may make what the installation reads")
        for what, lines in (
            ("before the sources", 'RUN echo "//registry.test" > .npmrc\nCOPY . .\nRUN npm install\n'),
            ("after the sources", 'COPY . .\nRUN echo "//registry.test" > .npmrc\nRUN npm install\n'),
            ("in its own RUN", 'COPY . .\nRUN echo "//registry.test" > .npmrc && npm install && rm .npmrc\n'),
        )
    ),
    Day(
        "an entrypoint that reads files of the project by way of a tool",
        prisma(prod={"express": "4.19.2", "@prisma/client": "5.10.0", "prisma": "5.10.0"}, dev={"typescript": "5.4.5"}),
        ("/app ./", "npm prune --omit=dev"),
    ),
    Day(
        "an owner that only the running image has",
        {**SERVICE, "Dockerfile": "FROM node:20\nRUN useradd -m app\nUSER app\nWORKDIR /home/app\nCOPY --chown=app:app . .\nRUN npm install\nRUN npm run build\n"
         f'VOLUME ["/var/lib/notes"]\n{START}'},
        ("\nCOPY . .\n", "--chown=app:app /home/app/dist", "!chown app:app /var/lib "),
    ),
    Day(
        "an image that others are built on",
        {**SERVICE, "Dockerfile": f"{INSTALL}ONBUILD RUN apt-get update\n{START}"},
        ("!alpine", "!USER", "npm ci"),
        "line 5: ONBUILD runs in images that are built on this one",
    ),
    Day(
        "a preview with a proxy",
        {**VITE, "vite.config.js": "export default { server: { proxy: { '/api': 'http://backend' } } };\n", "Dockerfile": BUILD + START},
        ("!nginx",),
        "vite.config.js gives vite rules of its own",
    ),
    Day(
        "a preview below a path",
        {**VITE, "vite.config.ts": "export default { base: '/notes/' };\n", "Dockerfile": BUILD + START},
        ("!nginx",),
        "vite.config.ts gives vite rules of its own",
    ),
    Day(
        "a preview at the root, said so",
        {**VITE, "vite.config.ts": "export default { base: './' };\n", "Dockerfile": BUILD + START},
        ("FROM nginx",),
    ),
    Day(
        "cron, which only root may run",
        {**SERVICE, "Dockerfile": f"FROM node:20\nRUN apt-get update && apt-get install -y cron\n{BUILD[13:]}CMD [\"sh\", \"-c\", \"cron && npm start\"]\n"},
        ("!USER",),
        "it starts cron, which begins as root",
    ),
    Day(
        "an entrypoint that hands over to another user",
        {**SERVICE, "entry.sh": '#!/bin/sh\nchown -R node data\nexec gosu node "$@"\n',
         "Dockerfile": f'{BUILD}ENTRYPOINT ["./entry.sh"]\n{START}'},
        ("!USER",),
        "entry.sh begins as root on purpose",
    ),
    Day(
        "comments above the installation and above what it copies",
        {**SERVICE, "Dockerfile": f"FROM node:20\nWORKDIR /app\n# what is installed\nCOPY package*.json ./\n# all of it\nRUN npm install\nCOPY . .\nRUN npm run build\n# as nobody\nUSER node\n{START}# the end\n"},
        ("# what is installed\nCOPY package.json package-lock.json ./\n", "# all of it\nRUN --mount", "# as nobody\nUSER node\n", "# the end\n"),
    ),
    Day(
        "a workspace whose last stage already stands in the folder of the service",
        {**SOURCES, **npm({**ROOT, "scripts": {**ROOT["scripts"], "start": "npm start -w @x/api"}}), "Dockerfile": "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm install && npm run build\n"
         f"FROM node:20\nWORKDIR /app\nCOPY --from=build /app .\nWORKDIR /app/apps/api\n{START}"},
        ("!apps/api/apps/api", "\nWORKDIR /app/apps/api\n", 'CMD ["node"'),
    ),
)  # fmt: skip


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
def test_a_bad_day_breaks_nothing(day: Day, tmp_path: Path) -> None:
    rewrite = propose(evidence(write(tmp_path, {"Dockerfile": NAIVE, **day.files})), FAT)
    changed = {change.path: change.after.decode() for change in rewrite.changes}
    text = changed.get("Dockerfile", day.files["Dockerfile"])
    for wanted in day.expected:
        assert (wanted[1:] not in text) if wanted.startswith("!") else (wanted in text), text
    assert day.refused in "\n".join(refusal.reason for refusal in rewrite.refusals)


@pytest.mark.parametrize(
    "more",
    [
        {"package.json": package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "tsc -p . && node ./v.js", "start": "node dist/server.js"})["package.json"],
         "v.js": "fs.writeFileSync('dist/v.json', execSync('git rev-parse HEAD'));\n"},
        {**VITE, "vite.config.ts": "const v = execSync(`git describe`);\nexport default {};\n"},
        {**package(dev={"vite": "5.4.19", "git-rev-sync": "3.0.2"}, scripts={"build": "vite build", "start": "vite preview"}), "index.html": "x\n"},
    ],
    ids=["a script", "a configuration", "a package"],
)  # fmt: skip
def test_a_build_that_asks_git_gets_git_and_its_history(more: Mapping[str, str], tmp_path: Path) -> None:
    files = {**SERVICE, ".git/HEAD": "ref: refs/heads/main\n", "Dockerfile": BUILD + START, **more}
    rewrite = propose(evidence(write(tmp_path, files)), FAT)
    changed = {change.path: change.after.decode() for change in rewrite.changes}
    assert "\n.git\n" not in changed[".dockerignore"]
    assert changed["Dockerfile"].startswith("FROM node:20 AS build\n"), changed["Dockerfile"]


@pytest.mark.parametrize(("remove", "hidden"), [("rm service.log", False), ("rm -f service.log", True)])
def test_a_file_that_a_run_removes_by_name_is_sent(remove: str, hidden: bool, tmp_path: Path) -> None:
    files = {**JAVASCRIPT, "service.log": "x", "Dockerfile": f"{INSTALL}RUN {remove}\n{START}"}
    rewrite = propose(evidence(write(tmp_path, files)), FAT)
    ignored = next(change.after.decode() for change in rewrite.changes if change.path == ".dockerignore")
    assert ("\n*.log\n" in ignored) == hidden


def test_what_stays_of_a_php_project_leaves_nothing_for_a_second_time(tmp_path: Path) -> None:
    """Which Node it is that apt brings is not known here, so the front end is built where it was."""
    given = (
        "FROM php:8.2-apache\nRUN apt-get update && apt-get install -y unzip nodejs npm\n"
        "COPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /var/www/html\nCOPY . .\n"
        "RUN composer install\nRUN npm ci && npm run build\n"
    )
    first = propose(evidence(write(tmp_path, {**LARAVEL_FILES, "Dockerfile": given})), FAT)
    assert b"\nRUN npm ci && npm cache clean --force && npm run build\n" in first.changes[0].after
    for change in first.changes:
        (tmp_path / change.path).write_bytes(change.after)
    found = evidence(tmp_path)
    again = propose(found, (*FAT, *check(found, load_rules(examples=False))))
    assert [(change.path, change.after) for change in again.changes] == []


def test_variables_that_the_image_keeps_are_told_of(tmp_path: Path) -> None:
    source = {"src/server.ts": f"import 'dotenv/config';\n{EXPRESS['src/server.ts']}", ".env": "KEY=abcdefgh\n"}
    packages = package(prod={"express": "4.19.2", "dotenv": "16.0.0"}, **TYPESCRIPT)
    files = {**EXPRESS, **packages, **source, "Dockerfile": BUILD + START}
    notes = propose(evidence(write(tmp_path, files)), FAT).notes
    assert any(note.startswith(".env is in the image, for the service reads it") for note in notes)


def test_a_framework_that_decides_what_it_reads_is_named_for_it(tmp_path: Path) -> None:
    adapter = {"@sveltejs/kit": "2.5.0", "@sveltejs/adapter-node": "4.0.1", "vite": "5.1.0"}
    files = package(dev=adapter, prod={"pg": "8.11.3"}, scripts={"build": "vite build", "start": "node build"})
    rewrite = propose(evidence(write(tmp_path, {**files, "Dockerfile": BUILD + START})), FAT)
    told = next(done for done in rewrite.transformed if done.name == "multi-stage")
    assert told.reason.endswith("as a whole: sveltekit decides by itself what it reads")
