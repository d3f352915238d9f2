"""A source folder -> Project: every fact that the later stages need, read and never run.

The order matters in one place: the Dockerfile's ENV decides what `process.env.X ?? default` means, so it is read first.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from imageopt.dockerfile.ignore import IgnoreRules, parse_ignore
from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.parser import parse
from imageopt.dockerfile.read import read_dockerfile
from imageopt.errors import InputError
from imageopt.project.app import built_for_app, run_with_app
from imageopt.project.builds import Build, joined, read_build
from imageopt.project.context import context_bytes, ignore_file
from imageopt.project.decorated_routes import decorated_routes
from imageopt.project.file_use import FileUse, file_use
from imageopt.project.files import exists, inside, read_text
from imageopt.project.frameworks import read_framework
from imageopt.project.imports import imported_packages
from imageopt.project.libc import libc_needs
from imageopt.project.lock import LOCK_FILES, package_manager, read_lock
from imageopt.project.managers import manager_facts
from imageopt.project.manifest import framework, lifecycle_scripts, read_manifest
from imageopt.project.members import read_members
from imageopt.project.mode import chosen_by_mode
from imageopt.project.model import Fact, Manifest, Project, Workspace
from imageopt.project.named_paths import named_paths, written_by_packages
from imageopt.project.node_version import node_versions
from imageopt.project.page_routes import page_routes
from imageopt.project.php import read_php
from imageopt.project.python import read_python
from imageopt.project.routes import find_ports, find_routes, handles_sigterm
from imageopt.project.sources import read_sources
from imageopt.project.start import start_command
from imageopt.project.started_files import started_files
from imageopt.project.tokens import token_files
from imageopt.project.workspace import workspace


def read_project(root: Path, *, dockerfile: str = "Dockerfile") -> Project:
    """The facts about the folder; `dockerfile` is relative to it. Raises InputError where `root` is no folder."""
    if not root.is_dir():
        raise InputError(f"{root} is not a folder", "name the folder that holds the Dockerfile")
    tree = _dockerfile(root, dockerfile)
    manifest, problems = read_manifest(root)
    manager = package_manager(root, manifest, _used_managers(tree))
    members = read_members(root)
    space = workspace(root, members, tree, dockerfile)
    running = run_with_app(space) if space else ()
    build = joined(tuple(read_build(root, member.manifest, member.folder) for member in running))
    build = build if running else read_build(root, manifest)
    start = start_command(root, manifest, tree, handles_sigterm=False, workspace=space)
    packages = tuple(member.folder for member in running)
    sources = read_sources(root, build, start, image_environment(tree), packages)
    lock = read_lock(root, manifest, manager, members)
    ignore_text = read_text(root, ignore_file(root, dockerfile))
    ignored = parse_ignore(ignore_text or "")
    sizes, size_problems = context_bytes(root, ignored)
    use = file_use(root, sources)
    manifests = (manifest, *(member.manifest for member in running))
    depended = {name for item in manifests if item for name in item.dependencies}
    named = named_paths(root, sources, depended, start.folder if start else "")
    scripts = running[-1].manifest.scripts if running else manifest.scripts if manifest else {}
    started = started_files(root, start, scripts, image_environment(tree))
    built_as = framework(running[-1].manifest if running else manifest) if manifest else None
    mode = None if "NODE_ENV" in image_environment(tree) else chosen_by_mode(root, sources, depended)
    php = read_php(root, tree, dockerfile)
    locks = [name for name in LOCK_FILES if exists(root, name)]
    if len({LOCK_FILES[name] for name in locks}) > 1:
        problems = (*problems, f"there are lock files of several package managers: {', '.join(locks)}")
    return Project(
        root=root,
        manifest=manifest,
        package_manager=manager,
        lock=lock,
        node_versions=node_versions(root, tree, dockerfile),
        framework=built_as,
        build_script=build.script,
        build_outputs=(php.asset_outputs if php else ()) or build.outputs,
        build_inputs=build.inputs,
        start=replace(start, handles_sigterm=handles_sigterm(sources)) if start else None,
        ports=find_ports(sources),
        routes=_once(
            (
                *find_routes(root, sources),
                *decorated_routes(sources),
                *page_routes(root, built_as, packages[-1] if packages else ""),
            )
        ),
        runtime_paths=_runtime_paths(root, _sent((*use.reads, *_unwritten(named, use), *started), ignored), build),
        absent_reads=_absent_reads(root, use, build),
        writable_paths=_written(use.writes, written_by_packages(depended, start.folder if start else "")),
        libc=libc_needs(lock.packages, scripts_known=lock.tells_scripts) if lock else (),
        lifecycle_scripts=_lifecycle_scripts(manifest, space),
        dockerignore=ignore_text,
        context_bytes=sizes,
        problems=(
            *problems,
            *members.problems,
            *_lock_problems(lock.reason if lock and lock.state == "unknown" else ""),
            *size_problems,
        ),
        unresolved_reads=use.unresolved_reads,
        unresolved_writes=use.unresolved_writes,
        programs=use.programs,
        php=php,
        python=read_python(root),
        manager=manager_facts(root, manager, lock),
        workspace=space,
        built_on=read_framework(root, manifest, build.outputs),
        token_files=token_files(root),
        imports=imported_packages(
            sources, build, start, running[-1].manifest if running else manifest, anywhere=mode is not None
        ),
        chosen_by_mode=mode,
    )


def image_environment(tree: Dockerfile | None) -> Mapping[str, str]:
    """The variables that the last stage's ENV instructions set to a plain value."""
    found: dict[str, str] = {}
    for instruction in tree.stages[-1].instructions if tree and tree.stages else ():
        if instruction.keyword == "ENV":
            for word in instruction.words:
                name, equals, value = word.value.partition("=")
                if equals and "$" not in value:
                    found[name] = value
    return found


def _lifecycle_scripts(manifest: Manifest | None, space: Workspace | None) -> tuple[str, ...]:
    """What an install runs of the project's own: the root's scripts, and those of the members built for the app."""
    manifests = [manifest, *(member.manifest for member in (built_for_app(space) if space else ()))]
    return tuple(script for item in manifests if item for script in lifecycle_scripts(item))


def _once(routes: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple({route.value: route for route in reversed(routes)}.values())[::-1]


def _dockerfile(root: Path, path: str) -> Dockerfile | None:
    where = inside(root, path)
    try:
        return parse(read_dockerfile(where)) if where is not None else None
    except (OSError, InputError):
        return None


def _used_managers(tree: Dockerfile | None) -> tuple[str, ...]:
    text = "\n".join(i.arguments for i in tree.instructions if i.keyword in ("RUN", "CMD")) if tree else ""
    return tuple(name for name in ("npm", "yarn", "pnpm", "bun") if re.search(rf"(?<![\w./-]){name}(?![\w./-])", text))


def _written(writes: tuple[Fact, ...], by_packages: tuple[Fact, ...]) -> tuple[Fact, ...]:
    found = tuple(fact for fact in writes if not fact.value.startswith("/tmp"))  # noqa: S108
    known = {fact.value for fact in found}
    return (*found, *(fact for fact in by_packages if fact.value not in known))


def _unwritten(named: tuple[Fact, ...], use: FileUse) -> Iterator[Fact]:
    """What of it is no folder that the service itself writes to."""
    written = {fact.value for fact in use.writes}
    return (fact for fact in named if fact.value not in written)


def _sent(facts: tuple[Fact, ...], ignored: IgnoreRules) -> tuple[Fact, ...]:
    """What of it the build context holds, or a part of: what is ignored is in no image, as it stands now either."""
    return tuple(fact for fact in facts if ignored.may_hold_included(fact.value))


def _absent_reads(root: Path, use: FileUse, build: Build) -> tuple[Fact, ...]:
    """What is read and neither lies in the source folder nor is written by the service or by the build."""
    made = {*build.outputs, *(fact.value for fact in use.writes)}
    return tuple(
        fact
        for fact in use.reads
        if not fact.value.startswith("/") and posixpath.basename(fact.value) != ".env"
        if not exists(root, fact.value) and not any(f"{fact.value}/".startswith(f"{folder}/") for folder in made)
    )


def _runtime_paths(root: Path, reads: tuple[Fact, ...], build: Build) -> tuple[Fact, ...]:
    """What is read and lies in the source folder; what the build writes is a build output already."""
    folders = set(build.outputs)
    kept: dict[str, Fact] = {}
    for fact in reads:
        if fact.value in (".", "/") or fact.value.startswith("/"):
            continue
        if any(fact.value == folder or fact.value.startswith(f"{folder}/") for folder in folders):
            continue
        if exists(root, fact.value):
            kept.setdefault(fact.value, fact)
    return tuple(fact for path, fact in kept.items() if not any(path.startswith(f"{other}/") for other in kept))


def _lock_problems(reason: str) -> tuple[str, ...]:
    return (reason,) if reason and not reason.startswith("only ") else ()
