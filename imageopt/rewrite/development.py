"""Whether what a service is started with is there for development only, and would go with the packages that are."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from imageopt.project.app import app_manifest
from imageopt.project.files import exists
from imageopt.project.model import Fact, Lock, Project, StartCommand
from imageopt.project.scripts import DEV_RUNNERS, commands, is_plain, reachable_commands
from imageopt.project.start import entry_of, start_lines

_NEST_RUNS = "start:prod"
_ONLY_RUN = {
    "ts-node",
    "ts-node-dev",
    "tsx",
    "nodemon",
    "esbuild-register",
    "@swc-node/register",
    "cross-env",
    "dotenv-cli",
}


def started_with(project: Project) -> str | None:
    """The development package that starts the service or that it loads as it starts, or None."""
    return _starting(project) or (loaded.value if (loaded := _loaded(project)) else None)


def who_starts(project: Project, otherwise: str = "the service starts with") -> str:
    """What needs the package that `started_with` gives, and how, in words; `otherwise` where no source loads it."""
    loaded = None if _starting(project) else _loaded(project)
    return f"{loaded.source} loads" if loaded else otherwise


def chooses(project: Project) -> str:
    """Why NODE_ENV stays as it is where it decides which settings are taken; "" where it does not."""
    place = project.chosen_by_mode
    return f"{place.source} chooses settings by NODE_ENV: set it where the container is started" if place else ""


def _starting(project: Project) -> str | None:
    start, manifest = project.start, app_manifest(project)
    if start is None or manifest is None:
        return None
    return called_by(project, start_lines(start, manifest.scripts))


def _loaded(project: Project) -> Fact | None:
    """The first package that the sources load, and that only a development dependency brings."""
    manifest, packages = app_manifest(project), project.lock.packages if project.lock else ()
    if manifest is None or not project.imports:
        return None
    dev = {package.name for package in packages if package.dev} - {item.name for item in packages if not item.dev}
    return next((fact for fact in project.imports if fact.value in dev - set(manifest.dependencies)), None)


def starts_what_writes(project: Project) -> bool:
    """Whether a development package that may make and remove folders is started: a compiler, and no mere runner."""
    start, manifest = project.start, app_manifest(project)
    if start is None or manifest is None:
        return False
    return any(name not in _ONLY_RUN for name in _called(project, start_lines(start, manifest.scripts)))


def built_start(project: Project) -> tuple[StartCommand, tuple[str, ...]] | None:
    """For `nest start`, which compiles and then runs: what runs alone, and the command for it; None for any other.

    Without a handler of its own for SIGTERM the service keeps npm above it, which ends when asked.
    """
    start, manifest = project.start, project.manifest
    if start is None or manifest is None or start.script not in ("nest start", "npx nest start"):
        return None
    script = manifest.scripts.get(_NEST_RUNS, "")
    found = commands(script) or ()
    if not is_plain(script) or found[0][0] != "node" or entry_of(found[0]) is None:
        return None
    argv = found[0]
    if not start.handles_sigterm and project.package_manager != "npm":
        return None
    around = {f"pre{_NEST_RUNS}", f"post{_NEST_RUNS}", "prestart", "poststart"} & set(manifest.scripts)
    runs = replace(start, script=script, argv=argv, reason="it is what `nest start` runs after it compiled")
    return None if around else (runs, argv if start.handles_sigterm else ("npm", "run", _NEST_RUNS))


def running_lock(project: Project) -> Lock | None:
    """The lock file with every package that the running service may load: all where a development one starts it."""
    lock = project.lock
    if lock is None or started_with(project) is None:
        return lock
    return replace(lock, packages=tuple(replace(package, dev=False) for package in lock.packages))


def called_by(project: Project, lines: Iterable[str]) -> str | None:
    """The first development package that one of these shell lines calls, through package.json's scripts too."""
    return next(_called(project, lines), None)


def _called(project: Project, lines: Iterable[str]) -> Iterator[str]:
    manifest, lock = app_manifest(project), project.lock
    if manifest is None:
        return
    dev = {package.name for package in lock.packages if package.dev} if lock else set()
    dev |= set(manifest.dev_dependencies) - set(manifest.dependencies)
    words = (words for line in lines for words in reachable_commands(line, manifest.scripts))
    yield from (name for found in words for word in found for name in _may_name(project, word) if name in dev)


def _may_name(project: Project, word: str) -> Iterator[str]:
    """The packages that a word may be of: a program, `--require=ts-node/register`, `node_modules/.bin/nodemon`."""
    word = word.partition("=")[2] or word
    program = word.rpartition("/")[2]
    yield DEV_RUNNERS.get(program, program)
    inner = word.rpartition("node_modules/")[2]
    if "/" in word and not inner.startswith((".", "/")) and not exists(project.root, inner):
        parts = inner.split("/")
        yield "/".join(parts[: 2 if inner.startswith("@") else 1])
