"""Rules for what an installation of packages does and leaves; the plain cases are the rules' own examples."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from rules.asking import FROM, findings, places, project_with


# What others call packages (false alarm 2): the values of options, folders, scripts.
@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("npm install", True),
        ("npm i --registry https://registry.npmjs.org --loglevel verbose", True),
        ("npm --prefix web install", True),
        ("npm install --omit=dev --no-audit", True),
        ("npm run install", False),
        ("npm install /app", False),
        ("npm install ./vendor/x.tgz", False),
        ("npm install express@4", False),
        ("npm install --global serve", False),
        ("npm install --location=global serve", False),
        ("npm install --package-lock-only", False),
        ("npm ci --registry https://registry.npmjs.org", False),
        ("echo npm install", False),
        ("[ -f x ] && npm install", False),
    ],
)
def test_what_is_an_installation_of_the_project(run: str, fires: bool) -> None:
    assert bool(findings("npm-install-not-ci", f"{FROM}RUN {run}\n")) is fires


def test_the_finding_points_at_the_verb() -> None:
    (found,) = findings("npm-install-not-ci", f"{FROM}RUN echo 1 && \\\n    npm --prefix web install --no-audit\n")
    assert found.location is not None
    assert (found.location.line, found.location.column) == (3, 22)


# A cache mount over the folder, whatever its name, and a cleaning in the same RUN (false alarm 3).
@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("npm ci", True),
        ("npm install -g pm2", True),
        ("npm cache clean --force && npm ci", True),
        ("yarn global add pm2", True),
        ("yarn install --frozen-lockfile", True),
        ("yarn install --immutable", False),
        ("pnpm install", False),
        ("npm run build", False),
        ("npm ci && npm cache clean --force", False),
        ("npm ci && rm -rf ~/.npm", False),
        ("npm ci && rm -rf /root/.cache /root/.npm /tmp/*", False),
        ("yarn install --frozen-lockfile && yarn cache clean", False),
        ("npm ci --cache /tmp/none", False),
        ("npm_config_cache=/tmp/x npm ci", False),
        ("--mount=type=cache,target=/root/.npm npm ci", False),
        ("--mount=type=cache,target=/home/node/.npm,uid=1000 npm ci", False),
        ("--mount=type=cache,id=yarn,target=/y yarn install --frozen-lockfile", False),
        ("--mount=type=cache,target=/root npm ci", False),
        ("--mount=type=tmpfs,target=/root/.npm npm ci", False),
        ("--mount=type=bind,target=/root/.npm npm ci", True),
    ],
)
def test_which_downloads_stay(run: str, fires: bool) -> None:
    assert bool(findings("npm-yarn-pnpm-cache-left", f"{FROM}RUN {run}\n")) is fires


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("RUN npm ci", [2]),
        ("RUN npm ci --omit=dev", []),
        ("RUN npm ci --only=production", []),
        ("RUN npm ci --production=false", [2]),
        ("RUN NODE_ENV=production npm ci", []),
        ("ENV NODE_ENV=production\nRUN npm ci --include=dev", [3]),
        ("ENV NPM_CONFIG_OMIT=dev\nRUN npm ci", []),
        ("RUN npm ci && npm prune --production", []),
        ("RUN npm ci && NODE_ENV=production npm prune", []),
        ("RUN npm ci && npm test && rm -rf node_modules", []),
        ("RUN npm ci && rm -rf node_modules && npm ci --omit=dev", []),
        ("RUN pnpm install", [2]),
        ("RUN pnpm install --prod", []),
        ("RUN yarn install --prod", []),
        ("RUN pnpm install && pnpm prune --prod", []),
        ("RUN yarn install && yarn workspaces focus --production", []),
        ("RUN bun install --production", []),
    ],
)
def test_what_an_installation_leaves(body: str, lines: Sequence[int]) -> None:
    assert places("dev-deps-in-final", f"{FROM}{body}\n") == lines


@pytest.mark.parametrize(
    ("last", "lines"),
    [
        ("COPY --from=build /app/node_modules ./node_modules", [3]),
        ("COPY --from=build /app/ ./", [3]),
        ("COPY --from=build / /", [3]),
        ("COPY --from=build /app/dist ./dist", []),
        ("COPY --from=build $WHERE ./", []),
        ("COPY --from=build /app /app\nCOPY --from=build /app /twice", [3]),
    ],
)
def test_node_modules_of_a_stage_that_is_copied(last: str, lines: Sequence[int]) -> None:
    text = f"FROM node:22 AS build\nWORKDIR /app\nRUN npm ci\nFROM node:22-slim\n{last}\n"
    assert places("dev-deps-in-final", text) == lines


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("yarn", True),
        ("yarn --production", True),
        ("pnpm i --prod", True),
        ("pnpm install --no-frozen-lockfile", True),
        ("pnpm install --frozen-lockfile=false", True),
        ("bun install", True),
        ("bun install --production", False),
        ("yarn install --frozen-lockfile", False),
        ("yarn --immutable", False),
        ("CI=1 pnpm install", False),
        ("YARN_ENABLE_IMMUTABLE_INSTALLS=true yarn install", False),
        ("yarn --version", False),
        ("pnpm add -g serve", False),
        ("pnpm fetch", False),
        ("npm install", False),
    ],
)
def test_which_installation_holds_to_the_lock_file(run: str, fires: bool) -> None:
    assert bool(findings("install-not-frozen", f"{FROM}RUN {run}\n")) is fires


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("npm i -g yarn", True),
        ("npm install --global pnpm@latest", True),
        ("corepack prepare pnpm@latest --activate", True),
        ("npm i -g npm@10", False),
        ("corepack prepare pnpm@9.1.0 --activate", False),
        ("npm i -g pnpm@$V", False),
        ("corepack enable", False),
        ("npm i pnpm", False),
    ],
)
def test_which_package_manager_is_pinned(run: str, fires: bool) -> None:
    assert bool(findings("package-manager-unpinned", f"{FROM}RUN {run}\n")) is fires


@pytest.mark.parametrize(
    ("script", "body", "fires"),
    [
        ("tsc", "ENV NODE_ENV=production\nRUN npm ci && npm run build", True),
        ("tsc", "RUN NODE_ENV=production npm ci && npm run build", True),
        ("npm run compile", "ENV NODE_ENV=production\nRUN npm ci\nRUN npm run build", True),
        ("node make.js", "ENV NODE_ENV=production\nRUN npm ci && npm run build", False),
        ("tsc", "ARG NODE_ENV\nRUN npm ci && npm run build", False),
        ("tsc", "RUN npm ci --omit=dev && npm run build", False),
        ("tsc", "ENV NODE_ENV=production\nRUN npm ci && npm ci --include=dev && npm run build", False),
        ("tsc", "ENV NODE_ENV=production\nRUN npm ci && npm run other", False),
        (
            "tsc",
            "ENV NODE_ENV=production\nCOPY --from=deps /app/node_modules ./node_modules\nRUN npm ci && npm run build",
            False,
        ),
        ("tsc", "ENV NODE_ENV=production\nRUN npm ci && npm start", False),
    ],
)
def test_a_build_without_its_tools(script: str, body: str, fires: bool, tmp_path: Path) -> None:
    scripts = {"build": script, "compile": "tsc -p .", "start": "node x.js"}
    project = project_with(tmp_path, dev={"typescript": {}}, scripts=scripts)
    found = findings("node-env-production-before-build", f"{FROM}{body}\n", project=project)
    assert bool(found) is fires
    assert all("typescript" in finding.message for finding in found)


def test_a_tool_that_production_needs_too_is_there(tmp_path: Path) -> None:
    project = project_with(tmp_path, dev={"typescript": {}}, scripts={"build": "tsc"}, also_production=("typescript",))
    text = f"{FROM}ENV NODE_ENV=production\nRUN npm ci && npm run build\n"
    assert findings("node-env-production-before-build", text, project=project) == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("COPY package.json ./\nRUN npm ci", [2]),
        ("COPY package.json package-lock.json ./\nRUN npm ci", []),
        ("COPY *.json ./\nRUN npm ci", []),
        ("COPY package.json ${LOCK} ./\nRUN npm ci", []),
        ("COPY package.json ./\nCOPY . .\nRUN npm ci", []),
        ("COPY package.json ./\nRUN npm run x", []),
        ("COPY package.json ./\nRUN --mount=type=bind,source=package-lock.json,target=package-lock.json npm ci", []),
        ("COPY --from=other /app/ ./\nCOPY package.json ./\nRUN npm ci", []),
    ],
)
def test_a_lock_file_that_is_left_behind(body: str, lines: Sequence[int], tmp_path: Path) -> None:
    project = project_with(tmp_path, dependencies={"express": {}})
    assert places("lockfile-missing-or-not-copied", f"{FROM}{body}\n", project) == lines


def test_a_lock_file_that_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("package-lock.json\n")
    project = project_with(tmp_path, dependencies={"express": {}})
    (found,) = findings("lockfile-missing-or-not-copied", f"{FROM}COPY package*.json ./\nRUN npm ci\n", project=project)
    assert "left out by the ignore file" in found.message
