"""What automatic fixers of Dockerfiles were seen to break, each with the input that broke them, and what can be told
of a rewrite before anything is built.

Each project is rewritten as a whole and mended finding by finding; both must be harmless. Texts in a case must be in
the result, those after a `!` must not. A rewrite that is refused leaves the text as it was.
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from msgspec import Struct, field
from rewrite.fixing import mend
from rewrite.node_shapes import EXPRESS, FAT, PLAIN, SIGTERM, TYPESCRIPT, evidence, package, write

from imageopt.rewrite.propose import propose

SERVICE = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS}
JAVASCRIPT = {**package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"}), **PLAIN}
INSTALL = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\n"
BUILD = f"{INSTALL}RUN npm run build\n"
DEBIAN = "FROM debian:12\n"


class Case(Struct, frozen=True):
    """`rewritten`: what the restructured Dockerfile has, and with `!` what it has not; `mended` the same of `--fix`."""

    name: str
    files: Mapping[str, str]
    rewritten: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    refused: str | None = None  # a part of the reason
    target: str = "auto"
    also: Mapping[str, str] = field(default_factory=dict)  # files that come on top


def vite(**more: str) -> dict[str, str]:
    files = package(
        dev={"vite": "5.4.19"}, prod={"serve": "14.2.4"}, scripts={"build": "vite build", "start": "serve -s dist"}
    )
    return {**files, "index.html": "x\n", "Dockerfile": f'{BUILD}CMD ["npm", "start"]\n', **more}


def following(version: str, **more: str) -> dict[str, str]:
    """A Next application with a complete server as its output."""
    files = package(prod={"next": version}, scripts={"build": "next build", "start": "next start"})
    config = {"next.config.js": "module.exports = { output: 'standalone' };\n", "pages/index.js": "x\n"}
    return {**files, **config, "Dockerfile": f'{BUILD}CMD ["npm", "start"]\n', **more}


def native(name: str, version: str, **entry: object) -> dict[str, str]:
    """A service with one production package that the lock file tells more of."""
    files = package(prod={name: version}, scripts={"start": "node server.js"}, locked={name: entry})
    return {**files, **PLAIN, "Dockerfile": f"{INSTALL}CMD node server.js\n"}


def bound(*variants: str) -> dict[str, str]:
    """A service with a package for single platforms, of which the lock file holds these."""
    locked = {
        name: {"version": "2.0.0", "optional": True, "os": ["linux"], "cpu": ["arm64" if "arm64" in name else "x64"]}
        for name in variants
    }
    files = package(prod={"@node-rs/argon2": "2.0.0"}, scripts={"start": "node server.js"}, locked=locked)
    return {**files, **PLAIN, "Dockerfile": f"{INSTALL}CMD node server.js\n"}


BROKEN_BY_OTHERS = [
    # dockershrink
    Case(
        "the output of a build is copied beside its folder",
        {**SERVICE, "Dockerfile": f'{BUILD}ENTRYPOINT ["node", "dist/server.js"]\n'},
        ("/app/dist ./dist", 'ENTRYPOINT ["node", "dist/server.js"]', "!/app/dist ./\n", "!/app/dist .\n"),
    ),
    *(
        Case(
            f"the last stage is {what}",
            {**SERVICE, "Dockerfile": f"{BUILD.replace('node:20', 'node:20 AS build')}FROM {last}\n{rest}"},
            (f"FROM {last}",),
            (f"FROM {last}",),
        )
        for what, last, rest in (
            ("another program's", "nginx:1.25", "COPY --from=build /app/dist /usr/share/nginx/html\n"),
            ("distroless", "gcr.io/distroless/nodejs20-debian12", 'COPY --from=build /app /app\nCMD ["/app/dist/server.js"]\n'),
            ("another stage's alias", "build AS final", 'CMD ["node", "dist/server.js"]\n'),
        )
    ),
    Case(
        "a suffix that is not known keeps the version",
        {**SERVICE, "Dockerfile": BUILD.replace("node:20", "node:20-trixie") + "CMD npm start\n"},
        ("FROM node:20-", "!FROM node:alpine", "!FROM node:slim", "!bookworm"),
        ("FROM node:20-trixie",),
    ),
    *(
        Case(
            f"an image named {name[:24]}",
            {**SERVICE, "Dockerfile": BUILD.replace("node:20", name) + "CMD npm start\n"},
            (f"FROM {name}",),
            (f"FROM {name}",),
        )
        for name in ("registry.local:5050/team/node:18", f"node:20@sha256:{'a' * 64}", "localhost:5000/node")
    ),
    Case("no tool is added to the build", {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"}, ("!depcheck", "!npx"), ("!depcheck",)),
    # fly's generator
    Case("the running service is not root", {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"}, ("\nUSER node\n",)),
    Case(
        "a cache is mounted where npm has it",
        {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"},
        ("target=/root/.npm ", "!/app/.npm"),
        ("!/app/.npm",),
    ),
    Case(
        "a folder that is not there is not copied",
        following("14.2.35"),
        ("/app/.next/standalone ./", "!public", "!prune"),
    ),
    Case("a folder that is there is copied", following("14.2.35", **{"public/a.svg": "x"}), ("/app/public ./public",)),
    Case(
        "Next 9 is older than Next 12",
        following("9.5.5"),
        ("!standalone", "/app ./"),
    ),
    Case("a page's address that is no file gets the start page", vite(), ("try_files $uri $uri/ /index.html;",)),
    Case(
        "a browser that is installed stays where it is looked for",
        native("puppeteer", "22.0.0", hasInstallScript=True),
        ("FROM node:20\n", "!--from", "!USER"),
    ),
    Case(
        "a browser that nobody downloads stands in no way",
        {
            **native("puppeteer", "22.0.0", hasInstallScript=True),
            "Dockerfile": INSTALL.replace("WORKDIR", "ENV PUPPETEER_SKIP_DOWNLOAD=1\nWORKDIR") + "CMD npm start\n",
        },
        ("--from=build", "USER node"),
    ),
    Case(
        "a browser that the Dockerfile asks for",
        {**JAVASCRIPT, "Dockerfile": f"{INSTALL}RUN npx playwright install chromium\nCMD npm start\n"},
        ("FROM node:20\n", "!--from", "!USER"),
    ),
    Case(
        "a token does not get into the running image",
        {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n", ".npmrc": "//registry.npmjs.org/:_authToken=npm_abc\n"},
        ("!.npmrc ./\nFROM", "USER node"),
    ),
    Case("the service is started and not npm", {**SERVICE, "Dockerfile": f"{BUILD}CMD npm run start\n"}, ('CMD ["node", "dist/server.js"]',)),
    # dockerfile-doctor
    Case(
        "development packages are there for the build",
        {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"},
        ("\nFROM node:20-alpine\nENV NODE_ENV=production\n",),
        ("!ENV NODE_ENV=production\nWORKDIR", "!NODE_ENV=production\nRUN npm"),
    ),
    Case(
        "NODE_ENV that comes too early",
        {**SERVICE, "Dockerfile": BUILD.replace("WORKDIR", "ENV NODE_ENV=production\nWORKDIR") + "CMD npm start\n"},
        ("npm ci\nENV NODE_ENV=production\n",),
    ),
    Case(
        "a cd holds for its command alone",
        {**SERVICE, "Dockerfile": f'{BUILD}RUN cd dist && ls\nCMD ["node", "dist/server.js"]\n'},
        ("!WORKDIR /dist", "!WORKDIR dist", 'CMD ["node", "dist/server.js"]'),
        ("!WORKDIR /dist", "!WORKDIR dist", "RUN cd dist && ls"),
    ),
    Case(
        "a slim image has no curl",
        {"Dockerfile": "FROM debian:12-slim\nADD https://example.com/a.tar.gz /opt/\nCMD [\"a\"]\n"},
        mended=("ADD https://example.com/a.tar.gz /opt/", "!curl", "!wget"),
    ),
    Case(
        "a tool for everybody is no installation of the project",
        {**SERVICE, "Dockerfile": f'{BUILD}RUN npm install -g pm2@5\nCMD ["pm2-runtime", "dist/server.js"]\n'},
        ("!npm ci -g",),
        ("npm install -g pm2@5", "!npm ci -g"),
    ),
    Case(
        "no user is guessed, and no label made up",
        {"Dockerfile": f"{DEBIAN}RUN apt-get update && apt-get install -y nginx\nCMD [\"nginx\"]\n"},
        mended=("!USER", "!LABEL", "!MAINTAINER"),
    ),
    # dockerfile-hardener
    Case(
        "an archive is unpacked by ADD alone",
        {"Dockerfile": f"{DEBIAN}ADD vendor.tar.gz /opt/\nADD config.json /etc/app/\nCMD [\"a\"]\n", "vendor.tar.gz": "x", "config.json": "{}"},
        mended=("ADD vendor.tar.gz /opt/", "COPY config.json /etc/app/"),
    ),
    Case(
        "a user that the image does not have",
        {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"},
        ("!nonroot", "!nobody"),
        ("!nonroot", "!nobody"),
    ),
    Case(
        "no probe of a port that nobody named",
        {**SERVICE, "Dockerfile": f"{BUILD}EXPOSE 3000\nCMD npm start\n"},
        ("!HEALTHCHECK", "!8080"),
        ("!HEALTHCHECK", "!8080"),
    ),
    # containerizeme
    Case(
        "packages of the system are installed once",
        {"Dockerfile": f"{DEBIAN}RUN apt-get install curl\nCMD [\"curl\"]\n"},
        mended=("curl", "!apt-get install apt-get"),
    ),
    # docker-opt
    *(
        Case(f"a project that is none of Node's: {name}", {name: text, "Dockerfile": dockerfile}, refused="package.json", rewritten=(dockerfile,))
        for name, text, dockerfile in (
            ("main.go", "package main\n", "FROM golang:1.22\nCOPY . /src\nRUN go build -o /app /src\nCMD [\"/app\"]\n"),
            ("Cargo.toml", "[package]\n", "FROM rust:1\nCOPY . .\nRUN cargo build\nCMD [\"target/debug/a\"]\n"),
        )
    ),
    # dockermind
    Case(
        "the output is where tsconfig.json says",
        {**SERVICE, "tsconfig.json": '{"compilerOptions": {"outDir": "lib", "rootDir": "src"}, "include": ["src"]}', "Dockerfile": f'{BUILD}CMD ["node", "lib/server.js"]\n'},
        ("/app/lib ./lib", "!dist"),
    ),
    # dockerfile-parse
    Case(
        "a FROM in a heredoc starts no stage",
        {**SERVICE, "Dockerfile": f"{BUILD}RUN <<EOF\nFROM=a\nFROM scratch\nEOF\nCMD npm start\n"},
        ("!FROM scratch AS", "!COPY --from=scratch"),
        ("RUN <<EOF\nFROM=a\nFROM scratch\nEOF\n",),
    ),
]  # fmt: skip

TOLD_BEFORE_BUILDING = [
    Case("H1 an install script that nobody knows", native("odd", "1.0.0", hasInstallScript=True), ("!alpine", "FROM node:20-slim")),
    Case("H1 an install script that only prints", native("core-js", "3.0.0", hasInstallScript=True), ("FROM node:20-alpine",)),
    Case("H1 compiled without an install script", native("addon", "1.0.0", dependencies={"nan": "*"}), ("!alpine",)),
    Case("H2 no variant for musl", bound("@node-rs/argon2-linux-x64-gnu"), ("!alpine", "FROM node:20-slim")),
    Case("H2 a variant for musl", bound("@node-rs/argon2-linux-x64-gnu", "@node-rs/argon2-linux-x64-musl"), ("FROM node:20-alpine",)),
    Case(
        "H3 a lock file that drifted",
        {**SERVICE, "package-lock.json": package(prod={"express": "5.0.0"}, **TYPESCRIPT)["package-lock.json"], "Dockerfile": f"{BUILD}CMD npm start\n"},
        ("!npm ci",), ("!npm ci",), refused="does not fit package.json",
    ),
    Case(
        "H4 packages of another machine",
        {
            **bound("@node-rs/argon2-linux-x64-gnu", "@node-rs/argon2-linux-x64-musl"),
            "Dockerfile": f"{INSTALL}COPY node_modules ./node_modules\nCMD node server.js\n",
        },
        ("!alpine", "!--from"),
    ),
    Case(
        "H4 packages that were compiled for another C library",
        native("bcrypt", "5.1.1", hasInstallScript=True),
        ("FROM node:20 AS build", "FROM node:20-slim\n"),
    ),
    Case("H4 one suite of Debian for both stages", {**SERVICE, "Dockerfile": BUILD.replace("node:20", "node:20-bullseye") + "CMD npm start\n"}, ("FROM node:20-bullseye AS build", "FROM node:20-bullseye-slim\n"), target="slim"),
    Case("H5 what is copied is in the stage", {**SERVICE, "Dockerfile": f"{BUILD}CMD npm start\n"}, ("--from=build", " AS build", "/app/public ./public", "!views")),
    Case(
        "H6 a service that a development tool runs",
        {**package(prod={"ms": "2.1.3"}, dev={"ts-node": "10.9.2"}, scripts={"start": "ts-node server.ts", "build": "echo"}), "server.ts": SIGTERM, "Dockerfile": f"{BUILD}CMD npm start\n"},
        ("!npm prune", "!NODE_ENV"),
    ),
    Case(
        "H6 a development tool that is started with arguments",
        {
            **package(prod={"ms": "2.1.3"}, dev={"tsx": "4.0.0"}, scripts={"dev": "tsx server.ts", "build": "echo"}),
            "server.ts": SIGTERM,
            "Dockerfile": f'{BUILD}CMD ["npm", "run", "dev", "--", "--port", "80"]\n',
        },
        ("!npm prune", "!NODE_ENV"),
    ),
    Case(
        "H2 a development tool runs the service, and has no variant for musl",
        {
            **package(
                dev={"tsx": "4.0.0", "@swc/core": "1.7.0"},
                scripts={"start": "tsx server.ts", "build": "echo"},
                locked={"@swc/core-linux-x64-gnu": {"version": "1.7.0", "dev": True, "os": ["linux"], "cpu": ["x64"]}},
            ),
            "server.ts": SIGTERM,
            "Dockerfile": f"{BUILD}CMD npm start\n",
        },
        ("!alpine", "FROM node:20-slim"),
    ),
    Case(
        "a static site that is started with arguments",
        {
            **vite(),
            "Dockerfile": f'{BUILD}CMD ["npm", "run", "preview", "--", "--host", "0.0.0.0"]\n',
            "package.json": vite()["package.json"].replace('"start": "serve -s dist"', '"preview": "vite preview"'),
        },
        ("listen 4173;", "USER nginx"),
    ),
    *(
        Case(
            f"H6 nest start compiles first: {what}",
            {
                **package(
                    prod={"@nestjs/core": "12.0.1"},
                    dev={"@nestjs/cli": "12.0.0"},
                    scripts={"build": "nest build", "start": "nest start", "start:prod": "node dist/main"},
                ),
                "nest-cli.json": "{}",
                "tsconfig.json": '{"compilerOptions": {"outDir": "./dist"}}',
                "src/main.ts": source,
                "Dockerfile": f"{build}CMD npm start\n",
            },
            expected,
        )
        for what, source, build, expected in (
            ("npm ends when asked", "", BUILD, ("npm prune", "/app/dist ./dist", 'CMD ["npm", "run", "start:prod"]')),
            ("so does it", "app.enableShutdownHooks()", BUILD, ("npm prune", 'CMD ["node", "dist/main"]')),
            ("nothing is built before", "", INSTALL, ("!npm prune", "CMD npm start")),
        )
    ),
    Case(
        "H6 a script that runs before the service",
        {**package(prod={"ms": "2.1.3"}, scripts={"prestart": "node migrate.js", "start": "node server.js"}), **PLAIN, "migrate.js": "", "Dockerfile": f'{INSTALL}CMD ["npm", "start"]\n'},
        ('CMD ["npm", "start"]',),
    ),
    Case(
        "H7 everything that is said of the running container",
        {**SERVICE, "Dockerfile": f'{BUILD}ARG REVISION\nENV REV=$REVISION\nLABEL a="b c"\nEXPOSE 3000\nVOLUME /data\nSTOPSIGNAL SIGINT\nHEALTHCHECK CMD ["node", "-e", "0"]\nENTRYPOINT ["docker-entrypoint.sh"]\nCMD ["node", "dist/server.js"]\n'},
        ("FROM node:20-alpine\nARG REVISION\n", "\nENV REV=$REVISION\n", 'LABEL a="b c"', "EXPOSE 3000", "VOLUME /data", "STOPSIGNAL SIGINT", 'HEALTHCHECK CMD ["node", "-e", "0"]', 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["node", "dist/server.js"]'),
    ),
    Case(
        "H8 a stage that compose names",
        {**SERVICE, "Dockerfile": BUILD.replace("node:20", "node:20 AS production") + "CMD npm start\n"},
        ("FROM node:20-alpine AS production\n",),
        ("AS production",),
        also={"compose.yml": "services:\n  web:\n    build: {context: ., target: production}\n"},
    ),
    Case(
        "H8 a last stage that is called build",
        {**SERVICE, "Dockerfile": BUILD.replace("node:20", "node:20 AS build") + "CMD npm start\n"},
        (" AS builder\n", "FROM node:20-alpine AS build\n", "--from=builder"),
    ),
    *(
        Case(
            f"H9 a builder that knows no {what}: {builder}",
            {**files, "Dockerfile": f"{BUILD}CMD [\"npm\", \"start\"]\n"},
            (absent,),
            (absent,),
            also={".gitlab-ci.yml": pipeline},
        )
        for what, files, absent in (("mounts", SERVICE, "!--mount"), ("heredocs", vite(), "!<<"))
        for builder, pipeline in (
            ("kaniko", "publish:\n  image: {name: 'gcr.io/kaniko-project/executor:debug', entrypoint: ['']}\n  script:\n    - /kaniko/executor --context . --dockerfile Dockerfile --destination a\n"),
            ("without BuildKit", "publish:\n  image: docker:20\n  variables: {DOCKER_BUILDKIT: '0'}\n  script:\n    - docker build -t a .\n"),
        )
    ),
    Case("H11 a start script for bash", {**JAVASCRIPT, "run.sh": '#!/bin/bash\n[[ -n $A ]] && exec "$@"\n', "Dockerfile": f'{INSTALL}ENTRYPOINT ["./run.sh"]\nCMD ["node", "server.js"]\n'}, ("!alpine",)),
    Case("H11 bash in the start command", {**JAVASCRIPT, "run.sh": "exec node server.js\n", "Dockerfile": f'{INSTALL}CMD ["bash", "run.sh"]\n'}, ("!alpine",)),
    Case("H11 a shell that the file chooses", {**JAVASCRIPT, "Dockerfile": f'{INSTALL}SHELL ["/bin/bash", "-c"]\nCMD node server.js\n'}, ("!alpine",)),
    Case(
        "H12 one answer for every processor",
        bound("@node-rs/argon2-linux-x64-gnu", "@node-rs/argon2-linux-x64-musl", "@node-rs/argon2-linux-arm64-gnu"),
        ("!alpine", "FROM node:20-slim"),
        also={".gitlab-ci.yml": "publish:\n  script:\n    - docker buildx build --platform linux/amd64,linux/arm64 --push -t a .\n"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", [*BROKEN_BY_OTHERS, *TOLD_BEFORE_BUILDING], ids=lambda case: case.name)
def test_nothing_is_broken(case: Case, tmp_path: Path) -> None:
    before = dedent(case.files["Dockerfile"])
    found = evidence(write(tmp_path, {**case.files, "Dockerfile": before, **case.also}))
    rewrite = propose(found, FAT, target=case.target)
    if case.refused is not None:
        assert rewrite.outcome == "refused"
        assert any(case.refused in refusal.reason for refusal in rewrite.refusals)
    for way, changes, expected in (
        ("rewritten", rewrite.changes, case.rewritten),
        ("mended", mend(before, evidence=found).changes, case.mended),
    ):
        text = next((change.after.decode() for change in changes if change.path == "Dockerfile"), before)
        for part in expected:
            assert (part.removeprefix("!") in text) != part.startswith("!"), f"{way}, {part}:\n{text}"
