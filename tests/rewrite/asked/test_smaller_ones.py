"""Browsers, Prisma, Turborepos, PHP on alpine and Laravel's caches: before and after, and why not."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
from rewrite.asking import asked, reason_of, text_of
from rewrite.node_shapes import package

PUPPETEER = {**package(prod={"puppeteer": "24.0.0"}), "a.js": ""}
OLD = {**package(prod={"puppeteer": "19.2.0"}), "a.js": "launch({executablePath: '/usr/bin/chromium'})"}
PLAYWRIGHT = {**package(prod={"playwright": "1.49.0"}), "a.js": "await chromium.launch({ args: ['--no-sandbox'] });\n"}
INSTALL = "FROM node:22\nRUN npm ci && npx playwright install {rest}\n"
PRISMA = {
    **package(prod={"@prisma/client": "6.1.0"}, dev={"prisma": "6.1.0"}, scripts={"start": "node a.js", "gen": "prisma generate"}),
    "a.js": "",
}  # fmt: skip
PHP = {"composer.json": "{}", "index.php": "<?php echo 1;"}
LARAVEL = {
    "composer.json": json.dumps({"require": {"laravel/framework": "^11"}}),
    "artisan": "",
    "routes/web.php": "<?php",
}
REPO = {
    "package.json": json.dumps({"name": "root", "workspaces": ["apps/*"], "devDependencies": {"turbo": "2.3.0"}}),
    "turbo.json": "{}",
    "apps/web/package.json": json.dumps({"name": "web", "version": "1.0.0"}),
    "package-lock.json": json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"workspaces": ["apps/*"], "devDependencies": {"turbo": "2.3.0"}},
                "apps/web": {"name": "web", "version": "1.0.0"},
                "node_modules/turbo": {"version": "2.3.0", "dev": True},
                "node_modules/web": {"resolved": "apps/web", "link": True},
            },
        }
    ),
}
BROWSER = "FROM node:22-slim\nRUN apt-get update && apt-get install -y chromium\n"
CHOSEN = "ENV PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium\n"
STAGES = """\
FROM node:22 AS build
WORKDIR /app
RUN npm ci && {generate}
RUN npm prune --omit=dev

FROM node:22-slim
COPY --from=build /app/node_modules ./node_modules
CMD {command}
"""
REMOVED = " ".join(
    f"/app/node_modules/{name}"
    for name in (
        "prisma", "@prisma/engines", "@prisma/fetch-engine", "@prisma/get-platform", "@prisma/engines-version", ".bin/prisma",
    )
)  # fmt: skip
TURBO = """\
# the app
FROM node:22 AS build
WORKDIR /app
COPY . .
RUN npm ci
RUN npx turbo run build --filter=web
CMD ["node", "apps/web/server.js"]
"""
PRUNED = """\
FROM node:22 AS pruner
WORKDIR /app
COPY . .
RUN npx --yes turbo@2.3.0 prune web --docker

# the app
FROM node:22 AS build
WORKDIR /app
COPY --from=pruner /app/out/json/ ./
COPY --from=pruner /app/out/package-lock.json ./
RUN npm ci
COPY --from=pruner /app/out/full/ ./
RUN npx turbo run build --filter=web
CMD ["node", "apps/web/server.js"]
"""
CACHES = "RUN php artisan event:cache && php artisan route:cache && php artisan view:cache\n"


@pytest.mark.parametrize(
    ("name", "files", "before", "after"),
    [
        (
            "system-browser",
            PUPPETEER,
            f"{BROWSER}{CHOSEN}RUN npm ci\nRUN npm i x\n",
            f"{BROWSER}{CHOSEN}ENV PUPPETEER_SKIP_DOWNLOAD=true\nRUN npm ci\nRUN npm i x\n",
        ),
        (
            "system-browser",
            OLD,
            f"{BROWSER}RUN npm ci\n",
            f"{BROWSER}ENV PUPPETEER_SKIP_DOWNLOAD=true PUPPETEER_SKIP_CHROMIUM_DOWNLOAD=true\nRUN npm ci\n",
        ),
        ("headless-shell", PLAYWRIGHT, INSTALL.format(rest="--with-deps chromium"), INSTALL.format(rest="--only-shell --with-deps chromium")),
        (
            "headless-shell",
            {**PLAYWRIGHT, "a.js": "chromium.launch();\nchromium.launchServer({headless: true, port: 1},)"},
            "FROM node:22\nRUN npx playwright@1.50.1 install chromium --force && ls\nRUN npx playwright install-deps chromium\n",
            "FROM node:22\nRUN npx playwright@1.50.1 install --only-shell chromium --force && ls\nRUN npx playwright install-deps chromium\n",
        ),
        (
            "prisma-engines",
            PRISMA,
            STAGES.format(generate="npm run gen", command='["node", "a.js"]'),
            STAGES.format(generate="npm run gen", command='["node", "a.js"]').replace(
                "--omit=dev\n", f"--omit=dev\nRUN rm -rf {REMOVED}\n"
            ),
        ),
        ("turbo-prune", REPO, TURBO, PRUNED),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nRUN docker-php-ext-install pdo_mysql\n", "FROM php:8.3-fpm-alpine\nRUN docker-php-ext-install pdo_mysql\n"),
        ("php-alpine", PHP, 'FROM php:8.3-cli-bookworm AS a\nCMD ["php"]\n', 'FROM php:8.3-cli-alpine AS a\nCMD ["php"]\n'),
        ("php-alpine", PHP, "FROM php\n", "FROM php:alpine\n"),
        ("php-alpine", PHP, "FROM docker.io/library/php:latest\n", "FROM docker.io/library/php:alpine\n"),
        ("php-alpine", PHP, "FROM php:trixie\n", "FROM php:alpine\n"),
        ("php-alpine", PHP, "FROM php:8-fpm\nCOPY --from=composer /usr/bin/composer /bin/\n", "FROM php:8-fpm-alpine\nCOPY --from=composer /usr/bin/composer /bin/\n"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-cli AS a\nWORKDIR /a\nCOPY [\".\", \"/a/\"]\nFROM a\nRUN ls\n", f"FROM php:8.3-cli AS a\nWORKDIR /a\nCOPY [\".\", \"/a/\"]\nFROM a\nRUN ls\n{CACHES}"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nCOPY --from=a /a /var/www/html\n", f"FROM php:8.3-fpm\nCOPY --from=a /a /var/www/html\n{CACHES}"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nCOPY . .\nUSER www-data\n", f"FROM php:8.3-fpm\nCOPY . .\n{CACHES}USER www-data\n"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nCOPY . .", f"FROM php:8.3-fpm\nCOPY . .\n{CACHES}"),
    ],
)  # fmt: skip
def test_before_and_after(tmp_path: Path, name: str, files: dict[str, str], before: str, after: str) -> None:
    found = asked(tmp_path, name, before, files)
    assert text_of(found) == dedent(after)
    assert found.transformed[-1].name == name


@pytest.mark.parametrize(
    ("name", "files", "dockerfile", "reason"),
    [
        ("system-browser", PRISMA, "FROM node:22\n", "no production package downloads a browser"),
        ("system-browser", PUPPETEER, "FROM node:22\nRUN npm ci\n", "the final image installs no browser"),
        ("system-browser", PUPPETEER, f"{BROWSER}RUN npm ci\n", "nothing tells Puppeteer to start chromium"),
        ("system-browser", PUPPETEER, f"{BROWSER}{CHOSEN}ENV PUPPETEER_SKIP_DOWNLOAD=1\nRUN npm ci\n", "each installation"),
        ("headless-shell", PUPPETEER, INSTALL.format(rest="chromium"), "no production package is Playwright's library"),
        ("headless-shell", package(prod={"playwright-core": "1.48.2"}), INSTALL.format(rest="chromium"), 'playwright-core 1.48.2 has no headless shell of its own'),
        ("headless-shell", PLAYWRIGHT, "FROM node:22\nRUN npm ci\n", 'no RUN calls `playwright install`'),
        ("headless-shell", PLAYWRIGHT, INSTALL.format(rest=""), 'line 2 of the proposed Dockerfile installs another browser than Chromium'),
        ("headless-shell", PLAYWRIGHT, INSTALL.format(rest="chromium firefox"), 'line 2 of the proposed Dockerfile installs another browser'),
        ("headless-shell", PLAYWRIGHT, INSTALL.format(rest="--no-shell chromium"), 'line 2 of the proposed Dockerfile installs another browser'),
        ("headless-shell", PLAYWRIGHT, "FROM node:22\nRUN npx playwright@1.40.0 install chromium\n", 'line 2 of the proposed Dockerfile: playwright 1.40.0 is'),
        ("headless-shell", PLAYWRIGHT, INSTALL.format(rest="chromium") + "ENV PWDEBUG=1\n", 'PWDEBUG starts the browser with a window'),
        ("headless-shell", {**package(prod={"playwright": "1.49.0", "crawlee": "3.0.0"}, locked={"crawlee": {"dependencies": {"playwright": "*"}}}), "a.js": "chromium.launch()"}, INSTALL.format(rest="chromium"), 'crawlee starts the browser by itself, and may want it whole'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "exists(chromium.executablePath())"}, INSTALL.format(rest="chromium"), 'a.js asks for the path of the browser'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "\nchromium.launch(options)"}, INSTALL.format(rest="chromium"), 'a.js:2: which browser launch starts is not written out'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "chromium.launch({ ...options })"}, INSTALL.format(rest="chromium"), 'a.js:1: which browser launch starts is not written out'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "chromium.launch({ args: of(x) })"}, INSTALL.format(rest="chromium"), 'a.js:1: which browser launch starts is not written out'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "chromium.launchPersistentContext({})"}, INSTALL.format(rest="chromium"), 'a.js:1: which browser launchPersistentContext starts'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "chromium.launch({ headless })"}, INSTALL.format(rest="chromium"), 'a.js:1: what is given to launch may start the whole browser'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "chromium.launch({ channel: 'chromium' })"}, INSTALL.format(rest="chromium"), 'a.js:1: what is given to launch may start the whole browser'),
        ("headless-shell", {**PLAYWRIGHT, "a.js": "import('playwright')"}, INSTALL.format(rest="chromium"), 'no source starts a browser, so which one is started is not known'),
        ("prisma-engines", PUPPETEER, "FROM node:22\n", "the service uses no Prisma client"),
        ("prisma-engines", package(prod={"@prisma/client": "7.0.0"}), "FROM node:22\n", "from version 7 on"),
        ("prisma-engines", PRISMA, "FROM node:22\nRUN npm ci\n", "node_modules do not come from one build stage"),
        ("prisma-engines", PRISMA, STAGES.format(generate="ls", command='["node", "a.js"]'), "no RUN of the stage calls"),
        (
            "prisma-engines",
            PRISMA,
            STAGES.format(generate="npm run gen", command="npx prisma migrate deploy && node a.js"),
            "line 8 of the proposed Dockerfile calls the command line of Prisma",
        ),
        (
            "prisma-engines",
            {**PRISMA, "start.sh": "npx prisma migrate deploy\n"},
            STAGES.format(generate="npm run gen", command='["node", "a.js"]'),
            "start.sh calls the command line of Prisma in the container",
        ),
        (
            "prisma-engines",
            {**PRISMA, "compose.yml": "services:\n  m:\n    build: .\n    command: prisma db push\n"},
            STAGES.format(generate="npm run gen", command='["node", "a.js"]'),
            "compose.yml:4 calls the command line of Prisma in the container",
        ),
        ("turbo-prune", PRISMA, TURBO, "the project is no workspace that turbo"),
        ("turbo-prune", {**REPO, "tsconfig.json": "{}"}, TURBO, "tsconfig.json in the root would not be pruned along"),
        ("turbo-prune", {**REPO, "turbo.json": '{"globalDependencies": ["x"]}'}, TURBO, "what turbo.json names as"),
        ("turbo-prune", REPO, TURBO.replace("AS build", "AS pruner"), "there is a stage pruner already"),
        ("turbo-prune", REPO, TURBO.replace("COPY . .", "COPY apps apps"), "no stage copies the whole workspace"),
        ("turbo-prune", REPO, TURBO.replace("RUN npm ci", "RUN npm ci && npm run build"), "no stage copies the whole"),
        ("turbo-prune", REPO, "FROM node:22\nCOPY . .\nRUN npm ci\n", "which app of the workspace the Dockerfile builds"),
        ("php-alpine", PHP, "FROM node:22\n", "line 1 of the proposed Dockerfile: the final stage is not built on"),
        ("php-alpine", PHP, "FROM php:8.3-fpm-alpine\n", "the final stage is on alpine already"),
        ("php-alpine", PHP, "FROM php:8.3-apache\n", "there is no alpine image of PHP with Apache"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nRUN apt-get update\n", "line 2 of the proposed Dockerfile: apt-get is"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nRUN docker-php-ext-install gd\n", "line 2 of the proposed Dockerfile: gd"),
        (
            "php-alpine",
            PHP,
            "FROM a AS e\nFROM php:8.3-fpm\nCOPY --from=e /usr/local/lib/php /usr/local/lib/php\n",
            "line 3 of the proposed Dockerfile: what is copied there is compiled for Debian",
        ),
        ("php-alpine", {**PHP, "b.php": "<?php setlocale(LC_ALL, 'de');"}, "FROM php:8.3-fpm\n", "b.php calls setlocale"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nCOPY --chown=33:33 . .\n", "line 2 of the proposed Dockerfile: 33 is"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nUSER 33\n", "line 2 of the proposed Dockerfile: 33 is"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nRUN adduser --system --group a\n", "line 2 of the proposed Dockerfile: adduser"),
        ("php-alpine", PHP, "FROM php:8.3-fpm\nCOPY --from=node /usr/local/bin/node /bin/\n", "line 2 of the proposed Dockerfile: what"),
        ("php-alpine", PHP, "FROM php:8.3-fpm AS a\nFROM a AS a2\nFROM php:8.3-fpm AS b\nFROM b\n", "line 4 of the proposed Docker"),
        ("laravel-caches", LARAVEL, "FROM nginx:alpine\nCOPY . .\n", "whether the final image has PHP"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nCOPY . /srv/app\n", "whether the final image has PHP"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nCOPY routes .\n", "whether the final image has PHP"),
        ("php-alpine", {**PHP, "b.sh": "#!/bin/bash\n"}, "FROM php:8.3-fpm\n", "b.sh is written for bash"),
        ("laravel-caches", PHP, "FROM php:8.3-fpm\nCOPY . .\n", "it is no Laravel project"),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\n", "the final stage copies nothing"),
        ("laravel-caches", LARAVEL, f"FROM php:8.3-fpm\nCOPY . .\n{CACHES}", "line 3 of the proposed Dockerfile compiles"),
        ("laravel-caches", {**LARAVEL, "run.sh": "php artisan optimize"}, "FROM php:8.3-fpm\nCOPY . .\n", "run.sh compiles"),
        (
            "laravel-caches",
            {**LARAVEL, "compose.yml": "services:\n  a:\n    build: .\n    command: php artisan view:clear\n"},
            "FROM php:8.3-fpm\nCOPY . .\n",
            "compose.yml:4 compiles or clears them already",
        ),
        (
            "laravel-caches",
            {**LARAVEL, "routes/api.php": "<?php Route::domain(env('HOST'));"},
            "FROM php:8.3-fpm\nCOPY . .\n",
            "routes/api.php calls env()",
        ),
        ("laravel-caches", LARAVEL, "FROM php:8.3-fpm\nUSER www-data\nCOPY . .\n", "line 2 of the proposed Dockerfile: wheth"),
    ],
)  # fmt: skip
def test_why_not(tmp_path: Path, name: str, files: dict[str, str], dockerfile: str, reason: str) -> None:
    assert reason_of(asked(tmp_path, name, dockerfile, files)).startswith(reason)


@pytest.mark.parametrize(
    ("name", "base", "files"),
    [
        ("php-alpine", "php:8.3-fpm", PHP),
        ("distroless", "node:22-slim", {**package(prod={"express": "4.0.0"}), "a.js": ""}),
    ],
)
def test_what_another_stage_is_built_on_keeps_its_image(
    tmp_path: Path, name: str, base: str, files: dict[str, str]
) -> None:
    text = f'FROM {base} AS app\nCMD ["node", "a.js"]\n\nFROM app AS check\nRUN ls\n'
    assert reason_of(asked(tmp_path, name, text, files, target="app")) == "another stage is built on the final one"
    alone = asked(tmp_path, name, text.replace("FROM app", f"FROM {base}"), files, target="app")
    assert alone.outcome == "proposed"


def test_bun_has_no_npx_to_call_turbo_with(tmp_path: Path) -> None:
    lock = {
        "lockfileVersion": 1,
        "workspaces": {"": {"name": "root", "devDependencies": {"turbo": "2.3.0"}}, "apps/web": {"name": "web"}},
        "packages": {"turbo": ["turbo@2.3.0", "", {}, "sha512-a"], "web": ["web@workspace:apps/web"]},
    }
    files = {name: text for name, text in REPO.items() if name != "package-lock.json"} | {"bun.lock": json.dumps(lock)}
    text = "FROM oven/bun:1\nWORKDIR /app\nCOPY . .\nRUN bun install\nRUN bun run --cwd apps/web build\n"
    reason = "line 1 of the proposed Dockerfile: turbo is called with npx, which an image of Bun has not"
    assert reason_of(asked(tmp_path, "turbo-prune", text, files)) == reason


NX = {
    **REPO,
    "nx.json": "{}",
    "package.json": json.dumps({"name": "root", "workspaces": ["apps/*"], "devDependencies": {"nx": "21.3.0"}}),
    "package-lock.json": REPO["package-lock.json"].replace("turbo", "nx").replace("2.3.0", "21.3.0"),
}
PRUNE = {"prune": {"executor": "nx:noop"}}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (REPO, "the project is no workspace that nx of its lock file runs"),
        ({k: v.replace("21.3.0", "20.8.1") for k, v in NX.items()}, "nx 20.8.1 prunes only as an option of the app's"),
        (NX, "apps/web defines no target prune (@nx/js:prune-lockfile and @nx/js:copy-workspace-modules)"),
        (
            {**NX, "apps/web/project.json": json.dumps({"targets": PRUNE})},
            "apps/web/project.json defines how it is pruned",
        ),
        ({**NX, "nx.json": json.dumps({"targetDefaults": PRUNE})}, "nx.json defines how it is pruned; which packages"),
        (
            {**NX, "apps/web/package.json": json.dumps({"name": "web", "version": "1.0.0", "nx": {"targets": PRUNE}})},
            "apps/web/package.json defines how it is pruned; which packages are left is computed by nx's plugins",
        ),
    ],
)
def test_pruning_by_nx_is_never_written_and_the_reason_is_what_is_missing(
    tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npx nx build web\n"
    assert reason_of(asked(tmp_path, "nx-prune", text, files)).startswith(reason)


def test_nx_prunes_nothing_for_an_app_that_is_not_known_or_with_bun(tmp_path: Path) -> None:
    text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
    reason = "which app of the workspace the Dockerfile builds is not known"
    assert reason_of(asked(tmp_path / "npm", "nx-prune", text, NX)) == reason
    lock = {
        "lockfileVersion": 1,
        "workspaces": {"": {"name": "root", "devDependencies": {"nx": "21.3.0"}}, "apps/web": {"name": "web"}},
        "packages": {"nx": ["nx@21.3.0", "", {}, "sha512-a"], "web": ["web@workspace:apps/web"]},
    }
    files = {name: made for name, made in NX.items() if name != "package-lock.json"} | {"bun.lock": json.dumps(lock)}
    reason = "nx writes no lock file of Bun for what it prunes"
    assert reason_of(asked(tmp_path / "bun", "nx-prune", text, files)) == reason
