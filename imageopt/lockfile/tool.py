"""A project -> the commands that make its lock file and that check it, in the words of its package manager.

None of them runs a script of the project or of a package. `make` may change the lock file, `check` may not: it ends
with another code than 0 where an installation from the lock file would.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.shell import run_commands
from imageopt.project.files import exists, read_text
from imageopt.project.model import PackageManager, Project

TOOL_FOLDER = "/imageopt/tool"

_QUIET = ("--no-audit", "--no-fund")
_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,5}){0,2}(?:-[\w.]{1,40})?")
_KEPT_FLAGS = ("--legacy-peer-deps", "--force", "--strict-peer-deps", "--install-links")
_PNPM_WITH_SAFE_LOCK = 6  # the first that knows each of the flags used here


class Tool(Struct, frozen=True):
    """`setup` brings the manager into the container, and is empty where the image has it. `lock` is the file's path."""

    manager: PackageManager
    version: str
    lock: str
    setup: tuple[str, ...]
    make: tuple[str, ...]
    check: tuple[str, ...]
    environment: Mapping[str, str]


def tool_for(project: Project, tree: Dockerfile | None) -> Tool | str:
    """The project's manager, or the reason why its lock file is not made here."""
    match project.package_manager:
        case "npm":
            return _npm(project, tree)
        case "pnpm":
            return _pnpm(project)
        case "yarn":
            return _yarn(project)
        case "bun":
            return "the project uses bun, whose lock file only bun can make: run `bun install`"
        case None:
            return "there is no package.json"


def _npm(project: Project, tree: Dockerfile | None) -> Tool:
    flags = _flags(tree)
    lock = project.lock
    existing = lock is not None and lock.state != "missing" and lock.version in ("2", "3")
    form = (f"--lockfile-version={lock.version}",) if lock is not None and existing else ()
    return Tool(
        manager="npm",
        version="",
        lock=lock.path if lock is not None else "package-lock.json",
        setup=(),
        make=("npm", "install", "--package-lock-only", "--ignore-scripts", *_QUIET, *form, *flags),
        check=("npm", "ci", "--dry-run", "--ignore-scripts", *_QUIET, *flags),
        environment={"npm_config_update_notifier": "false"},
    )


def _pnpm(project: Project) -> Tool | str:
    if exists(project.root, ".pnpmfile.cjs") or exists(project.root, ".pnpmfile.mjs"):
        return "its .pnpmfile is code that decides what the lock file holds, and no code of the project is run"
    version = _version(project)
    if not version:
        return "nothing says which pnpm it is: add `packageManager` to package.json"
    if int(version.partition(".")[0]) < _PNPM_WITH_SAFE_LOCK:
        return f"pnpm {version} is too old for this: move to pnpm {_PNPM_WITH_SAFE_LOCK} or later"
    pnpm = (f"{TOOL_FOLDER}/node_modules/.bin/pnpm", "install")
    return Tool(
        manager="pnpm",
        version=version,
        lock="pnpm-lock.yaml",
        setup=_installed(f"pnpm@{version}"),
        make=(*pnpm, "--lockfile-only", "--ignore-scripts", "--no-frozen-lockfile"),
        check=(*pnpm, "--frozen-lockfile", "--lockfile-only", "--ignore-scripts"),
        environment={"npm_config_update_notifier": "false", "npm_config_manage_package_manager_versions": "false"},
    )


def _yarn(project: Project) -> Tool | str:
    version = _version(project)
    settings = read_text(project.root, ".yarnrc.yml")
    if settings is None and version.partition(".")[0] in ("", "1"):
        words = ("yarn", "install", "--ignore-scripts", "--non-interactive", "--no-progress")
        return Tool(
            manager="yarn",
            version="1",
            lock="yarn.lock",
            setup=(),
            make=words,
            check=(*words, "--frozen-lockfile"),
            environment={"YARN_IGNORE_PATH": "1"},
        )
    if not version or version.partition(".")[0] == "1":
        return "nothing says which Yarn it is: add `packageManager` to package.json"
    if re.search(r"(?m)^plugins:", settings or ""):
        return "its Yarn has plugins, which are code that decides what the lock file holds"
    yarn = (f"{TOOL_FOLDER}/node_modules/.bin/yarn", "install")
    return Tool(
        manager="yarn",
        version=version,
        lock="yarn.lock",
        setup=_installed(f"@yarnpkg/cli-dist@{version}"),
        make=(*yarn, "--no-immutable", "--mode=update-lockfile"),
        check=(*yarn, "--immutable", "--mode=skip-build"),
        environment={"YARN_IGNORE_PATH": "1", "YARN_ENABLE_TELEMETRY": "0", "YARN_ENABLE_GLOBAL_CACHE": "1"},
    )


def _installed(package: str) -> tuple[str, ...]:
    """The command that brings a manager: from the registry, for corepack's keys go out of date."""
    return ("npm", "install", "--prefix", TOOL_FOLDER, "--ignore-scripts", *_QUIET, "--loglevel=error", package)


def _version(project: Project) -> str:
    """The exact version that the files name, else the oldest release line that writes such a lock file; "" for none."""
    facts = project.manager
    if facts is None:
        return ""
    if facts.exact is not None and _VERSION.fullmatch(facts.exact.value):
        return facts.exact.value
    return str(facts.majors[0]) if facts.majors else ""


def _flags(tree: Dockerfile | None) -> tuple[str, ...]:
    """The flags of the Dockerfile's installs that decide which packages are taken; the lock must be made with them."""
    used = {
        word.value
        for instruction in (tree.instructions if tree else ())
        if instruction.keyword == "RUN"
        for command in run_commands(instruction)
        if command.name == "npm"
        for word in command.arguments
    }
    return tuple(flag for flag in _KEPT_FLAGS if flag in used)
