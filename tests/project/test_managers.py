"""The package manager's version: who states it, and what contradicts itself."""

import json
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.lock import package_manager, read_lock
from imageopt.project.managers import manager_facts
from imageopt.project.manifest import read_manifest
from imageopt.project.model import ManagerFacts

PNPM_9 = "lockfileVersion: '9.0'\n"
YARN_4 = '__metadata:\n  version: 8\n"a@workspace:.":\n  resolution: "a@workspace:."\n'


def facts(project: Write, files: Mapping[str, str]) -> ManagerFacts | None:
    root = project(files)
    manifest = read_manifest(root)[0]
    manager = package_manager(root, manifest, ())
    return manager_facts(root, manager, read_lock(root, manifest, manager))


def package(**fields: object) -> dict[str, str]:
    return {"package.json": json.dumps(fields)}


@pytest.mark.parametrize(
    ("files", "exact", "source"),
    [
        (package(packageManager="pnpm@9.1.2+sha512.abc"), "9.1.2", "package.json:1 packageManager"),
        (package(packageManager="yarn@4.0.0-rc.1"), "4.0.0-rc.1", "package.json:1 packageManager"),
        (package(volta={"npm": "10.2.0"}, engines={"npm": "10.1.0"}), "10.2.0", "package.json:1 volta.npm"),
        (package(devEngines={"packageManager": {"name": "npm", "version": "11.0.0"}}), "11.0.0", "package.json:1 devEngines.packageManager.version"),
        (package(devEngines={"packageManager": [{"name": "bun"}, {"name": "npm", "version": "11.0.0"}]}), "11.0.0", "package.json:1 devEngines.packageManager.version"),
        ({**package(), "yarn.lock": YARN_4, ".yarnrc.yml": "yarnPath: .yarn/releases/yarn-4.1.0.cjs\n", ".yarn/releases/yarn-4.1.0.cjs": ""}, "4.1.0", ".yarn/releases/yarn-4.1.0.cjs"),
        ({**package(), "yarn.lock": "# yarn lockfile v1\n", ".yarnrc": 'yarn-path "./bin/yarn-1.22.19.js"\n', "bin/yarn-1.22.19.js": ""}, "1.22.19", "bin/yarn-1.22.19.js"),
        ({**package(), "pnpm-lock.yaml": PNPM_9, ".tool-versions": "nodejs 20.1.0\npnpm 9.0.1\n"}, "9.0.1", ".tool-versions"),
        ({**package(), "pnpm-lock.yaml": PNPM_9, "mise.toml": '[tools]\n"npm:pnpm" = "9.0.2"\n'}, "9.0.2", "mise.toml"),
        ({**package(), "bun.lock": "{}", ".bun-version": "v1.1.0\n"}, "1.1.0", ".bun-version"),
        (package(engines={"npm": ">=9"}), None, ""),
        (package(), None, ""),
    ],
)  # fmt: skip
def test_the_exact_version(project: Write, files: Mapping[str, str], exact: str | None, source: str) -> None:
    found = facts(project, files)
    assert found is not None
    assert (found.exact.value, found.exact.source) == (exact, source) if found.exact else exact is None
    assert found.contradictions == ()


@pytest.mark.parametrize(
    ("files", "contradiction", "place"),
    [
        ({**package(packageManager="pnpm@8.0.0"), "pnpm-lock.yaml": PNPM_9}, "package.json:1 packageManager names pnpm 8.0.0, which does not write pnpm-lock.yaml of version 9.0", "pnpm-lock.yaml"),
        ({**package(packageManager="yarn@1.22.0"), "yarn.lock": YARN_4}, "package.json:1 packageManager names yarn 1.22.0, which does not write yarn.lock of version 8", "yarn.lock"),
        ({**package(), "yarn.lock": YARN_4, "package-lock.json": "{}"}, "there are lock files of several package managers: package-lock.json, yarn.lock", "package-lock.json"),
        ({**package(packageManager="pnpm@9.0.0"), "yarn.lock": YARN_4}, "pnpm manages the packages, and the only lock file is yarn.lock", "yarn.lock"),
        (package(packageManager="pnpm@9"), "packageManager is 'pnpm@9', which corepack refuses: it takes an exact version", "package.json"),
        (package(packageManager="npm@10.0.0", engines={"npm": "9.x"}), "package.json:1 packageManager names npm 10.0.0, package.json:1 engines.npm names 9.x", "package.json:1 engines.npm"),
    ],
)  # fmt: skip
def test_contradictions(project: Write, files: Mapping[str, str], contradiction: str, place: str) -> None:
    found = facts(project, files)
    assert found is not None
    assert [(fact.value, fact.source) for fact in found.contradictions] == [(contradiction, place)]


@pytest.mark.parametrize(
    "files",
    [
        package(packageManager="npm@10.0.0", engines={"npm": ">=8", "pnpm": "please use npm"}),
        {**package(packageManager="pnpm@11.0.0"), "pnpm-lock.yaml": PNPM_9},
        {**package(packageManager="pnpm@20.0.0"), "pnpm-lock.yaml": PNPM_9},  # newer than is known here
        {**package(), "npm-shrinkwrap.json": '{"packages": {}}', "package-lock.json": '{"packages": {}}'},
    ],
)
def test_what_is_no_contradiction(project: Write, files: Mapping[str, str]) -> None:
    found = facts(project, files)
    assert found is not None
    assert found.contradictions == ()


@pytest.mark.parametrize(
    ("files", "linker", "majors"),
    [
        ({**package(), "yarn.lock": "# yarn lockfile v1\n"}, "node-modules", (1,)),
        ({**package(), "yarn.lock": YARN_4}, "pnp", (4,)),
        ({**package(), "yarn.lock": YARN_4, ".yarnrc.yml": "nodeLinker: node-modules\n"}, "node-modules", (4,)),
        ({**package(), "yarn.lock": YARN_4, ".yarnrc.yml": "nodeLinker: [\n"}, "pnp", (4,)),
        ({**package(packageManager="yarn@3.0.0")}, "pnp", ()),
        ({**package(), "package-lock.json": '{"lockfileVersion": 3, "packages": {}}'}, "", (7, 8, 9, 10, 11)),
    ],
)
def test_linker_and_release_lines(
    project: Write, files: Mapping[str, str], linker: str, majors: tuple[int, ...]
) -> None:
    found = facts(project, files)
    assert found is not None
    assert (found.linker, found.majors) == (linker, majors)


def test_without_a_manifest_there_is_nothing_to_say(project: Write) -> None:
    assert facts(project, {}) is None
