"""Globally installed npm packages: those of the build, those that serve nothing, and pm2, which runs the service.

What starts the service has to be where it runs. pm2 is plain JavaScript, so it is installed again in the second stage;
of any other tool it is not known what it needs.
"""

import re
from collections.abc import Iterator

from imageopt.project.model import Project
from imageopt.project.scripts import DEV_RUNNERS, commands, reachable_commands
from imageopt.rewrite.ground import Ground
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import RuntimeSystem
from imageopt.rules.checks.node_install import package_name

_AGAIN = "pm2"
_PACKAGE = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]+(?:@[\w.^~<>=|*+-]+)?")  # of a registry
_FLAG = re.compile(r"-g|--(?:global|location=global|no-[a-z-]+|production|omit=dev|unsafe-perm|silent|quiet)")
_VERBS = ("install", "i", "add")


def uses_global(ground: Ground, words: tuple[str, ...]) -> bool:
    """Whether the build calls a program of these globally installed packages that the lock file does not bring."""
    programs = _programs_of(words)
    if "npm" in programs:
        return True
    project = ground.project
    scripts = project.manifest.scripts if project.manifest else {}
    locked = {package.name for package in project.lock.packages} if project.lock else set()
    for step in ground.found.build:
        if step.instruction.keyword != "RUN":
            continue
        line = step.text or step.instruction.arguments
        if any(called[0] in programs for called in commands(re.sub(r"^RUN\s+", "", line)) or () if called):
            return True  # only npm's scripts and npx look into node_modules
        for called in reachable_commands(line, scripts):
            name = called[1] if called[0] == "npx" and len(called) > 1 else called[0]
            if name in programs and programs[name] not in locked:
                return True
    return False


def started_globals(project: Project, found: Survey, system: RuntimeSystem) -> tuple[str, ...]:
    """Why global packages cannot stay behind: what is started calls them, or may, and they cannot be had otherwise."""
    return tuple(_objections(project, found, system))


def _objections(project: Project, found: Survey, system: RuntimeSystem) -> Iterator[str]:
    locked = _locked(project)
    both = {f"RUN {line}" for line in found.certificates}
    settings = any(  # made in the first stage alone
        step.instruction.keyword == "RUN" and step.text not in both for step in found.before_install
    )
    for run, command in found.globals:
        started = (name for program, name in _programs_of(command.words).items() if program in system.programs)
        for package in dict.fromkeys(started):
            again = package == _AGAIN and not settings and _again(command.words)
            if package not in locked and not again:
                yield f"line {run.line} installs {package}, which starts the service"


def installed_again(ground: Ground) -> Iterator[str]:
    """The commands that install in the second stage what starts the service there."""
    for _, command in ground.found.globals:
        programs = {program for program, name in _programs_of(command.words).items() if name == _AGAIN}
        if programs & ground.system.programs and _AGAIN not in _locked(ground.project):
            yield " ".join(_again(command.words))


def _again(words: tuple[str, ...]) -> tuple[str, ...]:
    """The installation of pm2 alone; empty where it is not known which word is what."""
    kept = [word for word in words[1:] if word in _VERBS or _FLAG.fullmatch(word)]
    others = [word for word in words[1:] if word not in kept]
    if words[0] != "npm" or not all(_PACKAGE.fullmatch(word) and word[0] != "-" for word in others):
        return ()
    return ("npm", *kept, *(word for word in others if _name(word) == _AGAIN))


def _locked(project: Project) -> set[str]:
    return {package.name for package in project.lock.packages if not package.dev} if project.lock else set()


def _named(words: tuple[str, ...]) -> list[str]:
    return [word for word in words[1:] if not word.startswith("-") and word not in (*_VERBS, "global")]


def _name(package: str) -> str:
    """The package's name; of one that is no registry's, the last part of its address."""
    name = package_name(package)
    return name if _PACKAGE.fullmatch(package) else name.rstrip("/").rpartition("/")[2]


def _programs_of(words: tuple[str, ...]) -> dict[str, str]:
    """The programs that a global installation brings, each with its package."""
    named = {_name(item) for item in _named(words)}
    programs = {program: package for program, package in DEV_RUNNERS.items() if package in named}
    return programs | {name.rpartition("/")[2]: name for name in sorted(named)}
