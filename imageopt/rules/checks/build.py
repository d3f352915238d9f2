"""Checks on how a build runs: what its cache can keep, which stages it needs, for which platform it is.

What surprises: an ARG takes part in every RUN below it, whether the RUN names it or not, so a new value runs them all
again. And a stage that nothing uses may still be somebody's `--target`.
"""

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from imageopt.dockerfile.model import Command, Dockerfile, Instruction, Stage
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.pairs import pairs
from imageopt.dockerfile.tools import call
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.steps import Step, every_stage, steps
from imageopt.rules.finding import measured, stated
from imageopt.rules.model import Finding, Rule

_DOWNLOADS = {  # tool -> subcommands that download what the project depends on
    "npm": ("install", "ci"),
    "pnpm": ("install", "fetch"),
    "yarn": ("install",),
    "bun": ("install",),
    "composer": ("install", "update", "create-project"),
    "pip": ("install", "wheel", "download"),
    "go": ("build", "install", "mod"),
    "cargo": ("build", "install", "fetch"),
    "mvn": (),  # its words are goals: all of them download
    "gradle": (),
    "gradlew": (),
    "mvnw": (),
    "bundle": ("install",),
    "poetry": ("install", "sync"),
    "uv": ("sync", "pip"),
    "dotnet": ("restore", "build", "publish"),
}
_FOLDERS = {  # tool -> names by which the folder of its cache is known
    "npm": (".npm",),
    "pnpm": ("pnpm",),
    "yarn": ("yarn",),
    "bun": (".bun", "bun"),
    "composer": ("composer", "/tmp/cache"),  # noqa: S108 (in the image)
    "pip": ("pip",),
    "go": ("go-build", "go/pkg", "gocache", "gomod"),
    "cargo": ("cargo", "sccache"),
    "mvn": (".m2",),
    "mvnw": (".m2",),
    "gradle": (".gradle",),
    "gradlew": (".gradle",),
    "bundle": ("bundle", "gem"),
    "poetry": ("pypoetry", "pip"),
    "uv": ("uv",),
    "dotnet": ("nuget",),
}
_OTHERS = (
    "/var/cache/apt", "/var/lib/apt", "/var/cache/apk", "/etc/apk", "/var/cache/dnf", "/var/cache/yum", ".next",
    ".turbo",
)  # fmt: skip
_NEEDS_NO_CACHE = frozenset(
    ("--offline", "--no-index", "--global", "-mod=vendor", "--version", "-version", "--help", "--dry-run")
)
_SELF = frozenset(("pip", "setuptools", "wheel"))
_VOLATILE = lazy_pattern(
    r"(?:^|_)(?:(?:GIT|VCS|CI|SOURCE|BUILD|GITHUB)_(?:SHA|HASH|REV|REF|REVISION|DATE|TIME|TIMESTAMP|DATETIME|NUMBER|ID"
    r"|TAG|BRANCH|SHORT_SHA|RUN_ID|RUN_NUMBER|PIPELINE_ID|JOB_ID)|COMMIT(?:_(?:SHA|SHORT_SHA|HASH|ID|REF))?|REVISION"
    r"|BUILDTIME|BUILDDATE)$",
    re.IGNORECASE,
)
_NO_VALUE = frozenset(
    ("", "unknown", "none", "dev", "n/a", "null", "local", "head", "main", "master", "latest", "0", "undefined")
)
_INSTALLS = ("apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper")
_STARTS = frozenset(("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "ONBUILD"))
_TARGET_NAME = lazy_pattern(
    r"(?:^|[-_.])(?:dev|devel|development|tests?|testing|lint|check|ci|debug|prod|production|docs?)"
)
_ARCHITECTURE_NAME = lazy_pattern(r"amd64|x86|x64|arm|aarch64|386|ppc64|s390|riscv|mips|loong")


def no_cache_mount(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A RUN that downloads the project's dependencies and has no cache to keep the downloads from build to build."""
    for step in steps(evidence, every_stage(evidence)):
        found = next((command for command in step.commands if _downloads_uncached(step, command)), None)
        if found is not None:
            yield stated(evidence, rule, step.instruction, at=found)


def _downloads_uncached(step: Step, command: Command) -> bool:
    verbs = _DOWNLOADS.get(_tool_name(command))
    if verbs is None:
        return False
    tool, verb, words = _tool_of(command)
    if (verbs and verb not in verbs) or (tool == "go" and verb == "mod" and "download" not in words):
        return False
    named = {word for word in words if not word.startswith("-")}
    if words & _NEEDS_NO_CACHE or (tool == "pip" and named and named <= _SELF):
        return False
    return not cache_mounted(step.instruction, tool)


def cache_mounted(instruction: Instruction, tool: str) -> bool:
    """Whether a cache that may be this language's package manager's is mounted for the RUN."""
    return any(_serves(target, tool) for target in _mounted(instruction))


def _tool_name(command: Command) -> str:
    read = call(command)
    return read.tool if read is not None else command.name.rpartition("/")[2]


def _tool_of(command: Command) -> tuple[str, str, frozenset[str]]:
    """The tool, its subcommand, and the words after it."""
    read = call(command)
    if read is not None:
        return read.tool, read.subcommand, frozenset((*read.options, *(word.value for word in read.operands)))
    words = [word.value for word in command.arguments]
    verb = next((word for word in words if not word.startswith("-")), "")
    return _tool_name(command), verb, frozenset(words)


def _mounted(instruction: Instruction) -> Iterator[str]:
    """The folders on which a cache is mounted, or memory."""
    return (mount.target for mount in mounts_of(instruction) if mount.kind in ("cache", "tmpfs"))


def _serves(target: str, tool: str) -> bool:
    """Whether a cache there may be this tool's; one that is nobody's we know may be anybody's."""
    folder = f"{target.rstrip('/')}/"
    if any(name in folder for name in _FOLDERS[tool]):
        return True
    others = [name for other, names in _FOLDERS.items() if other != tool for name in names]
    return not any(name in folder for name in (*others, *_OTHERS))


def volatile_argument(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A build argument with another value for each commit, above an installation that does not use it."""
    dockerfile = evidence.dockerfile
    for stage in dockerfile.stages if dockerfile is not None else ():
        runs = {step.instruction.start: step for step in steps(evidence, (stage.index,))}
        for place, instruction in enumerate(stage.instructions):
            for pair in pairs(instruction) if instruction.keyword == "ARG" else ():
                default = (pair.value or "").strip("\"'").lower()
                if not _VOLATILE.search(pair.name) or default not in _NO_VALUE:
                    continue
                below = (runs[each.start] for each in stage.instructions[place + 1 :] if each.start in runs)
                for step in below:
                    if any(pair.name in text for text in _texts(step.instruction)):
                        break  # it is asked for
                    if any(_installs(command) for command in step.commands):
                        yield stated(evidence, rule, instruction, at=pair.word)
                        break


def _texts(instruction: Instruction) -> Iterator[str]:
    yield instruction.arguments
    yield from (heredoc.content for heredoc in instruction.heredocs)
    yield from (flag.value for flag in instruction.flags)


def _installs(command: Command) -> bool:
    tool, verb, _ = _tool_of(command)
    return (tool in _INSTALLS and verb in ("install", "add")) or (tool in _DOWNLOADS and verb in _DOWNLOADS[tool])


def unused_stage(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A stage that the last one does not need, and that does not look like a target of its own."""
    dockerfile = evidence.dockerfile
    if dockerfile is None or any(stage.base is None for stage in dockerfile.stages) or not dockerfile.stages:
        return
    uses = {stage.index: set(_uses(dockerfile, stage)) for stage in dockerfile.stages}
    roots = {stage.index for stage in dockerfile.stages if _is_target(stage)} | {len(dockerfile.stages) - 1}
    target = dockerfile.target(evidence.target)
    waiting = list(roots | ({target.index} if target is not None else set()))
    needed: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            waiting += uses[number]
    for stage in dockerfile.stages:
        if stage.index not in needed:
            yield stated(evidence, rule, stage.from_instruction, at=stage.from_instruction.words[-1])


def _uses(dockerfile: Dockerfile, stage: Stage) -> Iterator[int]:
    """The numbers of the stages that this one is built on, copies from or mounts."""
    if stage.parent is not None:
        yield stage.parent
    for instruction in stage.instructions:
        mounts = (flag.value.split(",") for flag in instruction.flags if flag.name == "mount")
        sources = (option.partition("=")[2] for mount in mounts for option in mount if option.startswith("from="))
        for reference in (instruction.flag("from"), *sources):
            if reference is not None and "$" in reference:
                yield from range(stage.index)  # it may be any of them
            elif reference and (found := dockerfile.stage_named(reference, before=instruction.start)) is not None:
                yield found.index


def _is_target(stage: Stage) -> bool:
    """Whether somebody may build just this stage: by its name, its way to start, or files that are to be exported."""
    starts = any(each.keyword in _STARTS for each in stage.instructions)
    return stage.name is not None and (starts or stage.base == "scratch" or bool(_TARGET_NAME.search(stage.name)))


def platform_flag(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """FROM with the platform that it has anyway, or with one that no builder can change.

    A stage whose name tells its architecture, and a file that puts several together, mean it.
    """
    dockerfile = evidence.dockerfile
    told = [
        (stage, flag)
        for stage in (dockerfile.stages if dockerfile is not None else ())
        for flag in stage.from_instruction.flags
        if flag.name == "platform"
    ]
    constants = {flag.value for _, flag in told if "$" not in flag.value and not flag.value.startswith("windows")}
    for stage, flag in told:
        if flag.value.strip("\"'") in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
            message = "A stage is for the target's platform anyway: the flag says nothing."
            yield stated(evidence, rule, stage.from_instruction, message=message, at=flag)
        elif constants == {flag.value} and not _ARCHITECTURE_NAME.search(stage.name or ""):
            yield stated(evidence, rule, stage.from_instruction, at=flag)


def mergeable_runs(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Files that one RUN writes and the next writes again: in one RUN they would be stored once."""
    if evidence.image is None:
        return
    layers = {id(origin.instruction): n for n, origin in enumerate(evidence.origins) if origin and not origin.base}
    rewritten: dict[tuple[int, int], list[int]] = {}
    for index, record in enumerate(evidence.image.files):
        if record.death is not None and evidence.classes[index] == ("overwritten", None, record.death):
            rewritten.setdefault((record.birth, record.death), []).append(index)
    for first, second in _neighbours(evidence):
        pair = (layers.get(id(first), -1), layers.get(id(second), -1))
        finding = measured(evidence, rule, second, rewritten.get(pair, []), pair)
        if (finding.saving.bytes or 0) >= int(rule.parameters["least_bytes"]):
            yield finding


def _neighbours(evidence: Evidence) -> Iterator[tuple[Instruction, Instruction]]:
    """Two RUNs of a shipped stage with nothing between them."""
    for stage in dict.fromkeys(step.stage.index for step in steps(evidence)):
        assert evidence.dockerfile is not None
        for first, second in pairwise(evidence.dockerfile.stages[stage].instructions):
            if first.keyword == second.keyword == "RUN":
                yield first, second
