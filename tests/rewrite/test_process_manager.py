"""pm2's own file says what the service really starts: packages that only development has may be among it."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

SCRIPTS = {"build": "tsc -p .", "start": "node dist/server.js", "start:dev": "tsx src/server.ts"}
DEV = {"typescript": "5.4.5", "tsx": "4.19.2"}
GLOBAL = "RUN npm install -g pm2@5.4.3 nodemon\n"
BUILD = "FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
STAGES = f"{BUILD.replace('node:20', 'node:20 AS build')}FROM node:20\nWORKDIR /app\nCOPY --from=build /app ./\n"


def proposed(root: Path, files: dict[str, str], **prod: str) -> Rewrite:
    service = {**package(prod={"express": "4.19.2", **prod}, dev=DEV, scripts=SCRIPTS), **EXPRESS}
    return propose(evidence(write(root, {**service, **files})), FAT)


def pruned(root: Path, config: dict[str, str], dockerfile: str) -> bool:
    rewrite = proposed(root, {"Dockerfile": dockerfile, **config}, pm2="5.4.3")
    assert rewrite.outcome == "proposed"
    reasons = [refused.reason for refused in rewrite.refusals if refused.name == "prune-dev-deps"]
    is_pruned = "npm prune --omit=dev" in rewrite.changes[0].after.decode()
    assert is_pruned == (not any("tsx, a development dependency" in reason for reason in reasons)), reasons
    return is_pruned


@pytest.mark.parametrize("begin", [BUILD, STAGES])
@pytest.mark.parametrize(
    ("start", "config", "prunes"),
    [
        ('["npx", "pm2-runtime", "start", "ecosystem.config.js"]', "script: './dist/server.js', instances: 2", True),
        ('["npx", "pm2-runtime", "start", "ecosystem.config.js"]', "script: 'src/a.ts', interpreter: './node_modules/.bin/tsx'", False),
        ('["npx", "pm2-runtime", "start", "/app/ecosystem.config.js"]', "script: 'src/a.ts', node_args: '--import tsx/esm'", False),
        ('["npx", "pm2-runtime", "ecosystem.config.js"]', "script: 'npm', args: 'run start:dev'", False),
        ('["npx", "pm2-runtime", "ecosystem.config.js"]', "script: 'npm', args: ['run', 'start:dev']", False),
        ('["npx", "pm2-runtime", "ecosystem.config.js"]', "script: 'npm', args: 'start'", True),
        ('["npx", "pm2-runtime", "start"]', "script: `tsx`, args: 'src/server.ts'", False),  # the file's usual name
        ('["npx", "pm2-runtime", "start", "pm2.json"]', "script: 'tsx'", True),  # another file, which is not there
    ],
)  # fmt: skip
def test_what_a_program_of_pm2_starts_counts(tmp_path: Path, begin: str, start: str, config: str, prunes: bool) -> None:
    text = f"module.exports = {{ apps: [{{ name: 'api', {config} }}] }};\n"
    assert pruned(tmp_path, {"ecosystem.config.js": text}, f"{begin}CMD {start}\n") is prunes


@pytest.mark.parametrize(
    ("name", "text", "prunes"),
    [
        ("pm2.json", '{"apps": [{"script": "src/server.ts", "interpreter": "tsx"}]}\n', False),
        ("pm2.yml", "apps:\n  - script: ./src/server.ts\n    interpreter: tsx\n", False),
        ("pm2.yml", "apps:\n  - script: ./dist/server.js\n    instances: 2\n", True),
    ],
)
def test_its_data_counts_as_well(tmp_path: Path, name: str, text: str, prunes: bool) -> None:
    assert pruned(tmp_path, {name: text}, f'{BUILD}CMD ["npx", "pm2-runtime", "{name}"]\n') is prunes


def test_a_file_that_no_process_manager_reads_says_nothing(tmp_path: Path) -> None:
    config = {"ecosystem.config.js": "module.exports = { script: 'tsx' };\n"}
    assert pruned(tmp_path, config, f'{BUILD}CMD ["node", "dist/server.js"]\n')


@pytest.mark.parametrize(
    ("install", "again"),
    [
        ("RUN npm install -g pm2@5.4.3 nodemon\n", "RUN --mount=type=cache,target=/root/.npm npm install -g pm2@5.4.3\n"),
        ("RUN npm i --location=global pm2 --no-fund\n", "RUN --mount=type=cache,target=/root/.npm npm i --location=global --no-fund pm2\n"),
        ("RUN npm install -g pm2 && npm cache clean --force\n", "RUN --mount=type=cache,target=/root/.npm npm install -g pm2\n"),
    ],
)  # fmt: skip
def test_pm2_is_installed_again_where_the_service_runs(tmp_path: Path, install: str, again: str) -> None:
    dockerfile = f'{BUILD.replace("WORKDIR", f"{install}WORKDIR")}CMD ["pm2-runtime", "dist/server.js"]\n'
    rewrite = proposed(tmp_path, {"Dockerfile": dockerfile})
    assert "drop-global-tools" not in [done.name for done in rewrite.transformed]
    build, final = rewrite.changes[0].after.decode().split("\n\nFROM ")
    assert "pm2" not in build
    assert again in final
    assert final.index(again) < final.index("USER node\n")


def test_where_no_cache_can_be_mounted_its_packages_do_not_stay_twice(tmp_path: Path) -> None:
    kaniko = "build:\n  image: {name: 'gcr.io/kaniko-project/executor:debug', entrypoint: ['']}\n  script:\n    - /kaniko/executor --context . --dockerfile Dockerfile --destination a\n"
    dockerfile = f'{BUILD.replace("WORKDIR", f"{GLOBAL}WORKDIR")}CMD ["pm2-runtime", "dist/server.js"]\n'
    final = proposed(tmp_path, {"Dockerfile": dockerfile, ".gitlab-ci.yml": kaniko}).changes[0].after.decode()
    assert "\nRUN npm install -g pm2@5.4.3 && npm cache clean --force\n" in final


@pytest.mark.parametrize(
    ("install", "start"),
    [
        ("RUN npm install -g --registry https://npm.example.org pm2\n", "pm2-runtime"),  # which word is which?
        ("RUN npm install -g ./tools/pm2\n", "pm2-runtime"),
        ("RUN npm install -g --tag beta pm2\n", "pm2-runtime"),
        ("RUN npm config set registry https://npm.example.org && npm install -g pm2\n", "pm2-runtime"),
        ("RUN yarn global add pm2\n", "pm2-runtime"),
        ("RUN npm install -g fastify-cli\n", "fastify-cli"),
    ],
)
def test_what_cannot_be_installed_again_for_sure_stays_where_it_is(tmp_path: Path, install: str, start: str) -> None:
    dockerfile = f'{BUILD.replace("WORKDIR", f"{install}WORKDIR")}CMD ["{start}", "dist/server.js"]\n'
    rewrite = proposed(tmp_path, {"Dockerfile": dockerfile})
    assert any(refused.name == "multi-stage" for refused in rewrite.refusals)
