"""What each command of a RUN is for."""

import pytest

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.parser import parse
from imageopt.rewrite.commands import (
    commands_of,
    install_flags,
    installs_production_only,
    system_packages,
)


def run(text: str) -> Instruction:
    return parse(f"FROM a\nRUN {text}\n".encode()).instructions[1]


@pytest.mark.parametrize(
    ("text", "purposes"),
    [
        ("npm install", ["install"]),
        ("npm ci --omit=dev", ["install"]),
        ("npm i --registry https://r.example.com", ["install"]),
        ("NODE_ENV=development npm install", ["install"]),
        ('["npm", "ci"]', ["install"]),
        ("npm install express", ["package-change"]),
        ("npm install -g pm2@5 typescript", ["global-install"]),
        ("npm ci && npm run build; npm prune --production", ["install", "build", "prune"]),
        ("npm cache clean --force", ["nothing"]),
        ("npm config set x y", ["unknown"]),
        ("npm config set registry https://r.example.com", ["setting"]),
        ("npm config set strict-ssl=false fund=false && npm ci", ["setting", "install"]),
        ("npm -g config set @acme:registry https://r.example.com --global", ["setting"]),
        ("npm set fetch-retries 5", ["setting"]),
        ("npm config set //r.example.com/:_authToken $TOKEN", ["setting"]),
        ('echo "@acme:registry=https://r.example.com/npm/" > .npmrc', ["setting"]),
        ('echo "//r.example.com/npm/:_authToken=${CI_JOB_TOKEN}" >> ~/.npmrc && npm ci', ["setting", "install"]),
        ("printf '//r.example.com/:_authToken=%s' > .npmrc", ["setting"]),
        (r'echo "registry=https://r.example.com\nalways-auth=true\n">./.npmrc', ["setting"]),
        ("echo registry=https://r.example.com > .npmrc", ["setting"]),
        ("echo script-shell=bash > .npmrc", ["build"]),
        ("echo 'registry=a' > /etc/npmrc", ["build"]),
        ("echo 'registry=a' > .npmrc.sample", ["build"]),
        ("npm config set registry https://r.example.com script-shell=bash", ["unknown"]),
        ("npm config set", ["unknown"]),
        ("npm config get registry", ["unknown"]),
        ("npm dedupe", ["unknown"]),
        ("yarn install", ["foreign-manager"]),
        ("apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*", ["nothing", "system-install", "nothing"]),
        ("set -eux; apk add --no-cache git", ["nothing", "system-install"]),
        ("chown -R node:node /app && chmod +x run.sh", ["owner", "owner"]),
        ("mkdir -p /data", ["folder"]),
        ("rm -rf src tests", ["remove"]),
        ("rm -rf /root/.npm src", ["remove"]),
        ("useradd -m app && usermod -aG x app", ["account", "account"]),
        ("npx tsc", ["build"]),
        ("cp -r a b && node 'scripts/a && b.js'", ["build", "build"]),
        ("echo \"a; b\" > x", ["build"]),
        ("curl -fsSL https://x.example.com/install.sh | bash", ["package-change"]),
        ("cat list | xargs npm install", ["package-change"]),
        ("pip3 install awscli", ["package-change"]),
        ("if [ -f a ]; then npm run build; fi", ["unknown"]),
        ("if true; then npm ci; fi", ["package-change"]),
        ("<<EOF\nnpm ci\nEOF", ["package-change"]),
        ("<<EOF\nls\nEOF", ["unknown"]),
        ("locale-gen", ["locale"]),
        ("ldconfig", ["unknown"]),
        ("install -d x", ["unknown"]),
        ("echo 'open", ["unknown"]),
    ],
)  # fmt: skip
def test_each_command_has_a_purpose(text: str, purposes: list[str]) -> None:
    assert [command.purpose for command in commands_of(run(text))] == purposes


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("npm install --legacy-peer-deps --no-audit", ("--legacy-peer-deps", "--no-audit")),
        ("npm install --production --save-exact --omit=dev", ()),
        ("npm ci --omit dev --omit=optional", ("--omit=optional",)),
        ("npm ci --registry https://r.example.com --only=production", ("--registry", "https://r.example.com")),
        ("npm install --no-save -P --no-package-lock --include=dev", ()),
    ],
)
def test_flags_that_npm_ci_must_keep(text: str, flags: tuple[str, ...]) -> None:
    (command,) = commands_of(run(text))
    assert install_flags(command) == flags


@pytest.mark.parametrize(
    ("text", "only"),
    [("npm ci --omit=dev", True), ("npm i --production", True), ("npm i --production=false", False), ("npm ci", False)],
)
def test_whether_only_production_packages_are_installed(text: str, only: bool) -> None:
    (command,) = commands_of(run(text))
    assert installs_production_only(command) is only


def test_system_packages_lose_versions_and_flags() -> None:
    (command,) = commands_of(run("apt-get install -y --no-install-recommends git=1:2.3 libc6/stable make"))
    assert system_packages(command) == ("git", "libc6", "make")


PNPM = [
    ("pnpm install --frozen-lockfile", "install"),
    ("pnpm i", "install"),
    ("pnpm add -g pm2", "global-install"),
    ("pnpm add lodash", "package-change"),
    ("pnpm install lodash", "package-change"),
    ("pnpm build", "build"),
    ("pnpm run build", "build"),
    ("pnpm prune --prod", "prune"),
    ("pnpm --filter web build", "unknown"),
    ("pnpm deploy /out", "unknown"),
    ("pnpm store prune", "nothing"),
    ("npm install -g pnpm@8", "nothing"),
    ("npm install -g pnpm typescript", "global-install"),
    ("npm install", "foreign-manager"),
    ("npm run build", "build"),
    ("yarn build", "foreign-manager"),
    ("corepack enable", "nothing"),
]
YARN = [
    ("yarn", "install"),
    ("yarn install --immutable", "install"),
    ("yarn --frozen-lockfile", "install"),
    ("yarn --version", "nothing"),
    ("yarn global add serve", "global-install"),
    ("yarn add lodash", "package-change"),
    ("yarn build", "build"),
    ("yarn cache clean", "nothing"),
    ("yarn workspaces focus --production", "unknown"),
    ("yarn config set x y", "unknown"),
    ("yarn dlx x", "package-change"),
    ("pnpm install", "foreign-manager"),
]


@pytest.mark.parametrize(("text", "purpose"), PNPM)
def test_a_command_in_a_project_of_pnpm(text: str, purpose: str) -> None:
    assert [command.purpose for command in commands_of(run(text), "pnpm")] == [purpose]


@pytest.mark.parametrize(("text", "purpose"), YARN)
def test_a_command_in_a_project_of_yarn(text: str, purpose: str) -> None:
    assert [command.purpose for command in commands_of(run(text), "yarn")] == [purpose]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("pnpm install --frozen-lockfile --prod --ignore-scripts", ("--ignore-scripts",)),
        ("pnpm i --prefer-offline --store-dir /s", ("--store-dir", "/s")),
        ("yarn --frozen-lockfile --network-timeout 100000", ("--network-timeout", "100000")),
        ("yarn install --immutable", ()),
    ],
)
def test_flags_of_the_other_managers_that_are_kept(text: str, flags: tuple[str, ...]) -> None:
    (command,) = commands_of(run(text))
    assert install_flags(command) == flags
