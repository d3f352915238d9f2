"""Node projects of many shapes, as the files they consist of, and what the tests need around them."""

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from imageopt.dockerfile.parser import parse
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.project.read import read_project
from imageopt.rules.model import Finding, Fix, Saving, Severity

SIGTERM = "process.on('SIGTERM', () => server.close(() => process.exit(0)));\n"
TSCONFIG = '{\n  // the compiled files\n  "compilerOptions": {"outDir": "dist", "rootDir": "src",},\n  "include": ["src"],\n}\n'
TYPESCRIPT: dict[str, Any] = {
    "dev": {"typescript": "5.4.5"},
    "scripts": {"build": "tsc -p .", "start": "node dist/server.js"},
}


def package(
    *,
    prod: Mapping[str, str] | None = None,
    dev: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
    locked: Mapping[str, Mapping[str, object]] | None = None,
    **more: object,
) -> dict[str, str]:
    """package.json and a lock file that fits it; `locked` adds to the lock's entries, by package name."""
    prod, dev = dict(prod or {}), dict(dev or {})
    manifest = {"name": "shape", "version": "1.0.0", "scripts": dict(scripts or {}), **more}
    manifest |= {"dependencies": prod, "devDependencies": dev}
    entries: dict[str, object] = {
        "": {"name": "shape", "version": "1.0.0", "dependencies": prod, "devDependencies": dev}
    }
    for name, version in {**prod, **dev}.items():
        entries[f"node_modules/{name}"] = {"version": version.lstrip("^~"), **({"dev": True} if name in dev else {})}
    for name, entry in (locked or {}).items():
        before = entries.get(f"node_modules/{name}", {})
        assert isinstance(before, dict)
        entries[f"node_modules/{name}"] = {**before, **entry}
    lock = {"name": "shape", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": entries}
    return {"package.json": json.dumps(manifest, indent=2), "package-lock.json": json.dumps(lock, indent=2)}


def without_npm_lock(**more: Any) -> dict[str, str]:
    """package.json of a project that another manager locks."""
    return {"package.json": package(**more)["package.json"]}


def write(root: Path, files: Mapping[str, str]) -> Path:
    """The files, written below the root; texts are dedented, line ends kept as they are."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8", newline="")
    return root


def evidence(root: Path, dockerfile: str = "Dockerfile") -> Evidence:
    """The evidence about a project that has no image yet."""
    tree = parse((root / dockerfile).read_bytes())
    project = read_project(root, dockerfile=dockerfile)
    return Evidence(None, tree, dockerfile, project, BaseImage(None, "unknown", None), (), (), ())


def finding(
    rule: str,
    transform: str | None,
    *,
    severity: Severity = "warning",
    saving: Saving | None = None,
    files: tuple[int, ...] = (),
) -> Finding:
    """A finding as a rule would make it."""
    fix = Fix("automatic" if transform else "manual", transform, "verify", "")
    saved = saving or Saving(None, "unknown")
    return Finding(rule, "IO000", severity, "high", rule, rule, saved, None, (), (), files, fix)


FAT = (finding("single-stage-with-build", "multi-stage"), finding("runs-as-root", "run-as-node"))

EXPRESS = {
    "src/server.ts": f"""\
        import express from 'express';
        import path from 'node:path';
        const app = express();
        app.use(express.static(path.join(__dirname, '..', 'public')));
        app.get('/health', (_req, res) => res.send('ok'));
        const server = app.listen(Number(process.env.PORT ?? 3000));
        {SIGTERM}""",
    "public/index.html": "<h1>hello</h1>\n",
    "tsconfig.json": TSCONFIG,
}
PLAIN = {
    "server.js": f"""\
        const http = require('node:http');
        const server = http.createServer((_req, res) => res.end('ok')).listen(process.env.PORT || 8080);
        {SIGTERM}""",
}
NAIVE = """\
    FROM node:20
    WORKDIR /app
    COPY . .
    RUN npm install
    RUN npm run build
    EXPOSE 3000
    CMD ["npm", "start"]
    """

SHAPES: dict[str, dict[str, str]] = {
    "typescript-express": {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS, "Dockerfile": NAIVE},
    "plain-javascript": {
        **package(prod={"ms": "2.1.3"}, dev={"eslint": "8.57.0"}, scripts={"start": "node server.js"}),
        **PLAIN,
        "Dockerfile": """\
            FROM node:20-slim
            WORKDIR /srv/app
            # manifests first
            COPY package*.json ./
            RUN npm ci --no-audit && npm cache clean --force
            COPY . .
            CMD npm start
            """,
    },
    "static-assets": {
        **package(
            prod={"fastify": "4.29.1", "@fastify/static": "7.0.4"},
            dev={"vite": "5.4.0"},
            scripts={"build": "vite build --outDir public/build", "start": "node server.js"},
        ),
        "server.js": f"""\
            const path = require('path');
            const server = require('fastify')();
            server.register(require('@fastify/static'), {{ root: path.join(__dirname, 'public') }});
            server.listen({{ port: 3000, host: '0.0.0.0' }});
            {SIGTERM}""",
        "public/index.html": "<h1>hello</h1>\n",
        "client/main.js": "document.title = 'x';\n",
        "vite.config.js": "export default { root: 'client' };\n",
        "Dockerfile": NAIVE,
    },
    "bcrypt-compiles": {
        **package(
            prod={"bcrypt": "5.1.1"}, locked={"bcrypt": {"hasInstallScript": True}}, scripts={"start": "node server.js"}
        ),
        **PLAIN,
        "Dockerfile": """\
            FROM node:20-bookworm
            RUN apt-get update && apt-get install -y python3 make g++
            WORKDIR /app
            COPY . .
            RUN npm install
            CMD ["node", "server.js"]
            """,
    },
    "sharp-on-musl": {
        **package(
            prod={"sharp": "0.33.5"},
            locked={
                "sharp": {"hasInstallScript": True},
                "@img/sharp-linux-x64": {"version": "0.33.5", "os": ["linux"], "cpu": ["x64"], "optional": True},
                "@img/sharp-linuxmusl-x64": {"version": "0.33.5", "os": ["linux"], "cpu": ["x64"], "optional": True},
                "@img/sharp-darwin-arm64": {"version": "0.33.5", "os": ["darwin"], "cpu": ["arm64"], "optional": True},
            },
            scripts={"start": "node server.js"},
        ),
        **PLAIN,
        "Dockerfile": "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD node server.js\n",
    },
    "husky-prepare": {
        **package(
            prod={"express": "4.19.2"},
            dev={"typescript": "5.4.5", "husky": "9.0.11"},
            scripts={"prepare": "husky", **TYPESCRIPT["scripts"]},
        ),
        **EXPRESS,
        "Dockerfile": NAIVE,
    },
    "prepare-builds": {
        **package(
            prod={"express": "4.19.2"},
            dev={"typescript": "5.4.5"},
            scripts={"prepare": "npm run build", **TYPESCRIPT["scripts"]},
        ),
        **EXPRESS,
        "Dockerfile": NAIVE,
    },
    "esm": {
        **package(prod={"hono": "4.4.0"}, type="module", **TYPESCRIPT),
        "src/server.ts": f"""\
            import {{ readFileSync }} from 'node:fs';
            import {{ serve }} from '@hono/node-server';
            import {{ app }} from './app.js';
            const page = readFileSync(new URL('../views/page.html', import.meta.url), 'utf8');
            const server = serve({{ fetch: app.fetch, port: 4000 }});
            {SIGTERM}""",
        "src/app.ts": "import { Hono } from 'hono';\nexport const app = new Hono();\napp.get('/ping', (c) => c.text('pong'));\n",
        "views/page.html": "<p>page</p>\n",
        "tsconfig.json": TSCONFIG,
        "Dockerfile": NAIVE.replace("3000", "4000"),
    },
    "everything-declared": {
        **package(prod={"express": "4.19.2"}, **TYPESCRIPT),
        **EXPRESS,
        "docker-entrypoint.sh": '#!/bin/sh\nset -e\nexec "$@"\n',
        "Dockerfile": """\
            # syntax=docker/dockerfile:1
            ARG NODE_VERSION=20
            # the one image of this service
            FROM node:${NODE_VERSION} AS app
            ARG GIT_SHA=unknown
            LABEL revision=$GIT_SHA
            ENV NODE_ENV=production PORT=3000
            WORKDIR /usr/src/service
            COPY . .
            RUN npm install --legacy-peer-deps
            RUN npm run build && rm -rf tests
            # as the operators want it
            COPY docker-entrypoint.sh /usr/local/bin/
            VOLUME ["/usr/src/service/uploads"]
            STOPSIGNAL SIGTERM
            USER node
            EXPOSE 3000/tcp
            HEALTHCHECK --interval=30s --timeout=3s CMD curl -fsS http://localhost:${PORT}/health || exit 1
            ENTRYPOINT ["docker-entrypoint.sh"]
            CMD ["npm", "start"]
            """,
    },
    "port-80": {
        **package(prod={"express": "4.19.2"}, **TYPESCRIPT),
        **EXPRESS,
        "Dockerfile": NAIVE.replace("WORKDIR", "ENV PORT=80\n    WORKDIR").replace("EXPOSE 3000", "EXPOSE 80"),
    },
    "crlf": {
        **package(prod={"express": "4.19.2"}, **TYPESCRIPT),
        **EXPRESS,
        "Dockerfile": dedent(NAIVE).replace("\n", "\r\n"),
        ".dockerignore": "# kept\r\n.git\r\n",
    },
    "ts-node-start": {
        **package(
            prod={"express": "4.19.2"},
            dev={"ts-node": "10.9.2", "typescript": "5.4.5"},
            scripts={"start": "ts-node src/server.ts"},
        ),
        **EXPRESS,
        "Dockerfile": NAIVE.replace("    RUN npm run build\n", ""),
    },
    "no-signal-handler": {
        **package(prod={"ms": "2.1.3"}, scripts={"start": "NODE_OPTIONS=--enable-source-maps node server.js"}),
        "server.js": "require('node:http').createServer((_q, r) => r.end('ok')).listen(3000);\n",
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n",
    },
    "system-packages": {
        **package(prod={"express": "4.19.2"}, **TYPESCRIPT),
        **EXPRESS,
        "Dockerfile": """\
            FROM node:20-bookworm
            RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg git vim
            RUN npm install -g pm2 typescript
            WORKDIR /app
            COPY package.json .
            RUN npm install
            COPY . .
            RUN npm run build
            RUN chown -R node:node /app
            CMD ["node", "dist/server.js"]
            """,
    },
    "built-outside": {
        **package(prod={"express": "4.19.2"}, **TYPESCRIPT),
        **EXPRESS,
        "dist/server.js": SIGTERM,
        "Dockerfile": 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD ["node", "dist/server.js"]\n',
    },
    "writes-anywhere": {
        **package(prod={"multer": "1.4.5-lts.1"}, scripts={"start": "node server.js"}),
        "server.js": f"""\
            const fs = require('fs');
            const path = require('path');
            const uploads = process.env.UPLOADS || path.join(__dirname, 'uploads');
            fs.mkdirSync(uploads, {{ recursive: true }});
            exports.save = (name, body) => fs.writeFileSync(name, body);
            const server = require('http').createServer().listen(3000);
            {SIGTERM}""",
        "Dockerfile": 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci --omit=dev\nCMD ["npm", "run", "start"]\n',
    },
    "static-site": {
        **package(prod={"serve": "14.2.4"}, dev={"vite": "5.4.19"}, scripts={"build": "vite build"}),
        "index.html": "<h1>hello</h1>\n",
        "src/main.js": "document.title = 'x';\n",
        "Dockerfile": """\
            # the portal
            FROM node:20
            ARG VERSION=dev
            LABEL version=$VERSION
            RUN npm install -g serve
            WORKDIR /app
            COPY . .
            RUN npm install
            RUN npm run build
            ENV SITE=portal
            EXPOSE 5000
            HEALTHCHECK CMD wget -qO- http://localhost:5000/ || exit 1
            CMD ["npx", "serve", "-s", "dist", "-l", "5000"]
            """,
    },
    "static-site-previewed": {
        **package(
            dev={"vite": "5.4.19"},
            scripts={"build": "vite build --outDir web", "start": "vite preview --host --port 8081"},
        ),
        "index.html": "<h1>hello</h1>\n",
        "Dockerfile": NAIVE,
    },
    "static-site-with-rules": {
        **package(
            prod={"serve": "14.2.4"}, dev={"vite": "5.4.19"}, scripts={"build": "vite build", "start": "serve -s dist"}
        ),
        "index.html": "<h1>hello</h1>\n",
        "serve.json": '{"headers": []}\n',
        "Dockerfile": NAIVE,
    },
    "pnpm": {
        **without_npm_lock(prod={"ms": "2.1.3"}, packageManager="pnpm@9.15.9", **TYPESCRIPT),
        **EXPRESS,
        "pnpm-lock.yaml": """\
            lockfileVersion: '9.0'

            importers:

              .:
                dependencies:
                  ms:
                    specifier: 2.1.3
                    version: 2.1.3
                devDependencies:
                  typescript:
                    specifier: 5.4.5
                    version: 5.4.5

            packages:

              ms@2.1.3:
                resolution: {integrity: sha512-x}

              typescript@5.4.5:
                resolution: {integrity: sha512-y}
                engines: {node: '>=14.17'}
                hasBin: true

            snapshots:

              ms@2.1.3: {}

              typescript@5.4.5: {}
            """,
        "patches/ms@2.1.3.patch": "",
        "Dockerfile": """\
            FROM node:22
            RUN corepack enable && npm install -g pnpm
            WORKDIR /app
            COPY package.json pnpm-lock.yaml ./
            COPY patches ./patches
            RUN pnpm install
            COPY . .
            RUN pnpm build
            CMD pnpm start
            """,
    },
    "yarn": {
        **without_npm_lock(prod={"ms": "2.1.3"}, **TYPESCRIPT),
        **EXPRESS,
        "yarn.lock": """\
            # THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
            # yarn lockfile v1


            ms@2.1.3:
              version "2.1.3"
              integrity sha512-x

            typescript@5.4.5:
              version "5.4.5"
              integrity sha512-y
            """,
        "Dockerfile": """\
            FROM node:20
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN yarn --pure-lockfile --network-timeout 100000 && yarn cache clean
            COPY . .
            RUN yarn build
            CMD ["yarn", "start"]
            """,
    },
    "next-standalone": {
        **package(
            prod={"next": "14.2.35", "react": "18.3.1"},
            dev={"typescript": "5.4.5"},
            scripts={"build": "next build", "start": "next start -p 4000"},
        ),
        "next.config.mjs": 'export default { output: "standalone" };\n',
        "app/page.tsx": "export default () => null;\n",
        "public/mark.svg": "<svg/>\n",
        "Dockerfile": NAIVE,
    },
}
