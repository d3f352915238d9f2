"""pnpm's lock files of three generations, and what `pnpm install --frozen-lockfile` says of them."""

from typing import Any

import pytest

from imageopt.errors import InputError
from imageopt.project.lock_pnpm import approved_builds, read_pnpm_lock
from imageopt.project.model import Lock
from imageopt.project.yaml_tree import Node, parse_yaml

V9 = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      express:
        specifier: ^4.19.2
        version: 4.19.2(x@1.0.0)
      renamed:
        specifier: npm:real@^1.0.0
        version: real@1.0.0
      shared:
        specifier: workspace:*
        version: link:packages/shared
    devDependencies:
      typescript:
        specifier: ^5.4.0
        version: 5.4.5
    optionalDependencies:
      fsevents:
        specifier: ^2.3.3
        version: 2.3.3

  packages/shared: {}

packages:

  '@img/sharp-linux-x64@0.33.4':
    resolution: {integrity: sha512-x==}
    cpu: [x64]
    os: [linux]
    libc: [glibc]

  express@4.19.2:
    resolution: {integrity: sha512-x==}
    engines: {node: '>= 0.10.0'}

  fsevents@2.3.3:
    resolution: {integrity: sha512-x==}
    os: [darwin]

  real@1.0.0:
    resolution: {integrity: sha512-x==}

  typescript@5.4.5:
    resolution: {integrity: sha512-x==}
    hasBin: true

  x@1.0.0:
    resolution: {integrity: sha512-x==}

snapshots:

  '@img/sharp-linux-x64@0.33.4':
    optional: true

  express@4.19.2(x@1.0.0):
    dependencies:
      x: 1.0.0
    optionalDependencies:
      '@img/sharp-linux-x64': 0.33.4

  fsevents@2.3.3:
    optional: true

  real@1.0.0: {}

  typescript@5.4.5: {}

  x@1.0.0: {}
"""
ROOT: dict[str, object] = {
    "dependencies": {"express": "^4.19.2", "renamed": "npm:real@^1.0.0", "shared": "workspace:*"},
    "devDependencies": {"typescript": "^5.4.0"},
    "optionalDependencies": {"fsevents": "^2.3.3"},
}
NOTHING = Node("", 1)


def read(text: str = V9, root: dict[str, object] = ROOT, settings: str = "", **members: dict[str, object]) -> Lock:
    documents = parse_yaml(settings, "pnpm-workspace.yaml")
    return read_pnpm_lock("pnpm-lock.yaml", text, {"": root, **members}, documents[0] if documents else NOTHING)


def test_packages_of_version_9() -> None:
    lock = read()
    assert (lock.manager, lock.version, lock.state, lock.tells_scripts) == ("pnpm", "9.0", "in-sync", False)
    assert [(p.name, p.version, p.dev, p.optional) for p in lock.packages] == [
        ("@img/sharp-linux-x64", "0.33.4", False, True),
        ("express", "4.19.2", False, False),
        ("fsevents", "2.3.3", False, True),
        ("real", "1.0.0", False, False),
        ("typescript", "5.4.5", True, False),
        ("x", "1.0.0", False, False),
    ]
    sharp, express = lock.packages[:2]
    assert (sharp.os, sharp.cpu, sharp.libc) == (("linux",), ("x64",), ("glibc",))
    assert sharp.path == "node_modules/.pnpm/@img+sharp-linux-x64@0.33.4/node_modules/@img/sharp-linux-x64"
    assert express.dependencies == ("x", "@img/sharp-linux-x64")


OF_PNPM = """\
---
lockfileVersion: '9.0'

importers:

  .:
    configDependencies: {}
    packageManagerDependencies:
      pnpm:
        specifier: 12.4.2
        version: 12.4.2

packages:

  '@pnpm/exe.linux-x64@12.4.2':
    resolution: {integrity: sha512-x==}

"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_pnpm_locks_of_itself_is_not_the_projects(newline: str) -> None:
    """With a packageManager pnpm 12 writes two documents, the project's last (pnpm.io/lockfile)."""
    text = f"{OF_PNPM}---\n{V9}"
    assert read(text.replace("\n", newline)) == read()
    for broken in (f"{text}<<<<<<< ours\n", text.replace("packages:", "<<<<<<< ours\npackages:", 1)):
        line = broken[: broken.index("<<<")].count("\n") + 1
        with pytest.raises(InputError, match=rf"^pnpm-lock.yaml:{line}: "):
            read(broken)


V6 = """\
lockfileVersion: '6.0'

dependencies:
  '@a/b':
    specifier: ^1.0.0
    version: 1.0.0(c@2.0.0)
  git:
    specifier: github:x/git
    version: github.com/x/git/abcdef

devDependencies:
  c:
    specifier: 2.0.0
    version: 2.0.0

packages:

  /@a/b@1.0.0(c@2.0.0):
    resolution: {integrity: sha512-x==}
    requiresBuild: true
    dependencies:
      c: 2.0.0
    dev: false

  /c@2.0.0:
    resolution: {integrity: sha512-x==}

  github.com/x/git/abcdef:
    resolution: {tarball: https://codeload.github.com/x/git/tar.gz/abcdef}
    name: git
    version: 0.1.0
    dev: false
"""
V5 = """\
lockfileVersion: 5.4

specifiers:
  '@a/b': ^1.0.0
  c: 2.0.0
  git: github:x/git

dependencies:
  '@a/b': 1.0.0_c@2.0.0
  git: github.com/x/git/abcdef

devDependencies:
  c: 2.0.0

packages:

  /@a/b/1.0.0_c@2.0.0:
    resolution: {integrity: sha512-x==}
    requiresBuild: true
    dependencies:
      c: 2.0.0
    dev: false

  /c/2.0.0:
    resolution: {integrity: sha512-x==}

  registry.example.org/d/3.0.0:
    resolution: {integrity: sha512-x==}
    dev: true

  github.com/x/git/abcdef:
    resolution: {tarball: https://codeload.github.com/x/git/tar.gz/abcdef}
    name: git
    version: 0.1.0
    dev: false
"""
OLD: dict[str, object] = {"dependencies": {"@a/b": "^1.0.0", "git": "github:x/git"}, "devDependencies": {"c": "2.0.0"}}


@pytest.mark.parametrize(("text", "more"), [(V6, []), (V5, [("d", "3.0.0", True, False)])])
def test_packages_of_older_versions(text: str, more: list[tuple[str, str, bool, bool]]) -> None:
    lock = read(text, OLD)
    assert (lock.state, lock.tells_scripts) == ("in-sync", True)
    assert [(p.name, p.version, p.dev, p.has_install_script) for p in lock.packages] == [
        ("@a/b", "1.0.0", False, True),
        ("c", "2.0.0", False, False),  # a production package needs it too
        *more,
        ("git", "0.1.0", False, False),
    ]


def changed(**kinds: dict[str, str]) -> dict[str, object]:
    return {**ROOT, **{kind: {**ROOT.get(kind, {}), **more} for kind, more in kinds.items()}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("arguments", "reason", "drifted"),
    [
        ({"root": changed(dependencies={"express": "^4.0.0"})}, "package.json asks for express ^4.0.0, the lock file was made for ^4.19.2", ("express",)),
        ({"root": changed(dependencies={"a": "1", "b": "2"})}, "a is in package.json and not in the lock file", ("a", "b")),
        ({"root": {k: v for k, v in ROOT.items() if k != "devDependencies"}}, "typescript is in the lock file and not in package.json", ("typescript",)),
        ({"root": changed(peerDependencies={"react": "18"})}, "react is in package.json and not in the lock file", ("react",)),
        ({"root": {**ROOT, "pnpm": {"overrides": {"x": "1.0.0"}}}}, "x is in the overrides and not in the lock file", ("x",)),
        ({"settings": "overrides:\n  x: 2\n"}, "x is in the overrides and not in the lock file", ("x",)),
        ({"packages/shared": {"dependencies": {"a": "1"}}}, "a is in packages/shared/package.json and not in the lock file", ("a",)),
        ({"packages/new": {"dependencies": {"a": "1"}}}, "the lock file does not know packages/new/package.json", ("packages/new",)),
        (
            {"text": V9 + "catalogs:\n  default:\n    a:\n      specifier: ^1.0.0\n      version: 1.0.0\n    b:\n      specifier: 1\n      version: 1\n", "settings": "catalog:\n  a: ^2.0.0\n"},
            "the catalog default asks for a ^2.0.0, the lock file was made for ^1.0.0", ("a", "b"),
        ),
    ],
)  # fmt: skip
def test_drift(arguments: dict[str, Any], reason: str, drifted: tuple[str, ...]) -> None:
    lock = read(**arguments)
    assert (lock.state, lock.reason, lock.drifted) == ("drifted", reason, drifted)
    assert lock.packages


@pytest.mark.parametrize(
    "arguments",
    [
        {"packages/empty": {"name": "empty"}},  # it asks for nothing
        {"text": V9.replace("autoInstallPeers: true", "autoInstallPeers: false"), "root": changed(peerDependencies={"react": "18"})},
        {"text": V9.replace("LinksFromLockfile: false", "LinksFromLockfile: true"), "root": changed(dependencies={"y": "link:../y"})},
        {"text": V9 + "overrides:\n  express: 4.19.2\n", "root": {**changed(dependencies={"express": "4.19.1"}), "pnpm": {"overrides": {"express": "4.19.2"}}}},
        {"text": V9 + "overrides:\n  x: 1.0.0\n", "root": {**ROOT, "resolutions": {"x": "$x"}}},
        {"text": V9 + "catalogs:\n  ui:\n    a:\n      specifier: ^1\n      version: 1.0.0\n", "settings": "catalogs:\n  ui:\n    a: ^1\n    unused: 3\n"},
    ],
)  # fmt: skip
def test_what_is_no_drift(arguments: dict[str, Any]) -> None:
    lock = read(**arguments)
    assert (lock.state, lock.reason, lock.drifted) == ("in-sync", "", ())


def test_a_pnpmfile_may_change_what_is_asked_for() -> None:
    lock = read(V9 + "pnpmfileChecksum: abc\n", changed(dependencies={"a": "1"}))
    assert lock.state == "unknown"
    assert (
        lock.reason == ".pnpmfile.cjs may change what is asked for, and a is in package.json and not in the lock file"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("lockfileVersion: '10.0'\n", "pnpm-lock.yaml:1: its lockfileVersion is '10.0'"),
        ("lockfileVersion: 4\n", "pnpm-lock.yaml:1: its lockfileVersion is '4'"),
        ("a: b\n", "pnpm-lock.yaml:1: it names no lockfileVersion"),
    ],
)
def test_a_version_that_is_not_known_is_not_trusted(text: str, reason: str) -> None:
    lock = read(text)
    assert (lock.state, lock.reason, lock.packages) == ("unknown", reason, ())


def test_the_marks_of_a_merge_are_named_with_their_line() -> None:
    with pytest.raises(InputError, match=r"^pnpm-lock.yaml:3: it holds the marks of an unsolved merge$"):
        read(V9.replace("settings:", "<<<<<<< HEAD\nsettings:", 1))


@pytest.mark.parametrize(
    ("root", "settings", "approved"),
    [
        ({}, "", None),
        ({"packageManager": "pnpm@9.1.0"}, "", None),
        ({"packageManager": "pnpm@10.2.0"}, "", set()),
        ({"pnpm": {"onlyBuiltDependencies": ["sharp", "@a/b"]}}, "", {"sharp", "@a/b"}),
        ({"packageManager": "pnpm@10.2.0"}, "onlyBuiltDependencies:\n  - esbuild@0.21\n", {"esbuild"}),
        ({"packageManager": "pnpm@11.0.0"}, "allowBuilds:\n  esbuild: true\n  core-js: false\n", {"esbuild"}),
        ({"packageManager": "pnpm@10.2.0"}, "dangerouslyAllowAllBuilds: true\n", None),
    ],
)
def test_which_install_scripts_pnpm_runs(root: dict[str, object], settings: str, approved: set[str] | None) -> None:
    documents = parse_yaml(settings, "x")
    assert approved_builds({"": root}, documents[0] if documents else NOTHING) == approved


def test_approved_builds_are_the_ones_that_run() -> None:
    lock = read(root={**ROOT, "pnpm": {"onlyBuiltDependencies": ["express"]}})
    assert [p.name for p in lock.packages if p.has_install_script] == ["express"]
    assert lock.tells_scripts
