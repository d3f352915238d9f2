"""Facts about a source folder, each with the file that says so. What is not known is None, never assumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

PackageManager = Literal["npm", "yarn", "pnpm", "bun"]
LockState = Literal["in-sync", "drifted", "missing", "unknown"]


class Fact(Struct, frozen=True):
    """A value and where it stands: `source` is a path relative to the project, with the line and the key if known."""

    value: str
    source: str


class LockedPackage(Struct, frozen=True):
    """One package of the lock file; `path` is where it is installed (`node_modules/a/node_modules/b`).

    `dev`: only development dependencies lead to it. `libc` as the lock lists it. `dependencies` are the names it
    asks for. Where the lock does not tell the folder (pnpm, Yarn), `path` is the one that a plain installation chooses.
    """

    name: str
    version: str
    path: str
    dev: bool
    optional: bool
    has_install_script: bool
    os: tuple[str, ...]
    cpu: tuple[str, ...]
    libc: tuple[str, ...]
    dependencies: tuple[str, ...] = ()


class Lock(Struct, frozen=True):
    """The lock file. `state` compares it with the manifests; `reason` says why it drifted or is unknown.

    `drifted` are the names of all dependencies that do not fit, sorted. `tells_scripts`: whether a package without
    `has_install_script` is known to have none; most formats do not say.
    """

    manager: PackageManager
    path: str
    version: str
    state: LockState
    reason: str
    packages: tuple[LockedPackage, ...]
    drifted: tuple[str, ...] = ()
    tells_scripts: bool = True


class ManagerFacts(Struct, frozen=True):
    """What the files say of the package manager's version.

    `exact` is the version that everything but a lock file or a range names first; None where only ranges are known.
    `majors` are the release lines that write a lock file such as the project's, the oldest first; empty without one.
    `linker`: how Yarn lays packages out ("pnp", "node-modules", "pnpm"; "" for the others). `release`: the path of a
    Yarn that the project brings itself. `contradictions`: what cannot all be true, and where it stands.
    """

    name: PackageManager
    exact: Fact | None
    statements: tuple[Fact, ...]
    majors: tuple[int, ...]
    linker: str
    release: str
    contradictions: tuple[Fact, ...]


class Manifest(Struct, frozen=True):
    """package.json, as far as it matters here."""

    name: str
    version: str
    type: str
    main: str
    scripts: Mapping[str, str]
    dependencies: Mapping[str, str]
    dev_dependencies: Mapping[str, str]
    engines_node: str | None
    workspaces: tuple[str, ...]
    package_manager: str = ""  # as package.json names it: `pnpm@9.1.0`
    exports: tuple[str, ...] = ()  # the files that others may load, types aside


class Framework(Struct, frozen=True):
    """What the project is built on, and what is left of it after the build.

    `outputs` are the folders that the build writes and the running service needs; `needs` what it needs beside them
    ("node_modules", "public", "package.json"). `renders`: "static" files for any web server, or a "server" of its own;
    "unknown" where the configuration computes it or contradicts the code. `start` is the command that runs the output
    where the framework fixes it, relative to `serve_from` (a folder of the output, "" for the project).
    """

    name: str
    renders: Literal["server", "static", "unknown"]
    outputs: tuple[str, ...]
    needs: tuple[str, ...]
    start: tuple[str, ...]
    serve_from: str
    reason: str
    source: str  # the file that says so, with the line where there is one


class Member(Struct, frozen=True):
    """A package of the workspace. `needs` are the folders of the members that it depends on, through others too."""

    folder: str
    manifest: Manifest
    needs: tuple[str, ...]


class Workspace(Struct, frozen=True):
    """Several packages in one folder. `tools` run their scripts ("turbo", "nx"); `members` are sorted by folder.

    `app` is the folder of the member that the Dockerfile builds, "" for the root itself, and what says so; None where
    nothing does. `problems` name the file and the line.
    """

    tools: tuple[str, ...]
    patterns: tuple[Fact, ...]
    members: tuple[Member, ...]
    app: Fact | None
    problems: tuple[str, ...]


class StartCommand(Struct, frozen=True):
    """How the service starts. `argv` is the exec form where the script is a plain `node …`, else None with `reason`.

    `folder` is where it runs, relative to the project: a launcher changes into the folder of its package.
    """

    script: str
    argv: tuple[str, ...] | None
    environment: tuple[tuple[str, str], ...]  # `NODE_ENV=production node x` sets these
    handles_sigterm: bool
    reason: str
    folder: str = ""


class LibcNeed(Struct, frozen=True):
    """A production package whose binary decides whether alpine (musl) is safe; `verdict` per package.

    `compiles`: it may have to be compiled where it is installed, which needs a compiler and Python there.
    """

    package: str
    verdict: Literal["any", "musl-ok", "glibc-only", "unknown"]
    reason: str
    compiles: bool = False


class AlpineAnswer(Struct, frozen=True):
    """Whether the production packages run on musl: "yes" only where it is known of each.

    `deciding` are sorted by name.
    """

    verdict: Literal["yes", "no", "unknown"]
    reason: str
    deciding: tuple[LibcNeed, ...]


class Php(Struct, frozen=True):
    """A PHP project. `versions`: every statement of the PHP it wants, the most binding first.

    `extensions`: what it or a production package of its lock file requires, by name, with who does. `dev_packages` are
    those of the lock file. `assets` is the tool that bundles what a browser gets and `asset_outputs` the folders it
    writes. `lock`: "drifted" is what Composer warns of, not what it refuses. `dev_namespaces` are those of the classes
    of `dev_packages`. `optimizes_autoloader`: its own configuration has a class map made on every installation.
    `scripts` are the events and commands that have one; `path_repositories` folders that packages are taken from;
    `vendor` the folder that they are put into.
    """

    framework: Literal["laravel", "symfony", "plain"]
    versions: tuple[Fact, ...]
    extensions: tuple[Fact, ...]
    packages: tuple[str, ...]
    dev_packages: tuple[str, ...]
    dev_namespaces: tuple[str, ...]
    assets: Literal["vite", "mix", "encore", ""]
    asset_outputs: tuple[str, ...]
    lock: LockState
    require_dev: tuple[str, ...]
    optimizes_autoloader: bool
    scripts: tuple[str, ...]
    path_repositories: tuple[str, ...]
    vendor: str


class Python(Struct, frozen=True):
    """A Python project: who installs its packages, from which file, and the Python it wants. `lock` is "" for none."""

    name: str
    manager: Literal["uv", "poetry", "pipenv", "pip"]
    requirements: str
    lock: str
    versions: tuple[Fact, ...]
    framework: Literal["django", "flask", "fastapi", ""]


class StaticSite(Struct, frozen=True):
    """Files that any web server can serve as they are: `folder` ("." for the project) holds their index.html."""

    folder: str


DeploymentKind = Literal[
    "builder", "dockerfile", "context", "target", "platform", "build-arg", "secret", "image", "entrypoint", "command",
    "probe", "hook", "user", "volume", "port", "working-dir", "stop-signal", "read-only", "run",
]  # fmt: skip


class DeploymentFact(Struct, frozen=True):
    """One thing that is said outside of the Dockerfile about how its image is built or run, and where (`path:line`).

    `words` are those of a list (a command in exec form); `value` is the text, or the words joined. A build argument is
    its name alone, for its value may be a secret. `service` is the service, container or job; `dockerfile` the path of
    the file that it builds, relative to the project, "" where that is not said.
    """

    kind: DeploymentKind
    value: str
    source: str
    service: str
    words: tuple[str, ...] = ()
    dockerfile: str = ""


class Deployment(Struct, frozen=True):
    """What compose files, Kubernetes manifests, Helm charts and the pipeline say, in the order of the files.

    `problems` name files that could not be read, with the line. A builder is "docker", "docker-legacy" (without
    BuildKit), "buildx", "buildkit", "buildah", "kaniko" or "podman".
    """

    facts: tuple[DeploymentFact, ...]
    problems: tuple[str, ...]

    def of(self, *kinds: DeploymentKind, dockerfile: str = "") -> tuple[DeploymentFact, ...]:
        """The facts of these kinds; with `dockerfile`, without those that are of another one."""
        return tuple(
            fact
            for fact in self.facts
            if fact.kind in kinds and (not dockerfile or fact.dockerfile in ("", dockerfile))
        )


class Project(Struct, frozen=True):
    """The source folder `root`, read. Paths in it are relative and with `/`.

    `build_outputs`: folders that the build writes. `runtime_paths`: what the started service reads besides
    its build output and packages (static files, views, package.json). `writable_paths`: folders it writes to.
    `routes`: paths it answers on GET, found in its source, without parameters. `context_bytes`: size of each top-level
    name as a `COPY . .` would send it, .dockerignore applied. `unresolved_*`: file accesses whose path the source does
    not tell (the value is the expression). `absent_reads`: what it reads, and an installation or a build must make.
    `programs`: what it starts as child processes, `*` where that is computed.
    `imports`: packages that it loads as it starts, as far as its sources tell and no bundler took them up.
    `chosen_by_mode`: where it takes other settings in production than where NODE_ENV is not set.
    `token_files`: settings of package managers (`.npmrc`) in which a token itself stands, not a variable's name.
    """

    root: Path
    manifest: Manifest | None
    package_manager: PackageManager | None
    lock: Lock | None
    node_versions: tuple[Fact, ...]
    framework: str | None
    build_script: str | None
    build_outputs: tuple[str, ...]
    build_inputs: tuple[str, ...]
    start: StartCommand | None
    ports: tuple[Fact, ...]
    routes: tuple[Fact, ...]
    runtime_paths: tuple[Fact, ...]
    writable_paths: tuple[Fact, ...]
    libc: tuple[LibcNeed, ...]
    lifecycle_scripts: tuple[str, ...]
    dockerignore: str | None
    context_bytes: Mapping[str, int]
    problems: tuple[str, ...]
    unresolved_reads: tuple[Fact, ...] = ()
    unresolved_writes: tuple[Fact, ...] = ()
    absent_reads: tuple[Fact, ...] = ()
    programs: tuple[Fact, ...] = ()
    php: Php | None = None
    python: Python | None = None
    imports: tuple[Fact, ...] = ()
    chosen_by_mode: Fact | None = None
    token_files: tuple[str, ...] = ()
    manager: ManagerFacts | None = None
    workspace: Workspace | None = None
    built_on: Framework | None = None
