"""Each reason why a line is left as it is, with the Dockerfile that it is told of."""

from pathlib import Path

import pytest
from rewrite.node_shapes import TYPESCRIPT, evidence, finding, package, write
from rewrite.surgery.stage_shapes import EXPRESS_FILES, FOUND, IGNORED, PLAIN_FILES

from imageopt.rewrite.propose import propose
from imageopt.rules.check import judge
from imageopt.rules.load import load_rules

BUILD = """\
FROM node:20 AS build
WORKDIR /app
COPY package*.json ./
RUN npm ci
COPY . .
RUN npm run build
"""
WHOLE = 'FROM node:20\nWORKDIR /app\nCOPY --from=build /app .\nCMD ["node", "dist/server.js"]\n'
PARTS = """\
FROM node:20
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
CMD ["node", "dist/server.js"]
"""


def told(root: Path, dockerfile: str, **files: str) -> list[tuple[str, str]]:
    """What is not done, as name and reason."""
    rewrite = propose(evidence(write(root, {**EXPRESS_FILES, **IGNORED, **files, "Dockerfile": dockerfile})), FOUND)
    return [(refusal.name, refusal.reason) for refusal in rewrite.refusals]


NARROW = {
    "a later RUN": (BUILD, f"{WHOLE}RUN node tools/seed.js\n", "line 9: line 11 may need any of what is copied"),
    "another folder": (
        BUILD.replace("RUN npm run", "WORKDIR /app/web\nRUN npm run"),
        WHOLE.replace("/app .", "/app/web ."),
        "line 10: it installs in /app and builds in /app/web",
    ),
    "a stage that is not understood": (
        BUILD.replace("COPY . .", "COPY . .\nRUN make-it-so"),
        WHOLE,
        "line 10: what stage build does is not fully understood",
    ),
    "no build": (
        BUILD.replace("RUN npm run build\n", "RUN node gen.js\n"),
        WHOLE,
        "line 9: the built folder is copied as a whole: it does not run the build of package.json",
    ),
}


@pytest.mark.parametrize("name", sorted(NARROW))
def test_a_whole_folder_stays(tmp_path: Path, name: str) -> None:
    build, final, reason = NARROW[name]
    assert ("narrow-copies", reason) in told(tmp_path, build + final)


def test_a_whole_folder_stays_for_what_compose_runs(tmp_path: Path) -> None:
    compose = "services:\n  seed:\n    build: .\n    command: [node, scripts/seed.js]\n"
    found = told(tmp_path, BUILD + WHOLE, **{"compose.yml": compose, "scripts/seed.js": ""})
    assert (
        "narrow-copies",
        "line 9: the built folder is copied as a whole: compose.yml:4 runs `node scripts/seed.js` in it",
    ) in found


PRUNE = {
    "two stages": (
        f"{BUILD}FROM build AS other\nRUN npm install\n{PARTS}COPY --from=other /app/node_modules /b/node_modules\n",
        "line 11: packages come from more than one stage",
    ),
    "another user": (
        f"{BUILD}USER nobody\n{PARTS}",
        "line 10: stage build ends as nobody, to whom the packages do not belong",
    ),
    "a stage without a name": (
        BUILD.replace(" AS build", "")
        + "FROM alpine AS test\nCOPY --from=0 /app /app\n"
        + PARTS.replace("=build", "=0"),
        "line 11: the stage on line 1 is used elsewhere, and has no name to build on",
    ),
    "each name is taken": (
        f"{BUILD}FROM build AS production\nFROM build AS prod-deps\nFROM build AS runtime-deps\n{PARTS}",
        "line 12: each name for a stage of its own is taken",
    ),
    "an argument": (
        f"{BUILD}{PARTS}".replace("/app/node_modules ./", "$X/node_modules ./"),
        "line 9: what is copied rests on a build argument",
    ),
    "built in what is shipped": (
        f"FROM node:20 AS empty\nRUN true\n{BUILD.replace(' AS build', '')}CMD node dist/server.js\n",
        "line 6: the image that is shipped builds the application itself",
    ),
    "another manager": (
        f"{BUILD.replace('npm ci', 'yarn')}{PARTS}",
        "line 9: npm has no way to leave only production packages",
    ),
}


@pytest.mark.parametrize("name", sorted(PRUNE))
def test_packages_for_development_stay(tmp_path: Path, name: str) -> None:
    dockerfile, reason = PRUNE[name]
    assert ("prune-dev-deps", reason) in told(tmp_path, dockerfile)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (package(prod={"express": "4.19.2"}, workspaces=["a"], **TYPESCRIPT), "a workspace of several packages"),
        (
            package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"start": "tsc --watch"}),
            "what is started calls typescript, a development dependency",
        ),
    ],
)
def test_packages_stay_in_projects_that_need_them(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    found = told(tmp_path, f"{BUILD}{PARTS}".replace('["node", "dist/server.js"]', "npm start"), **files)
    assert any(name == "prune-dev-deps" and reason in each for name, each in found)


def test_a_script_that_calls_a_development_package_keeps_it(tmp_path: Path) -> None:
    scripts = {**TYPESCRIPT["scripts"], "postinstall": "tsc --version"}
    files = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts=scripts)
    final = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "dist/server.js"]\n'
    reason = "line 10: the script postinstall of package.json calls typescript, a development dependency"
    assert ("prune-dev-deps", reason) in told(tmp_path, BUILD + final, **files)


def test_packages_that_others_are_built_on_stay(tmp_path: Path) -> None:
    shared = "FROM node:20 AS base\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM base AS test\nRUN npm test\n"
    found = told(tmp_path, f'{shared}FROM base\nCMD ["node", "dist/server.js"]\n')
    assert ("prune-dev-deps", "line 4: other stages are built on these packages as well") in found


BASE = {
    "a file of another image": ("COPY --from=busybox /bin/sh /s", "alpine: line 11 copies from busybox, and what"),
    "a tool for Debian": ("RUN apt-get update", "alpine: line 11 calls apt-get"),
    "a tool of the full image": ("RUN git --version", "slim: line 11 calls git"),
    "an unknown tool": ("RUN frobnicate", "slim: line 11: whether `frobnicate` works there is not known"),
}


@pytest.mark.parametrize("name", sorted(BASE))
def test_the_base_stays(tmp_path: Path, name: str) -> None:
    line, reason = BASE[name]
    found = told(tmp_path, f"{BUILD}{PARTS.replace('CMD', f'{line}{chr(10)}CMD')}")
    assert any(each.startswith(f"line 7: {reason}") for _, each in found), found


def test_the_base_that_a_build_shares_must_hold_what_it_needs(tmp_path: Path) -> None:
    files = package(
        prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "git rev-parse HEAD && tsc"}
    )
    shared = f"FROM node:20 AS base\nWORKDIR /app\n{BUILD.replace('node:20', 'base')}{PARTS.replace('node:20', 'base')}"
    reasons = [each for name, each in told(tmp_path, shared, **files) if name == "base-swap"]
    assert reasons[-1] == "line 1: slim: stage build builds with a program that only the full image holds"


def test_a_shared_base_must_be_able_to_compile(tmp_path: Path) -> None:
    files = package(prod={"bcrypt": "5.1.1"}, locked={"bcrypt": {"hasInstallScript": True}}, **TYPESCRIPT)
    shared = f"FROM node:20 AS base\nWORKDIR /app\n{BUILD.replace('node:20', 'base')}{PARTS.replace('node:20', 'base')}"
    reason = "a package may have to be compiled where it is installed, and no smaller image has a compiler"
    assert ("base-swap", f"line 1: slim: {reason}") in told(tmp_path, shared, **files)


@pytest.mark.parametrize(
    ("extra", "files", "name", "reason"),
    [
        ("EXPOSE 80\n", {}, "run-as-node", "it listens on port 80, which outside of Docker only root may"),
        (
            'COPY run.sh /run.sh\nENTRYPOINT ["/run.sh"]\n',
            {"run.sh": '#!/bin/sh\nexec gosu node "$@"\n'},
            "run-as-node",
            "run.sh begins as root on purpose",
        ),
    ],
)
def test_the_user_stays(tmp_path: Path, extra: str, files: dict[str, str], name: str, reason: str) -> None:
    assert (name, reason) in told(tmp_path, f"{BUILD}{PARTS}{extra}", **files)


def test_a_start_that_needs_npm_stays(tmp_path: Path) -> None:
    scripts = {"build": "tsc", "start": "node dist/server.js", "prestart": "echo hello"}
    files = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts=scripts)
    found = told(tmp_path, f"{BUILD}{PARTS}".replace('["node", "dist/server.js"]', "npm start"), **files)
    assert ("exec-form-start", "line 11: prestart runs with start") in found


def test_node_env_is_not_set_where_something_is_built(tmp_path: Path) -> None:
    files = {
        **PLAIN_FILES,
        **IGNORED,
        "Dockerfile": "FROM node:20 AS a\nRUN true\nFROM a\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
    }
    found = propose(evidence(write(tmp_path, files)), (*FOUND, finding("node-env-not-production", "node-env")))
    assert [refusal.name for refusal in found.refusals if refusal.name == "node-env"]


def test_variables_of_the_start_script_become_the_image_s(tmp_path: Path) -> None:
    scripts = {"build": "tsc", "start": "NODE_ENV=production PORT=3000 node dist/server.js"}
    files = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts=scripts)
    dockerfile = f"{BUILD}{PARTS}".replace('["node", "dist/server.js"]', "npm start")
    rewrite = propose(evidence(write(tmp_path, {**EXPRESS_FILES, **IGNORED, **files, "Dockerfile": dockerfile})), FOUND)
    ends = b'USER node\nENV NODE_ENV=production PORT=3000\nCMD ["node", "dist/server.js"]\n'
    assert rewrite.changes[0].after.endswith(ends)


WASTE = """\
FROM node:20-slim AS deps
WORKDIR /srv/app
COPY package*.json ./
RUN npm ci --omit=dev

FROM node:20-slim
# for the clock
RUN apt-get update && apt-get install -y --no-install-recommends tzdata
WORKDIR /srv/app
COPY --from=deps /srv/app/node_modules ./node_modules
COPY . .
RUN chown -R node:node /srv/app
USER node
CMD ["node", "server.js"]
"""


def test_waste_in_what_is_shipped_goes_by_small_edits(tmp_path: Path) -> None:
    found = evidence(write(tmp_path, {**PLAIN_FILES, **IGNORED, "Dockerfile": WASTE}))
    rewrite = propose(found, judge(found, load_rules(examples=False)).findings)
    text = rewrite.changes[0].after.decode()
    assert "tzdata && rm -rf /var/lib/apt/lists/*\n" in text
    assert "COPY --chown=node:node . .\nRUN chown node:node /srv/app\n" in text
    assert {"drop-caches", "copy-chown"} <= {done.name for done in rewrite.transformed}
    assert text.startswith(WASTE[: WASTE.index("# for the clock")])


@pytest.mark.parametrize(
    ("name", "lock", "before", "after"),
    [
        ("pnpm", "lockfileVersion: '9.0'\n", "RUN pnpm i", "RUN pnpm i --frozen-lockfile"),
        ("yarn", "# yarn lockfile v1\n", "RUN yarn", "RUN yarn install --frozen-lockfile"),
    ],
)
def test_other_managers_hold_to_their_lock(tmp_path: Path, name: str, lock: str, before: str, after: str) -> None:
    manifest = package(
        scripts={"start": "node server.js"}, packageManager=f"{name}@{'9.1.0' if name == 'pnpm' else '1.22.22'}"
    )
    locked = "pnpm-lock.yaml" if name == "pnpm" else "yarn.lock"
    text = lock + ("\nimporters:\n\n  .: {}\n" if name == "pnpm" else "")
    files = {"package.json": manifest["package.json"], locked: text, "server.js": PLAIN_FILES["server.js"], **IGNORED}
    dockerfile = f'FROM node:20 AS a\nWORKDIR /app\nCOPY . .\n{before}\nFROM node:20\nWORKDIR /app\nCOPY --from=a /app .\nCMD ["node", "server.js"]\n'
    rewrite = propose(evidence(write(tmp_path, {**files, "Dockerfile": dockerfile})), FOUND)
    assert f"\n{after}\n" in rewrite.changes[0].after.decode()
