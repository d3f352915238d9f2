"""Whether what a service is started with is there for development only, and would go with the packages that are."""

from collections.abc import Iterable
from dataclasses import replace

from imageopt.project.app import app_manifest
from imageopt.project.model import Lock, Project
from imageopt.project.scripts import DEV_RUNNERS, reachable_commands


def started_with(project: Project) -> str | None:
    """The development package that the service is started with, or None."""
    start, manifest = project.start, app_manifest(project)
    if start is None or start.argv is not None or manifest is None:
        return None
    return called_by(project, (start.script, "npm start"))


def running_lock(project: Project) -> Lock | None:
    """The lock file with every package that the running service may load: all where a development one starts it."""
    lock = project.lock
    if lock is None or started_with(project) is None:
        return lock
    return replace(lock, packages=tuple(replace(package, dev=False) for package in lock.packages))


def called_by(project: Project, lines: Iterable[str]) -> str | None:
    """The first development package that one of these shell lines calls, through package.json's scripts too."""
    manifest, lock = app_manifest(project), project.lock
    if manifest is None:
        return None
    dev = {package.name for package in lock.packages if package.dev} if lock else set()
    dev |= set(manifest.dev_dependencies) - set(manifest.dependencies)
    words = (words for line in lines for words in reachable_commands(line, manifest.scripts))
    programs = [item.rpartition("/")[2] for found in words for item in found]
    return next((package for name in programs if (package := DEV_RUNNERS.get(name, name)) in dev), None)
