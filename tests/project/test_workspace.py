"""Workspaces: which packages need each other, and which one a Dockerfile builds."""

import json
import time
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.model import Workspace
from imageopt.project.read import read_project
from imageopt.project.workspace import build_outputs_of


def package(name: str, *needs: str, **scripts: str) -> str:
    return json.dumps({"name": name, "dependencies": dict.fromkeys(needs, "workspace:*"), "scripts": scripts})


FILES = {
    "package.json": json.dumps({"name": "root", "workspaces": ["apps/*", "packages/*"], "scripts": {"build:web": "turbo run build --filter=@x/web..."}}),
    "apps/web/package.json": package("@x/web", "@x/ui", start="next start"),
    "apps/api/package.json": package("@x/api", "@x/db", start="node dist/main.js"),
    "packages/ui/package.json": package("@x/ui", "@x/tokens"),
    "packages/tokens/package.json": package("@x/tokens", "@x/ui", "ms"),  # a circle, and one from outside
    "packages/db/package.json": package("@x/db"),
    "turbo.json": '{"tasks": {"build": {"outputs": ["dist/**", "!dist/cache/**"]}}}',
}  # fmt: skip


def read(project: Write, files: Mapping[str, str], dockerfile: str = "Dockerfile") -> Workspace:
    found = read_project(project({**FILES, **files}), dockerfile=dockerfile).workspace
    assert found is not None
    return found


def test_members_and_what_they_need(project: Write) -> None:
    found = read(project, {})
    assert {member.folder: member.needs for member in found.members} == {
        "apps/api": ("packages/db",),
        "apps/web": ("packages/tokens", "packages/ui"),
        "packages/db": (),
        "packages/tokens": ("packages/ui",),
        "packages/ui": ("packages/tokens",),
    }
    assert (found.tools, found.app) == (("turbo",), None)  # two could start
    assert [(fact.value, fact.source) for fact in found.patterns] == [
        ("apps/*", "package.json:1"),
        ("packages/*", "package.json:1"),
    ]


@pytest.mark.parametrize(
    ("dockerfile", "app"),
    [
        ("RUN npm run build -w @x/api", "apps/api"),
        ("RUN npm run build --workspace=apps/api", "apps/api"),
        ("RUN npm run build -w packages/db && npm run build -w apps/api", "apps/api"),
        ("RUN npm run build -w apps/api -w packages/db", "apps/api"),  # the other is only needed
        ("RUN pnpm --filter api... build", "apps/api"),
        ("RUN pnpm --filter=@x/api --prod deploy /out", "apps/api"),
        ("RUN pnpm --filter './apps/api' build", "apps/api"),
        ("RUN yarn workspace @x/api build", "apps/api"),
        ("RUN npx turbo prune @x/api --docker", "apps/api"),
        ("RUN turbo prune --scope=@x/api --docker", "apps/api"),
        ("ARG APP=@x/api\nRUN turbo prune ${APP} --docker", "apps/api"),
        ("RUN turbo prune ${APP:-@x/api} --docker", "apps/api"),
        ("RUN nx build api", "apps/api"),
        ("RUN nx run web:build", "apps/web"),
        ("RUN npm run build:web", "apps/web"),  # through the root's script
        ("RUN npm --prefix apps/api run build", "apps/api"),
        ("RUN <<EOF\nyarn workspace @x/api build\nEOF", "apps/api"),
        ("WORKDIR /repo/apps/api", "apps/api"),
        ("COPY packages/db packages/db\nCOPY apps/api/package.json apps/api/", "apps/api"),
        ('COPY . .\nCMD ["node", "apps/api/dist/main.js"]', "apps/api"),
        ("COPY . .\nCMD node /app/apps/web/server.js", "apps/web"),
        ("RUN npm run build -w apps/web\nFROM node:20\nCMD node apps/api/dist/main.js", "apps/api"),  # what runs says more
        ("COPY --from=x apps/api .", None),
        ("COPY . .", None),
        ("RUN git -C apps/api log", None),
        ("RUN npm run build -w nothing", None),
        ("RUN npm run build -w", None),
    ],
)  # fmt: skip
def test_the_app_that_a_dockerfile_builds(project: Write, dockerfile: str, app: str | None) -> None:
    found = read(project, {"Dockerfile": f"FROM node:20 AS x\n{dockerfile}\n"}).app
    assert (found.value if found else None) == app
    assert found is None or found.source.startswith("Dockerfile:")


def test_a_dockerfile_builds_the_package_it_lies_in(project: Write) -> None:
    found = read(project, {"apps/web/Dockerfile": "FROM node:20\nCOPY . .\n"}, "apps/web/Dockerfile").app
    assert found is not None
    assert (found.value, found.source) == ("apps/web", "apps/web/Dockerfile")


def test_the_only_package_that_starts_is_the_app(project: Write) -> None:
    found = read(project, {"apps/web/package.json": package("@x/web")}).app
    assert found is not None
    assert (found.value, found.source) == ("apps/api", "apps/api/package.json scripts.start")


def test_a_folder_called_app_is_not_where_images_keep_theirs(project: Write) -> None:
    files = {"package.json": '{"workspaces": ["app", "server"]}', "app/package.json": "{}", "server/package.json": "{}"}
    root = project({**files, "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY server server\n"})
    found = read_project(root).workspace
    assert found is not None
    assert found.app is not None
    assert found.app.value == "server"


def test_what_is_refused_is_a_problem_of_the_project(project: Write) -> None:
    found = read_project(project({"package.json": '{"workspaces": ["../*"]}'}))
    assert found.workspace is not None
    assert (found.workspace.members, found.workspace.app) == ((), None)
    assert found.problems == ("package.json:1: the workspace '../*' leads out of the folder",)


def test_a_single_package_is_no_workspace(project: Write) -> None:
    assert read_project(project({"package.json": "{}"})).workspace is None


@pytest.mark.parametrize(
    ("turbo", "outputs"),
    [(FILES["turbo.json"], ("dist/**",)), ('{"pipeline": {"build": {"outputs": ["out"]}}}', ("out",)), ("[", ())],
)
def test_outputs_that_turbo_names(project: Write, turbo: str, outputs: tuple[str, ...]) -> None:
    assert build_outputs_of(project({"turbo.json": turbo})) == outputs


def test_a_hundred_packages_are_read_in_no_time(project: Write) -> None:
    many = {f"packages/p{n}/package.json": package(f"@x/p{n}", f"@x/p{n + 1}") for n in range(100)}
    root = project({**FILES, **many})
    start = time.perf_counter()
    found = read_project(root).workspace
    assert found is not None
    assert len(found.members) == 105
    assert time.perf_counter() - start < 2
