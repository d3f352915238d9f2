"""What each package manager is told in a Dockerfile: how it gets there, installs what is locked, leaves the rest out.

A lock file that does not fit must make the build fail, never be mended in silence; and what the running service does
not need goes in the build stage, where it costs nothing.
"""

import re

from msgspec import Struct

from imageopt.project.files import exists, read_text
from imageopt.project.model import ManagerFacts, PackageManager, Project

_FOCUS = 4  # the release line of Yarn that can install production packages alone without a plugin


class Manager(Struct, frozen=True):
    """`setup` is the command that brings the manager into a Node image ("" where it is there).

    `install` leaves no choice to the manager; `production` are flags for the packages that run alone, `prune` is the
    command that leaves only those ("" where it has none). `cache` is where root's downloads are kept, `manifests` and
    `folders` what the install reads besides package.json and the lock file, `frozen` the transformation's name.
    """

    name: PackageManager
    setup: str
    install: str
    production: str
    prune: str
    cache: str
    manifests: tuple[str, ...]
    folders: tuple[str, ...]
    frozen: str
    prunes_from_cache: bool = False  # what it leaves it takes from the downloads again


def manager(project: Project) -> Manager | str:
    """The project's package manager, or the reason why it cannot be used in a rewrite."""
    match project.package_manager:
        case "pnpm":
            return _pnpm(project)
        case "yarn":
            return _yarn(project)
        case "npm":
            return Manager(
                name="npm",
                setup="",
                install="npm ci",
                production="--omit=dev",
                prune="npm prune --omit=dev",
                cache="/root/.npm",
                manifests=(".npmrc",),
                folders=(),
                frozen="npm-ci",
            )
        case "bun":
            return _bun(project)
        case None:
            return "nothing says which package manager the project uses"


def manifest_names(project: Project, tool: Manager) -> list[str]:
    """The files that decide what is installed; `.npmrc` and its like may name a registry."""
    assert project.lock is not None
    return ["package.json", project.lock.path, *(name for name in tool.manifests if exists(project.root, name))]


def _pnpm(project: Project) -> Manager | str:
    facts = project.manager
    version = _exact(facts) or (str(facts.majors[0]) if facts is not None and facts.majors else "")
    if not version:
        return "nothing says which pnpm it is: add `packageManager` to package.json"
    return Manager(
        name="pnpm",
        # corepack's keys go out of date, and Node 25 no longer brings it
        setup=f"npm install -g pnpm@{version}",
        install="pnpm install --frozen-lockfile",
        production="--prod",
        prune="CI=true pnpm prune --prod",  # without CI it may ask
        cache="/root/.local/share/pnpm/store",
        manifests=(".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs"),
        folders=("patches",) if exists(project.root, "patches") else (),
        frozen="frozen-install",
    )


def _bun(project: Project) -> Manager | str:
    """Bun has no command that prunes: what runs is installed afresh, from what the first install has fetched."""
    version = _exact(project.manager)
    install = "bun install --frozen-lockfile"
    packages = project.lock.packages if project.lock else ()
    scripted = next((package.name for package in packages if package.has_install_script and not package.dev), None)
    if project.lifecycle_scripts and scripted:  # which `--ignore-scripts` would leave out with the project's own
        own = project.lifecycle_scripts[0].partition(":")[0]
        return (
            f"Bun installs what runs afresh, and {scripted} would lack its script where the project's {own} is left out"
        )
    flags = " --ignore-scripts" if project.lifecycle_scripts else ""
    return Manager(
        name="bun",
        setup=f"npm install -g bun@{version}" if version else "npm install -g bun",
        install=install,
        production="--production",
        prune=f"rm -rf node_modules && {install} --production{flags}",
        cache="/root/.bun/install/cache",
        manifests=(".npmrc", "bunfig.toml"),
        folders=("patches",) if exists(project.root, "patches") else (),
        frozen="frozen-install",
        prunes_from_cache=True,
    )


def _exact(facts: ManagerFacts | None) -> str:
    return facts.exact.value if facts is not None and facts.exact is not None else ""


def _yarn(project: Project) -> Manager | str:
    settings = read_text(project.root, ".yarnrc.yml")
    version = _exact(project.manager)
    if settings is None and version.partition(".")[0] in ("", "1"):
        return Manager(
            name="yarn",
            setup="",
            install="yarn install --frozen-lockfile",
            production="--production",
            prune="yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline",
            cache="/usr/local/share/.cache/yarn",
            manifests=(".npmrc", ".yarnrc"),
            folders=(),
            frozen="frozen-install",
            prunes_from_cache=True,
        )
    settings = settings or ""
    if not re.search(r"^nodeLinker:\s*['\"]?node-modules", settings, re.MULTILINE):
        return "Yarn keeps its packages packed (Plug'n'Play); only `nodeLinker: node-modules` can be rewritten so far"
    brought = re.search(r"^yarnPath:\s*['\"]?(\.yarn/releases/yarn-(\d+)[\w.-]*)", settings, re.MULTILINE)
    release = brought[2] if brought else version.partition(".")[0]
    if not release:
        return "nothing says which Yarn it is: add `packageManager` to package.json"
    if int(release) < _FOCUS:
        return f"Yarn {release} cannot install production packages alone: move to Yarn {_FOCUS} or later"
    folders = [name for name in (".yarn/releases", ".yarn/plugins", ".yarn/patches") if exists(project.root, name)]
    return Manager(
        name="yarn",
        setup="" if brought else f"npm install -g --force corepack && corepack prepare yarn@{version} --activate",
        install="yarn install --immutable",
        production="",
        prune="yarn workspaces focus --production",
        cache="/root/.yarn/berry/cache",
        manifests=(".npmrc", ".yarnrc.yml"),
        folders=tuple(folders),
        frozen="frozen-install",
        prunes_from_cache=True,
    )
