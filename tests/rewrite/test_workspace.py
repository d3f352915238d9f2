"""Rewrites of one package of a workspace: what is installed, built and copied for it, and what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rewrite.node_shapes import FAT, SIGTERM, evidence, write

from imageopt.project.manifest import manifest_of
from imageopt.project.model import Member
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rewrite.workspace import Part, built_by
from imageopt.rewrite.workspace_layout import gathered

TSCONFIG = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}, "include": ["src"]}'
API: dict[str, Any] = {
    "name": "@x/api",
    "version": "1.0.0",
    "scripts": {"build": "tsc", "start": "node dist/server.js"},
    "dependencies": {"@x/log": "*", "ms": "2.1.3"},
    "devDependencies": {"@x/codegen": "*", "prettier": "3.2.5"},
}
LOG: dict[str, Any] = {
    "name": "@x/log",
    "version": "1.0.0",
    "main": "dist/index.js",
    "scripts": {"build": "tsc"},
    "dependencies": {"ms": "2.0.0"},
}
CODEGEN = {"name": "@x/codegen", "version": "1.0.0", "scripts": {"build": "node make.js"}}
WEB = {"name": "@x/web", "version": "1.0.0", "scripts": {"build": "vite build"}, "dependencies": {"sharp": "0.33.2"}}
MEMBERS: dict[str, dict[str, Any]] = {
    "apps/api": API, "apps/web": WEB, "packages/codegen": CODEGEN, "packages/log": LOG,
}  # fmt: skip
ROOT: dict[str, Any] = {
    "name": "x",
    "private": True,
    "workspaces": ["apps/*", "packages/*"],
    "scripts": {"build": "npm run build --workspaces --if-present"},
    "devDependencies": {"typescript": "5.4.5"},
}
SOURCES = {
    "apps/api/src/server.ts": f"import {{ log }} from '@x/log';\nconst server = create();\nserver.listen(4318);\n{SIGTERM}",
    "packages/log/src/index.ts": "export const log = 1;\n",
    "apps/api/tsconfig.json": TSCONFIG,
    "packages/log/tsconfig.json": TSCONFIG,
}
NAIVE = """\
    FROM node:20
    WORKDIR /app
    COPY . .
    RUN npm install
    RUN npm run build
    EXPOSE 4318
    CMD ["npm", "start", "-w", "@x/api"]
    """


def npm(root: Mapping[str, Any] = ROOT, members: Mapping[str, Mapping[str, Any]] = MEMBERS) -> dict[str, str]:
    """The manifests, and the lock file that npm makes of them."""
    locked: dict[str, Any] = {"": {**root}}
    for folder, manifest in members.items():
        locked |= {folder: dict(manifest), f"node_modules/{manifest['name']}": {"resolved": folder, "link": True}}
    dev = {"typescript": "5.4.5", "prettier": "3.2.5"}
    locked |= {f"node_modules/{name}": {"version": version, "dev": True} for name, version in dev.items()}
    locked |= {
        "node_modules/ms": {"version": "2.1.3"},
        "packages/log/node_modules/ms": {"version": "2.0.0"},
        "node_modules/sharp": {"version": "0.33.2", "hasInstallScript": True},
    }
    lock = {"name": "x", "lockfileVersion": 3, "requires": True, "packages": locked}
    manifests = {f"{folder}/package.json": json.dumps(manifest) for folder, manifest in members.items()}
    return {"package.json": json.dumps(root), "package-lock.json": json.dumps(lock), **manifests}


def pnpm(version: str = "9.15.9", **root: Any) -> dict[str, str]:
    """The same workspace as pnpm has it."""
    own = {"name": "x", "packageManager": f"pnpm@{version}", "devDependencies": {"typescript": "5.4.5"}, **root}

    def importer(manifest: Mapping[str, Any]) -> dict[str, Any]:
        return {
            kind: {
                name: {"specifier": spec, "version": "link:../x" if name.startswith("@x/") else spec}
                for name, spec in manifest[kind].items()
            }
            for kind in ("dependencies", "devDependencies")
            if kind in manifest
        }

    importers = {".": importer(own), **{folder: importer(manifest) for folder, manifest in MEMBERS.items()}}
    names = ("typescript@5.4.5", "prettier@3.2.5", "ms@2.1.3", "ms@2.0.0", "sharp@0.33.2")
    lock = {
        "lockfileVersion": "9.0",
        "settings": {"autoInstallPeers": "true", "excludeLinksFromLockfile": "false"},
        "importers": importers,
        "packages": {name: {"resolution": {"integrity": "sha512-x"}} for name in names},
        "snapshots": {name: {} for name in names},
    }
    return {
        "package.json": json.dumps(own),
        "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n",
        "pnpm-lock.yaml": _yaml(lock),
        **{f"{folder}/package.json": json.dumps(manifest) for folder, manifest in MEMBERS.items()},
    }


def _yaml(value: Mapping[str, Any], indent: str = "") -> str:
    lines = ""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines += f"{indent}'{key}':\n{_yaml(item, indent + '  ')}"
        else:
            lines += f"{indent}'{key}': {'{}' if item == {} else repr(item)}\n"
    return lines


def rewritten(root: Path, files: Mapping[str, str]) -> Rewrite:
    return propose(evidence(write(root, {**SOURCES, **files})), FAT)


def dockerfile(rewrite: Rewrite) -> list[str]:
    assert rewrite.outcome == "proposed", rewrite.refusals
    return rewrite.changes[0].after.decode().splitlines()


def reasons(rewrite: Rewrite) -> str:
    """Why the file was not restructured; single lines of it may have been mended."""
    assert "multi-stage" not in {done.name for done in rewrite.transformed}
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == "multi-stage")


def test_npm_installs_builds_and_copies_what_the_app_needs(tmp_path: Path) -> None:
    assert dockerfile(rewritten(tmp_path, {**npm(), "Dockerfile": NAIVE})) == [
        "FROM node:20-alpine AS build",  # sharp, for which it could not be, is another package's
        "WORKDIR /app",
        "COPY package.json package-lock.json ./",
        "COPY packages/codegen/package.json ./packages/codegen/package.json",
        "COPY packages/log/package.json ./packages/log/package.json",
        "COPY apps/api/package.json ./apps/api/package.json",
        "RUN --mount=type=cache,target=/root/.npm npm ci -w apps/api --include-workspace-root",
        "COPY . .",
        "RUN npm run build -w packages/codegen -w packages/log -w apps/api --if-present",
        "RUN npm prune --omit=dev -w apps/api --include-workspace-root",
        "",
        "FROM node:20-alpine",
        "ENV NODE_ENV=production",
        "WORKDIR /app",
        "COPY --from=build --chown=node:node /app/node_modules ./node_modules",
        "COPY --from=build --chown=node:node /app/package.json ./",
        "COPY --from=build --chown=node:node /app/packages/log/package.json ./packages/log/package.json",
        "COPY --from=build --chown=node:node /app/packages/log/dist ./packages/log/dist",
        "COPY --from=build --chown=node:node /app/packages/log/node_modules ./packages/log/node_modules",
        "COPY --from=build --chown=node:node /app/apps/api/package.json ./apps/api/package.json",
        "COPY --from=build --chown=node:node /app/apps/api/dist ./apps/api/dist",
        "USER node",
        "EXPOSE 4318",
        "WORKDIR /app/apps/api",  # where npm started it
        'CMD ["node", "dist/server.js"]',
    ]


def test_the_rewritten_file_is_left_alone(tmp_path: Path) -> None:
    first = rewritten(tmp_path, {**npm(), "Dockerfile": NAIVE})
    for change in first.changes:
        (tmp_path / change.path).write_bytes(change.after)
    assert propose(evidence(tmp_path), FAT).outcome != "proposed"


def test_packages_and_outputs_of_all_members_are_ignored(tmp_path: Path) -> None:
    change = rewritten(tmp_path, {**npm(), "Dockerfile": NAIVE}).changes[1]
    assert change.path == ".dockerignore"
    assert {"**/node_modules", "apps/api/dist", "packages/log/dist"} <= set(change.after.decode().splitlines())


def test_pnpm_installs_what_runs_afresh(tmp_path: Path) -> None:
    """`pnpm prune` drops the links between members (pnpm#13718)."""
    given = """\
        FROM node:20
        RUN npm install -g pnpm
        WORKDIR /app
        COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
        COPY apps/api/package.json apps/api/
        COPY packages/log/package.json ./packages/log/package.json
        RUN pnpm install
        COPY . .
        RUN pnpm -r build
        CMD ["pnpm", "--filter", "@x/api", "start"]
        """
    lines = dockerfile(rewritten(tmp_path, {**pnpm(), "Dockerfile": given}))
    store = "RUN --mount=type=cache,target=/root/.local/share/pnpm/store"
    fresh = "CI=true pnpm install --frozen-lockfile --prod --prefer-offline --filter @x/api..."
    folders = "packages/codegen/node_modules packages/log/node_modules apps/api/node_modules"
    assert [line for line in lines if line.startswith("RUN")] == [
        "RUN npm install -g pnpm@9.15.9",
        f"{store} pnpm install --frozen-lockfile --filter @x/api...",
        "RUN pnpm --filter @x/api... run build",
        f"{store} rm -rf node_modules {folders} && {fresh}",
    ]
    assert "COPY --from=build --chown=node:node /app/apps/api/node_modules ./apps/api/node_modules" in lines
    assert lines[-2:] == ["WORKDIR /app/apps/api", 'CMD ["node", "dist/server.js"]']


def test_pnpm_leaves_scripts_out_of_the_second_install_where_nothing_is_compiled(tmp_path: Path) -> None:
    given = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN pnpm install && pnpm -r build\nCMD pnpm --filter api start\n"
    approving = pnpm("10.12.1", scripts={"prepare": "husky"})  # this release runs approved scripts alone
    lines = dockerfile(rewritten(tmp_path, {**approving, "Dockerfile": given}))
    assert any("--prod --prefer-offline --ignore-scripts --filter" in line for line in lines)
    unknown = rewritten(tmp_path, {**pnpm(scripts={"prepare": "husky"}), "Dockerfile": given})
    assert "list the packages that have one as onlyBuiltDependencies" in reasons(unknown)
    built = pnpm(scripts={"prepare": "husky"}, pnpm={"onlyBuiltDependencies": ["ms"]})
    assert "; ms needs its own" in reasons(rewritten(tmp_path, {**built, "Dockerfile": given}))


@pytest.mark.parametrize(
    ("run", "installs", "prunes"),
    [
        ("npm run build -w packages/log -w apps/api", "npm ci -w apps/api --include-workspace-root", "npm prune"),
        ("cd apps/api && npm run build", "npm ci -w apps/api --include-workspace-root", "npm prune"),
        # it may need any package, so all are installed, and then those that run
        ("npx tsc -b", "npm ci", "npm ci --omit=dev -w apps/api --include-workspace-root"),
        ("npm run build -w apps/web -w apps/api", "npm ci", "npm ci --omit=dev -w apps/api --include-workspace-root"),
        ("npx turbo run build", "npm ci", "npm ci --omit=dev -w apps/api --include-workspace-root"),
    ],
)
def test_only_what_is_built_is_installed(tmp_path: Path, run: str, installs: str, prunes: str) -> None:
    lines = dockerfile(rewritten(tmp_path, {**npm(), "Dockerfile": NAIVE.replace("npm run build", run)}))
    install = next(line for line in lines if " npm ci" in line)
    assert install.endswith(f" {installs}")
    assert f"RUN {run}" in lines
    assert any(prunes in line for line in lines[lines.index(install) + 1 :])
    assert ("COPY apps/web/package.json ./apps/web/package.json" in lines) == (installs == "npm ci")


def test_with_scripts_of_its_own_all_packages_are_pruned_not_installed_again(tmp_path: Path) -> None:
    root = {**ROOT, "scripts": {**ROOT["scripts"], "prepare": "husky"}}
    lines = dockerfile(rewritten(tmp_path, {**npm(root), "Dockerfile": NAIVE.replace("run build", "exec tsc -b")}))
    assert "RUN npm prune --omit=dev" in lines


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"packages/log/package.json": {**LOG, "main": "src/index.js"}}, "packages/log/src/index.js is no output"),
        ({"packages/log/package.json": {**LOG, "main": ""}}, "packages/log/index.js is no output of its build"),
        (
            {"packages/log/package.json": {**LOG, "exports": {".": "./dist/index.js", "./css": "./a.css"}}},
            "packages/log/a.css is no output of its build",
        ),
        ({"packages/log/package.json": {**LOG, "scripts": {}}}, "its sources are what runs"),
        ({"packages/log/tsconfig.json": "{}"}, "where its build writes is not known"),
        ({"packages/log/src/index.ts": "fs.readFileSync(any());"}, "packages/log/src/index.ts:1 reads a file whose"),
    ],
)
def test_a_member_of_which_not_all_is_known_comes_whole(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    files = {path: text if isinstance(text, str) else json.dumps(text) for path, text in changed.items()}
    rewrite = rewritten(tmp_path, {**npm(), **files, "Dockerfile": NAIVE})
    assert "COPY --from=build --chown=node:node /app/packages/log ./packages/log" in dockerfile(rewrite)
    assert reason in next(item.reason for item in rewrite.transformed if item.name == "multi-stage")


def test_an_app_that_starts_with_a_development_tool_keeps_everything(tmp_path: Path) -> None:
    api = {**API, "scripts": {"start": "prettier serve"}}
    members = {**MEMBERS, "apps/api": api}
    lines = dockerfile(rewritten(tmp_path, {**npm(members=members), "Dockerfile": NAIVE}))
    assert not any("prune" in line for line in lines)
    assert [line.rpartition("./")[2] for line in lines if "--from=build" in line][2:] == [
        "packages/codegen", "packages/log", "apps/api",
    ]  # fmt: skip
    assert lines[-1] == 'CMD ["npm", "start", "-w", "@x/api"]'


def test_the_work_folder_of_the_app_stays(tmp_path: Path) -> None:
    given = NAIVE.replace("RUN npm run build", "WORKDIR /app/apps/api\n    RUN npm run build")
    given = given.replace(', "-w", "@x/api"', "")
    lines = dockerfile(rewritten(tmp_path, {**npm(), "Dockerfile": given}))
    build, runs = lines[: lines.index("")], lines[lines.index("") :]
    assert build[-3:] == [
        "RUN npm run build",
        "WORKDIR /app",
        "RUN npm prune --omit=dev -w apps/api --include-workspace-root",
    ]
    assert [line for line in runs if line.startswith("WORKDIR")] == ["WORKDIR /app", "WORKDIR /app/apps/api"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"Dockerfile": NAIVE.replace(', "-w", "@x/api"', "").replace("npm run build", "true")},
            "which package of the workspace the image is for (apps/api, apps/web, packages/codegen and 1 more): start",
        ),
        (
            {"Dockerfile": NAIVE.replace("RUN npm install", "WORKDIR /app/apps/api\n    RUN npm install")},
            "line 5: `npm install` installs in the folder of one package of the workspace",
        ),
        (
            {"Dockerfile": NAIVE.replace("npm install", "cd apps/api && npm install")},
            "`npm install` installs in the folder of one package of the workspace",
        ),
    ],
)
def test_refusals(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    scripts = {**WEB["scripts"], "start": "vite"}  # type: ignore[dict-item]
    members = {**MEMBERS, "apps/web": {**WEB, "scripts": scripts}}
    assert reason in reasons(rewritten(tmp_path, {**npm(members=members), **files}))


def test_a_workspace_that_leads_out_of_the_folder_is_refused_with_file_and_line(tmp_path: Path) -> None:
    root = {**ROOT, "workspaces": ["apps/*", "packages/*", "../elsewhere/*"]}
    files = {**npm(root), "package.json": json.dumps(root, indent=2), "Dockerfile": NAIVE}
    assert (
        reasons(rewritten(tmp_path, files)) == "package.json:7: the workspace '../elsewhere/*' leads out of the folder"
    )


def test_where_single_lines_are_mended_the_start_keeps_its_folder(tmp_path: Path) -> None:
    given = NAIVE.replace("RUN npm install", "RUN curl -fsS https://example.com/tool -o /usr/bin/tool && npm install")
    lines = dockerfile(rewritten(tmp_path, {**npm(), "Dockerfile": given}))
    assert lines[-3:] == ["WORKDIR /app/apps/api", "USER node", 'CMD ["node", "dist/server.js"]']


PART = Part(
    members := tuple(
        Member(folder, manifest_of({"name": name, "scripts": {"build": "tsc"}}), needs)
        for folder, name, needs in (("apps/api", "api", ("log",)), ("apps/web", "web", ()), ("log", "log", ()))
    ),
    (members[2], members[0]),
    (members[2], members[0]),
    {
        "all": "npm run build -ws",
        "both": "npm run build -w log && npm run build -w api",
        "mixed": "npm run build -ws && npm run build -w api",
        "loop": "npm run loop",
        "preguarded": "true",
        "guarded": "npm run build -ws",
        "turbo": "turbo run build",
    },
    {},
)


@pytest.mark.parametrize(
    ("outputs", "patterns"),
    [
        (("apps/api/dist", "apps/web/dist", "log/lib"), ("apps/*/dist", "log/lib")),
        (("apps/api/dist", "log/dist"), ("apps/api/dist", "log/dist")),  # what is not built here may be needed
        (("apps/api/dist", "apps/web/build"), ("apps/api/dist", "apps/web/build")),
        ((), ()),
    ],
)
def test_outputs_beside_each_other_are_one_pattern(outputs: tuple[str, ...], patterns: tuple[str, ...]) -> None:
    assert gathered(PART, outputs) == patterns


@pytest.mark.parametrize(
    ("command", "folders", "everything", "text"),
    [
        ("npm run build -w api", {"apps/api"}, False, None),
        ("npm run build -ws", {"apps/api", "log"}, False, "npm run build -w log -w apps/api"),
        ("npm run all", {"apps/api", "log"}, False, "npm run build -w log -w apps/api"),
        ("npm run both", {"apps/api", "log"}, False, None),
        ("npm run mixed", {"apps/api", "log"}, True, None),
        ("npm run guarded", {"apps/api", "log"}, True, None),
        ("npm run loop", set(), True, None),
        ("npm run gone -ws", set(), True, None),
        ("npm run build -ws -- --watch x", set(), True, None),
        ("npm run turbo", {"apps/api", "apps/web", "log"}, True, None),
        ("npm run build -w web", {"apps/web"}, True, None),
        ("npm run lint -w api", set(), False, None),
        ("pnpm -r run build", {"apps/api", "log"}, False, "pnpm --filter api... run build"),
        ("echo built", set(), False, None),
        ("node make.js", set(), True, None),
        ("yarn workspaces foreach -A run build", {"apps/api", "apps/web", "log"}, True, None),
    ],
)
def test_what_a_command_builds(command: str, folders: set[str], everything: bool, text: str | None) -> None:
    found = built_by(tuple(command.split()), "", PART)
    assert (set(found.folders), found.everything, found.text) == (folders, everything, text)


def yarn(**root: Any) -> dict[str, str]:
    """The same workspace as a Yarn of release line 4 has it, with packages in node_modules."""
    own = {**ROOT, "packageManager": "yarn@4.1.0", "scripts": {"build": "yarn workspaces foreach -A run build"}, **root}
    entries = {"": own, **MEMBERS}
    lock = "__metadata:\n  version: 8\n\n"
    for folder, manifest in entries.items():
        asked = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
        needs = "".join(f'    "{name}": "npm:{spec}"\n' for name, spec in sorted(asked.items()))
        place = f"{manifest['name']}@workspace:{folder or '.'}"
        lock += f'"{place}":\n  version: 0.0.0-use.local\n  resolution: "{place}"\n'
        lock += f"  dependencies:\n{needs}\n" if needs else "\n"
    names = ("typescript@5.4.5", "prettier@3.2.5", "ms@2.1.3", "ms@2.0.0", "sharp@0.33.2")
    for name, _, version in (item.partition("@") for item in names):
        lock += f'"{name}@npm:{version}":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n\n'
    return {
        "package.json": json.dumps(own),
        ".yarnrc.yml": "nodeLinker: node-modules\n",
        "yarn.lock": lock,
        **{f"{folder}/package.json": json.dumps(manifest) for folder, manifest in MEMBERS.items()},
    }


def test_yarn_focuses_on_the_app_and_members_come_whole(tmp_path: Path) -> None:
    given = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN yarn install\nRUN yarn build\nCMD yarn workspace @x/api start\n"
    lines = dockerfile(rewritten(tmp_path, {**yarn(dependencies={"ms": "2.1.3"}), "Dockerfile": given}))
    assert any(line.endswith("yarn workspaces focus x @x/api --production") for line in lines)
    assert any(line.endswith(" yarn install --immutable") for line in lines)
    assert "COPY apps/web/package.json ./apps/web/package.json" in lines
    assert "COPY --from=build --chown=node:node /app/packages/log ./packages/log" in lines
    assert lines[-2:] == ["WORKDIR /app/apps/api", 'CMD ["node", "dist/server.js"]']


def test_a_name_without_a_safe_spelling_is_refused(tmp_path: Path) -> None:
    files = {**pnpm(), "apps/api/package.json": json.dumps({**API, "name": "@x/api; rm -rf /"})}
    given = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN pnpm install\nRUN pnpm -r build\nCMD ["node", "apps/api/dist/server.js"]\n'
    rewrite = rewritten(tmp_path, {**files, "Dockerfile": given})
    assert reasons(rewrite) == "'@x/api; rm -rf /' cannot be written safely in a Dockerfile"
