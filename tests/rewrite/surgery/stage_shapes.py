"""Projects whose Dockerfile has stages of its own, or cannot be taken apart, as the files they consist of."""

from collections.abc import Mapping
from pathlib import Path

from rewrite.node_shapes import EXPRESS, PLAIN, SIGTERM, TYPESCRIPT, evidence, finding, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

FOUND = (
    finding("fat-base-image", "base-swap"),
    finding("dev-deps-in-final", "prune-dev-deps"),
    finding("runs-as-root", "run-as-node"),
)
EXPRESS_FILES = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS}
PLAIN_FILES = {
    **package(prod={"ms": "2.1.3"}, dev={"eslint": "8.57.0"}, scripts={"start": "node server.js"}),
    **PLAIN,
}
IGNORED = {
    ".dockerignore": "node_modules\n.git\n.env\n.env.*\ncoverage\nlogs\n*.log\nDockerfile*\ndist\ncompose*.y*ml\n"
}

STAGES: dict[str, dict[str, str]] = {
    "typical": {
        **EXPRESS_FILES,
        "Dockerfile": """\
            # syntax=docker/dockerfile:1
            # our builder
            FROM node:20 AS builder
            WORKDIR /app
            COPY package.json ./
            # all of it
            RUN npm install
            COPY . .
            RUN npm run build

            # what runs
            FROM node:20
            WORKDIR /app
            # everything, to be sure
            COPY --from=builder /app .
            EXPOSE 3000
            HEALTHCHECK --interval=10s CMD curl -f http://localhost:3000/health || exit 1
            CMD ["npm", "start"]
            """,
    },
    "common-base": {
        **EXPRESS_FILES,
        **IGNORED,
        "Dockerfile": """\
            from node:20 as base
            workdir /app

            from base as deps
            copy package.json package-lock.json ./
            run npm ci

            from deps as build
            copy . .
            run npm run build

            from deps as test
            copy . .
            cmd ["npm", "test"]

            from base as final
            copy --from=deps /app/node_modules ./node_modules
            copy --from=build /app/dist ./dist
            copy package.json .
            cmd ["node", "dist/server.js"]
            """,
    },
    "alias": {
        **EXPRESS_FILES,
        **IGNORED,
        "Dockerfile": """\
            FROM node:20 AS build
            WORKDIR /app
            COPY . .
            RUN npm i
            RUN npm run build

            FROM build AS final
            CMD ["node", "dist/server.js"]
            """,
    },
    "nginx": {
        **EXPRESS_FILES,
        **IGNORED,
        "Dockerfile": """\
            FROM node:20 AS build
            WORKDIR /app
            COPY package*.json ./
            RUN npm install
            COPY . .
            RUN npm run build

            FROM nginx:1.25
            COPY --from=build /app/dist /usr/share/nginx/html
            """,
    },
    "distroless": {
        **EXPRESS_FILES,
        **IGNORED,
        "Dockerfile": """\
            FROM node:20-bookworm AS build
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm run build

            FROM gcr.io/distroless/nodejs20-debian12
            COPY --from=build /app /app
            WORKDIR /app
            CMD ["dist/server.js"]
            """,
    },
    "installs-twice": {
        **package(
            prod={"express": "4.19.2"},
            dev={"husky": "9.0.11", **TYPESCRIPT["dev"]},
            scripts={**TYPESCRIPT["scripts"], "prepare": "husky"},
        ),
        **EXPRESS,
        **IGNORED,
        "Dockerfile": """\
            FROM node:20-slim AS build
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY . .
            RUN npm run build

            FROM node:20-slim
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci
            COPY --from=build /app/dist ./dist
            USER node
            CMD ["node", "dist/server.js"]
            """,
    },
    "chown-layer": {
        **PLAIN_FILES,
        **IGNORED,
        "Dockerfile": """\
            FROM registry.example:5050/team/node:20 AS deps
            WORKDIR /srv/app
            COPY package*.json ./
            RUN npm install --omit=dev

            FROM node:20
            WORKDIR /srv/app
            COPY --from=deps /srv/app/node_modules ./node_modules
            COPY . .
            RUN chown -R node:node /srv/app
            USER node
            CMD node server.js
            """,
    },
    "native": {
        **package(
            prod={"bcrypt": "5.1.1"}, locked={"bcrypt": {"hasInstallScript": True}}, scripts={"start": "node server.js"}
        ),
        **PLAIN,
        **IGNORED,
        "Dockerfile": """\
            ARG NODE=20
            FROM node:${NODE} AS deps
            WORKDIR /app
            COPY package*.json ./
            RUN npm ci

            FROM node:${NODE}
            WORKDIR /app
            COPY --from=deps /app/node_modules ./node_modules
            COPY server.js .
            CMD ["node", "server.js"]
            """,
    },
    "single-stage": {
        **EXPRESS_FILES,
        "Dockerfile": """\
            FROM node:20
            WORKDIR /app
            RUN curl -sf https://example.com/licence.txt -o /etc/licence.txt
            COPY package*.json ./
            RUN npm install
            COPY . .
            RUN npm run build
            CMD npm start
            """,
    },
    "own-base": {
        **PLAIN_FILES,
        "Dockerfile": """\
            FROM registry.example:5050/base/service@sha256:0123456789012345678901234567890123456789012345678901234567890123
            WORKDIR /app
            COPY . .
            RUN npm install
            CMD ["node", "server.js"]
            """,
    },
}


def surgical(root: Path, files: Mapping[str, str]) -> Rewrite:
    """The rewrite of the files."""
    return propose(evidence(write(root, files)), FOUND)


__all__ = ["FOUND", "IGNORED", "SIGTERM", "STAGES", "surgical"]
