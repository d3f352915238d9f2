"""Node rules where an image, a project or several stages decide; the plain cases are the rules' own examples."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.image.elf import ElfFacts
from imageopt.image.model import Image, NpmPackage, SystemPackage
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding

RULES = {rule.name: rule for rule in load_rules()}
TOKEN = "npm_" + "a1B2" * 9
FROM = "FROM node:22-slim\n"
TWO = ("base", "RUN /bin/sh -c ./install.sh # buildkit")
INSTALL = f"{FROM}RUN ./install.sh\n"


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


# Names that promise no secret (false alarm 10), and values that the shell never puts in.
@pytest.mark.parametrize(
    "body",
    [
        "ARG NPM_AUTH_MODE\nRUN npm ci",
        "ENV SSH_AUTH_SOCK=/agent NPM_TOKEN_FILE=/run/secrets/t NPM_USER=me",
        "ARG NPM_TOKEN",
        'ENV NPM_TOKEN=""',
        "RUN echo '//r/:_authToken=${NPM_TOKEN}' > .npmrc",
        'RUN echo "//r/:_authToken=\\${NPM_TOKEN}" > .npmrc',
        'RUN echo "//r/:_authToken=$T" > .npmrc && npm ci && rm .npmrc',
        'RUN npm config set "//r/:_authToken" "$T" && npm ci && npm logout',
        "RUN echo _authToken=$T",
        "RUN cat <<'EOF' > .npmrc\n//r/:_authToken=${T}\nEOF",
        "COPY .npmrc ./\nRUN npm ci",
        "RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci",
    ],
)
def test_no_token_is_exposed(body: str) -> None:
    assert findings("npm-token-exposed", f"{FROM}{body}\n") == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("ARG NPM_TOKEN\nRUN npm ci", (2, 5)),
        ("ENV CI=1 NODE_AUTH_TOKEN=$T", (2, 10)),
        ('RUN echo "//r/:_authToken=$T" > .npmrc && npm ci', (2, 10)),
        ("RUN npm config set //r/:_authToken=$(cat /run/secrets/t)", (2, 20)),
        ("RUN npm config set //r/:_authToken ${T}", (2, 20)),
        ('RUN printf "npmAuthToken: ${T}" > .yarnrc.yml', (2, 12)),
        ("RUN cat <<EOF > .npmrc\n//r/:_authToken=${T}\nEOF", (3, 6)),
        ("COPY <<EOF /root/.npmrc\n//r/:_authToken=${T}\nEOF", (3, 6)),
        ("COPY .npmrc ./\nRUN npm ci\nRUN rm -f .npmrc", (2, 6)),
        (f"RUN echo '//r/:_authToken={TOKEN}' > .npmrc && rm .npmrc", (2, 27)),
    ],
)
def test_a_token_is_exposed(body: str, place: tuple[int, int]) -> None:
    (found,) = findings("npm-token-exposed", f"{FROM}{body}\n")
    assert found.location is not None
    assert (found.location.line, found.location.column) == place
    assert found.severity == "error"


def test_a_token_is_never_repeated() -> None:
    text = f"{FROM}ENV NPM_TOKEN={TOKEN}\nRUN echo '_authToken={TOKEN}' > .npmrc\n"
    found = findings("npm-token-exposed", text)
    assert [finding.location.line for finding in found if finding.location] == [2, 3]
    assert TOKEN not in repr(found)


def test_a_token_of_a_stage_that_is_not_shipped_counts_where_it_stands_in_the_file() -> None:
    text = f"FROM node:22 AS build\nRUN npm config set //r/:_authToken={TOKEN}\n{FROM}COPY . .\n"
    assert places("npm-token-exposed", text) == [2]


@pytest.mark.parametrize(("given", "count"), [("|1 NPM_TOKEN=s3cret /bin/sh -c npm ci", 1), ("/bin/sh -c npm ci", 0)])
def test_the_history_shows_whether_a_token_was_given(given: str, count: int) -> None:
    made = image(("base", f"RUN {given} # buildkit"))
    found = findings("npm-token-exposed", f"{FROM}ARG NPM_TOKEN\nRUN npm ci\n", made)
    assert len(found) == count
    assert "s3cret" not in repr(found)


def test_the_environment_of_an_image_alone() -> None:
    made = image(("base",), env=("NPM_TOKEN=s3cret", "PATH=/bin", "NODE_AUTH_TOKEN="))
    (found,) = check(join(made, None, None), [RULES["npm-token-exposed"]])
    assert "NPM_TOKEN" in found.message
    assert "s3cret" not in found.message


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("//r/:_authToken=0123456789abcdef", (".npmrc",)),
        ("; //r/:_authToken=0123456789abcdef", ()),
        ("//r/:_authToken=${NPM_TOKEN}\n//r/:always-auth=true", ()),
        ('//r/:_password="cGFzc3dvcmQ="', (".npmrc",)),
        ("registry=https://npm.example.com/", ()),
    ],
)
def test_settings_in_which_a_token_stands(settings: str, found: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(settings)
    assert read_project(tmp_path).token_files == found


def test_an_ignored_file_with_a_token_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("//r/:_authToken=0123456789abcdef")
    text = f"{FROM}COPY . .\n"
    assert len(findings("npm-token-exposed", text, project=read_project(tmp_path))) == 1
    (tmp_path / ".dockerignore").write_text(".npmrc")
    assert findings("npm-token-exposed", text, project=read_project(tmp_path)) == []


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
    ("start", "fires"),
    [
        ('CMD ["npm", "start"]', True),
        ("CMD npm run start", True),
        ('ENTRYPOINT ["npm", "start"]', True),
        ('ENTRYPOINT ["dumb-init", "--"]\nCMD ["npm", "start"]', False),
        ('CMD ["npm", "start"]\nCMD ["node", "x.js"]', False),
        ('CMD ["npm", "ci"]', False),
    ],
)
def test_what_process_1_is(start: str, fires: bool) -> None:
    assert bool(findings("npm-start-as-pid1", f"{FROM}{start}\n")) is fires


@pytest.mark.parametrize("name", ["npm", "pnpm", "yarn"])
def test_process_1_is_named(name: str) -> None:
    (finding,) = findings("npm-start-as-pid1", f'{FROM}CMD ["{name}", "start"]\n')
    assert finding.message.startswith(f"{name} is process 1")


@pytest.mark.parametrize(
    ("start", "runner", "server"),
    [
        ('CMD ["nodemon", "x.js"]', True, False),
        ('CMD ["sh", "-c", "npx nodemon x.js"]', True, False),
        ('CMD ["pnpm", "exec", "ts-node", "x.ts"]', True, False),
        ('CMD ["node", "--watch", "x.js"]', True, False),
        ('CMD ["node", "-r", "ts-node/register", "x.ts"]', True, False),
        ("CMD next dev", True, False),
        ("CMD exec ./node_modules/.bin/vite --host", True, False),
        ("CMD yarn start:dev", True, False),
        ("CMD vite preview", False, True),
        ("CMD npx -y serve -s build", False, True),
        ('ENTRYPOINT ["http-server"]\nCMD ["dist"]', False, True),
        ("CMD node nodemon.js", False, False),
        ("CMD next start", False, False),
        ("CMD yarn deploy", False, False),
        ("CMD []", False, False),
        ("CMD 'unbalanced", False, False),
    ],
)
def test_what_a_container_starts(start: str, runner: bool, server: bool) -> None:
    assert bool(findings("dev-runner-in-cmd", f"{FROM}{start}\n")) is runner
    assert bool(findings("static-frontend-on-node-image", f"{FROM}{start}\n")) is server


def test_files_served_on_another_base_are_another_matter() -> None:
    assert findings("static-frontend-on-node-image", 'FROM debian:13\nCMD ["serve", "-s"]\n') == []


def test_packages_beside_a_bundle_in_bytes() -> None:
    records = [
        record("app/.output/server/index.mjs", 1, 1),
        record("app/.output/server/node_modules/vue/a.js", 2, 1),
        record("app/node_modules/vue/a.js", 4, 1),
        record("srv/node_modules/vue/a.js", 8, 1),
    ]
    assert [f.saving.bytes for f in findings("bundled-app-ships-node-modules", INSTALL, image(TWO, records))] == [4]


def test_packages_copied_beside_a_bundle() -> None:
    text = (
        "FROM node:22 AS build\nRUN npm ci\nFROM node:22-slim\nCOPY --from=build /app/node_modules ./node_modules\n"
        'CMD ["node", ".next/standalone/server.js"]\n'
    )
    assert places("bundled-app-ships-node-modules", text) == [4]


def test_puppeteers_browser_beside_the_distributions_in_bytes() -> None:
    records = [record("root/.cache/puppeteer/chrome/x", 100, 1), record("app/node_modules/puppeteer/x.js", 1, 1)]
    npm = (NpmPackage("puppeteer", "23", "app/node_modules/puppeteer", 1, False),)
    alone = image(TWO, records, npm=npm)
    beside = image(TWO, records, npm=npm, system=(system("chromium"),))
    assert findings("browser-download-in-image", INSTALL, alone) == []
    assert [f.saving.bytes for f in findings("browser-download-in-image", INSTALL, beside)] == [100]


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("npx playwright install", True),
        ("npx -y playwright@1.50.0 install --with-deps", True),
        ("./node_modules/.bin/playwright install", True),
        ("npx playwright install firefox", False),
        ("npx playwright install-deps", False),
        ("npm install playwright", False),
        ("[ -n $E2E ] && npx playwright install", False),
    ],
)
def test_playwright_without_the_name_of_a_browser(run: str, fires: bool) -> None:
    assert bool(findings("browser-download-in-image", f"{FROM}RUN {run}\n")) is fires
    assert findings("browser-download-in-image", f"FROM mcr.microsoft.com/playwright:v1\nRUN {run}\n") == []


def test_the_toolchain_in_bytes_names_what_it_was_for(tmp_path: Path) -> None:
    locked = {"a": {"hasInstallScript": True}, "b{x}": {"hasInstallScript": True}, "c": {}}
    project = project_with(tmp_path, dependencies=locked)
    records = [record("usr/bin/make", 5, 1), record("usr/bin/gcc", 6, 1)]
    owners = {"usr/bin/make": "make", "usr/bin/gcc": "gcc"}
    npm = (NpmPackage("a", "1", "app/node_modules/a", 1, False),)
    made = image(TWO, records, npm=npm, owners=owners, system=(system("make"), system("gcc")))
    (found,) = findings("node-gyp-toolchain-in-final", INSTALL, made, project)
    assert found.saving.bytes == 11
    assert found.message.endswith("Only the installation of a, b{x} may need them.")


@pytest.mark.parametrize(
    ("path", "fires"),
    [
        ("@esbuild/win32-x64/esbuild.exe", True),
        ("@esbuild/linux-arm64/bin/esbuild", True),
        ("@esbuild/linux-x64/bin/esbuild", False),
        ("@next/swc-linux-x64-musl/next.node", True),
        ("@next/swc-linux-x64-gnu/next.node", False),
        ("@img/sharp-linux-x64/lib/sharp.node", False),
        ("utp-native/prebuilds/darwin-x64/node.napi.node", True),
        ("utp-native/prebuilds/darwin-x64+arm64/node.napi.node", True),
        ("utp-native/prebuilds/linux-x64/node.napi.node", False),
        ("utp-native/prebuilds/linux-arm64/node.napi.node", True),
        ("is-windows/index.js", False),
        ("express/lib/darwin-x64/index.js", False),
    ],
)
def test_which_files_are_for_another_platform(path: str, fires: bool) -> None:
    records = [
        record("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", 1, 0),
        record(f"app/node_modules/{path}", 200_000, 1),
    ]
    assert bool(findings("foreign-platform-binaries", INSTALL, image(TWO, records))) is fires


@pytest.mark.parametrize(
    ("path", "shim", "fires"),
    [
        ("bcrypt/build/Release/bcrypt.node", "", True),
        ("bcrypt/build/Release/bcrypt.node", "gcompat", False),
        ("bcrypt/prebuilds/linux-x64/bcrypt.node", "", False),
        ("@next/swc-linux-x64-gnu/next.node", "", False),
        ("x/lib/binding.glibc.node", "", False),
    ],
)
def test_an_addon_for_glibc_on_musl(path: str, shim: str, fires: bool) -> None:
    where = f"app/node_modules/{path}"
    made = image(
        TWO, [record("lib/ld-musl-x86_64.so.1", 1, 0), record(where, 70, 1)], system=(system(shim),) if shim else ()
    )
    made = replace(made, elf={where: ElfFacts("amd64", "", ("libc.so.6",), "2.34", static=False)})
    assert [f.saving.bytes for f in findings("alpine-native-mismatch", INSTALL, made)] == ([70] if fires else [])


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


def findings(rule: str, text: str, made: Image | None = None, project: Project | None = None) -> list[Finding]:
    return list(check(join(made, parse(text.encode()), project), [RULES[rule]], now=date(2026, 6, 1)))


def places(rule: str, text: str, project: Project | None = None) -> list[int]:
    return [found.location.line for found in findings(rule, text, project=project) if found.location is not None]


def system(name: str) -> SystemPackage:
    return SystemPackage("dpkg", name, "1", name, 0, 1, automatic=False, depends=(), recommends=())


def project_with(
    folder: Path,
    *,
    dependencies: dict[str, dict[str, bool]] | None = None,
    dev: dict[str, dict[str, bool]] | None = None,
    scripts: dict[str, str] | None = None,
    also_production: Sequence[str] = (),
) -> Project:
    """A project of npm's with a lock file that fits."""
    needs, tools = dependencies or {}, dev or {}
    named = {"dependencies": dict.fromkeys(needs, "1.0.0"), "devDependencies": dict.fromkeys(tools, "1.0.0")}
    packages: dict[str, object] = {"": {"name": "a", **named}}
    packages |= {f"node_modules/{name}": {"version": "1.0.0", **more} for name, more in needs.items()}
    for name in tools:
        packages[f"node_modules/{name}"] = {"version": "1.0.0", "dev": name not in also_production}
    (folder / "package.json").write_text(json.dumps({"name": "a", "scripts": scripts or {}, **named}))
    (folder / "package-lock.json").write_text(json.dumps({"name": "a", "lockfileVersion": 3, "packages": packages}))
    return read_project(folder)
