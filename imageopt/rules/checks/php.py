"""Checks on PHP images: what composer, pecl and docker-php-ext-install leave behind, and what production does not run.

What surprises: `vendor` is often made in a stage of its own and copied, so that stage's last composer run decides.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from imageopt.dockerfile.model import Stage
from imageopt.dockerfile.tools import Call
from imageopt.evidence import causes
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import split_reference
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.held import held
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import (
    Step,
    certain,
    copies,
    for_development,
    kept,
    mounts,
    steps,
    with_ancestors,
)
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_TRUE = lazy_pattern(r"1|true|yes|on", re.IGNORECASE)
_INSTALLS = frozenset(("install", "update", "require", "create-project"))
_COMPOSER = frozenset(
    ("usr/bin/composer", "usr/local/bin/composer", "usr/bin/composer.phar", "usr/local/bin/composer.phar")
)
_COMPOSER_CACHES = ("/root/.composer", "/root/.cache/composer", "/tmp/cache")  # noqa: S108 (in the image)
_EMPTIED = lazy_pattern(r"composer|/\.cache(?:/|$)|^/tmp/(?:\*|cache)")
_FOR_BUILDING = lazy_pattern(
    r".+-dev$|build-essential$|build-base$|autoconf$|g\+\+$|gcc$|make$|pkg(?:conf|-config)$|re2c$|\$\{?PHPIZE_DEPS\}?$"
)
_EXTENSION_TOOLS = frozenset(("docker-php-ext-install", "docker-php-ext-configure", "pecl"))
_XDEBUG = lazy_pattern(r"(?:php\d*(?:\.\d+)?-(?:pecl-)?)?xdebug(?:[-@^].*)?$")


class _Run(NamedTuple):
    """A composer run that installs packages, and the RUN it is in."""

    step: Step
    tool: Call

    @property
    def with_dev(self) -> bool:
        """Whether it installs what only development needs."""
        setting = self.step.environment.variables.get("COMPOSER_NO_DEV", "")
        return not self.tool.has("--no-dev") and not _TRUE.fullmatch(setting)


def dev_packages(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """composer's development packages in the image; without one, a run that installs them for it."""
    if for_development(evidence):
        return
    packages = evidence.image.packages.libraries if evidence.image is not None else ()
    if evidence.image is not None and all(each.dev is not None for each in packages if each.manager == "composer"):
        yield from billed(evidence, rule, now)
        return
    project = evidence.project.php if evidence.project is not None else None
    if project is None or project.require_dev:
        for run in runs_for_the_image(evidence):
            if run.with_dev:
                yield stated(evidence, rule, run.step.instruction, at=run.tool.verb)


def composer_left(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """composer's downloads and composer itself in the image; without one, a run that is bound to leave downloads."""
    if evidence.image is not None:
        words = " ".join((*evidence.image.config.entrypoint, *evidence.image.config.cmd))
        programs = (index for index, record in evidence.own_files if record.path in _COMPOSER)
        staying = () if "composer" in words else programs
        yield from held(evidence, rule, [*evidence.files_of_causes.get(rule.name, ()), *staying])
        return
    for step in _composer_steps(evidence):
        filling = [tool for tool in step.calls if _installs(tool) and not tool.has("--no-cache")]
        if filling and not _cache_goes(step):
            yield stated(evidence, rule, step.instruction, at=filling[0].verb)


def extension_build_packages(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Headers and compilers that were installed to build PHP's extensions and stay."""
    text = evidence.dockerfile.text if evidence.dockerfile is not None else ""
    if ("docker-php-ext" not in text and "pecl" not in text) or for_development(evidence):
        return
    ran = list(steps(evidence))
    if not any(tool.tool in _EXTENSION_TOOLS for step in ran for tool in step.calls):
        return
    if evidence.image is not None:
        yield from held(evidence, rule, evidence.files_of_causes.get(causes.BUILD_TOOLS, ()))
        return
    for step in ran:
        words = kept(step.calls, _FOR_BUILDING.match)
        if words:
            yield stated(evidence, rule, step.instruction, at=words[0])


def xdebug(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Xdebug in the image; without one, a command that puts it there whatever the build arguments say."""
    if for_development(evidence):
        return
    if evidence.image is not None:
        yield from held(evidence, rule, [i for i, record in evidence.own_files if record.path.endswith("/xdebug.so")])
        return
    for step in steps(evidence) if evidence.dockerfile is not None and "xdebug" in evidence.dockerfile.text else ():
        for command in certain(step.commands):
            if command.name in ("rm", "echo", "docker-php-ext-configure"):
                continue
            named = next((word for word in command.arguments if _XDEBUG.match(word.value)), None)
            if named is not None and any(word.value in _PUTS_THERE for word in command.words):
                yield stated(evidence, rule, step.instruction, at=named)
                break


_PUTS_THERE = frozenset(("install", "add", "docker-php-ext-enable", "docker-php-ext-install", "install-php-extensions"))


def opcache_or_autoloader(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A web server's PHP without opcache, and an autoloader that looks for each class on the disk."""
    if for_development(evidence) or evidence.dockerfile is None:
        return
    stage = evidence.dockerfile.target(evidence.target)
    if stage is not None and _serves_without_opcache(evidence, stage, rule):
        yield stated(evidence, rule, stage.from_instruction, message="PHP serves requests without opcache.")
    project = evidence.project.php if evidence.project is not None else None
    if project is None or project.optimizes_autoloader:
        return
    runs = list(runs_for_the_image(evidence))
    optimised = any(
        tool.has("--optimize-autoloader", "--classmap-authoritative", "--apcu-autoloader")
        for number in {item for run in runs for item in with_ancestors(evidence.dockerfile, run.step.stage)}
        for step in steps(evidence, (number,))
        for tool in step.calls
        if tool.tool == "composer"
    )
    if runs and not optimised:
        text = "composer's autoloader looks for each class on the disk."
        yield stated(evidence, rule, runs[-1].step.instruction, message=text, at=runs[-1].tool.verb)


def development_files(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Tests and manuals of composer's packages, and npm packages that no Node is there to run."""
    if evidence.image is None:
        return
    vendors = [
        record.path.removesuffix("autoload.php")
        for record in evidence.image.files
        if record.death is None and record.path.endswith("vendor/autoload.php")
    ]
    if not vendors:
        return
    has_node = any(record.path.endswith("bin/node") for record in evidence.image.files if record.death is None)
    below = tuple(vendors)
    folders: dict[str, bool] = {}
    found = []
    for index, record in evidence.own_files:
        folder = record.path.rpartition("/")[0]
        if folder not in folders:
            of_package = record.path.startswith(below) and _ASIDE.search(f"{folder}/") is not None
            folders[folder] = of_package or (not has_node and "/node_modules/" in f"/{folder}/")
        if folders[folder] and evidence.classes[index].cause is None:
            found.append(index)
    yield from held(evidence, rule, found)


_ASIDE = lazy_pattern(r"/vendor/[^/]+/[^/]+/(?:tests?|docs?|documentation|examples?)/", re.IGNORECASE)


def runs_for_the_image(evidence: Evidence) -> Iterator[_Run]:
    """The composer runs whose packages the image gets: each shipped RUN's last, and the last of a stage copied from."""
    dockerfile = evidence.dockerfile
    if dockerfile is None or "composer" not in dockerfile.text:
        return
    seen: set[int] = set()
    for step in steps(evidence):
        runs = _runs(step)
        if runs:
            seen.add(step.instruction.line)
            yield runs[-1]
    last: dict[int, _Run | None] = {}  # by the number of the stage
    for copied in copies(evidence):
        if copied.stage.index not in last:
            ran = steps(evidence, with_ancestors(dockerfile, copied.stage))
            last[copied.stage.index] = next(reversed([run for step in ran for run in _runs(step)]), None)
        made = last[copied.stage.index]
        if made is not None and made.step.instruction.line not in seen and _brings_vendor(copied.sources, made):
            seen.add(made.step.instruction.line)
            yield made


def _runs(step: Step) -> list[_Run]:
    return [
        _Run(step, tool) for tool in step.calls if tool.tool == "composer" and tool.subcommand in ("install", "update")
    ]


def _brings_vendor(sources: Sequence[str] | None, run: _Run) -> bool:
    """Whether one of the copied paths is the folder `vendor`, or one above the folder where composer ran."""
    place = run.step.environment.workdir or "/app"  # where composer's own image works
    return any(path.endswith("/vendor") or f"{place}/".startswith(f"{path.rstrip('/')}/") for path in sources or ())


def _composer_steps(evidence: Evidence) -> Iterator[Step]:
    if evidence.dockerfile is not None and "composer" in evidence.dockerfile.text:
        yield from steps(evidence)


def _installs(tool: Call) -> bool:
    """Whether it downloads packages, `composer global require` included."""
    verb = tool.operands[0].value if tool.subcommand == "global" and tool.operands else tool.subcommand
    return tool.tool == "composer" and verb in _INSTALLS


def _cache_goes(step: Step) -> bool:
    """Whether composer's downloads never reach the layer: mounted over, switched off, or removed in the same RUN."""
    known = step.environment.variables
    elsewhere = known.get("COMPOSER_CACHE_DIR", "")
    folders = [path for path in (elsewhere, known.get("COMPOSER_HOME", "")) if path]
    if elsewhere == "/dev/null" or mounts(step.instruction, *_COMPOSER_CACHES, *folders):
        return True
    return any(
        (tool.tool == "composer" and tool.subcommand == "clear-cache")
        or (tool.tool == "rm" and any(_EMPTIED.search(word.value) for word in tool.operands))
        for tool in step.calls
    ) or any("COMPOSER_CACHE_DIR=/dev/null" in word.raw for command in step.commands for word in command.assignments)


def _serves_without_opcache(evidence: Evidence, stage: Stage, rule: Rule) -> bool:
    """Whether the official image for a web server has no opcache; the image shows it, the name of an old one too."""
    assert evidence.dockerfile is not None
    numbers = with_ancestors(evidence.dockerfile, stage)
    name, tag = split_reference(evidence.dockerfile.stages[numbers[0]].base or "")
    version = re.match(r"(\d{1,3})\.(\d{1,3})", tag)
    official = name.removeprefix("docker.io/").removeprefix("library/") == "php"
    if not official or version is None or not re.search(r"-(?:fpm|apache)", tag):
        return False
    until = rule.parameters["built_in" if evidence.image is not None else "enabled"]
    if (int(version[1]), int(version[2])) >= tuple(int(part) for part in str(until).split(".")):
        return False
    if evidence.image is not None:
        return not any("opcache" in record.path and record.path.endswith(".ini") for record in evidence.image.files)
    return not any(
        "opcache" in evidence.dockerfile.source(i) for n in numbers for i in evidence.dockerfile.stages[n].instructions
    )
