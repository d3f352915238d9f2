"""Checks on the system's package managers: what they leave in a layer, when they ask, when their index is too old.

What surprises: order decides. What is emptied above the last installation is full again below it.
"""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.model import Command, Instruction
from imageopt.dockerfile.tools import Call
from imageopt.evidence.model import Evidence
from imageopt.rules.checks.match import shipped
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import Step, every_stage, kept, mounts, steps
from imageopt.rules.finding import measured, stated
from imageopt.rules.model import Finding, Rule

_APT = frozenset(("apt-get", "apt"))
_RPM = frozenset(("yum", "dnf", "microdnf"))
_APT_LISTS = "/var/lib/apt/lists"
_CACHES = (  # tools, what fills the cache, its folders
    (frozenset(("apk",)), frozenset(("add", "update", "upgrade", "fix")), ("/var/cache/apk", "/etc/apk/cache")),
    (
        _RPM,
        frozenset(("install", "upgrade", "reinstall", "groupinstall", "group", "module", "builddep", "makecache")),
        ("/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"),
    ),
    (frozenset(("zypper",)), frozenset(("install", "update", "dup", "patch", "refresh")), ("/var/cache/zypp",)),
)
_REFRESHES = {"apt-get": "update", "apt": "update", "apk": "update", "zypper": "refresh"}
_USE_NO_INDEX = frozenset((
    "rm", "echo", "printf", "true", ":", "mkdir", "touch", "chown", "chmod", "ln", "cp", "mv", "set", "export", "cd",
    "sed", "cat", "curl", "wget", "tar", "useradd", "groupadd", "adduser", "addgroup",
))  # fmt: skip
_ASKS = {  # tool -> what asks for a yes before it goes on
    **dict.fromkeys(_APT, frozenset(
        ("install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "remove", "purge", "autoremove")
    )),
    **dict.fromkeys(("yum", "dnf"), frozenset(
        ("install", "upgrade", "reinstall", "groupinstall", "remove", "autoremove", "builddep")
    )),
    "zypper": frozenset(("install", "update", "dup", "patch", "remove")),
}  # fmt: skip
_SAYS_YES = ("--yes", "--assumeyes", "--no-confirm", "--non-interactive", "--dry-run", "--simulate", "--force-yes")
_UPGRADES = frozenset(("upgrade", "dist-upgrade", "full-upgrade"))
_WILD = "*?[{$`"


def apt_lists(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """apt's package lists in the image; without one, an update whose lists no later command of the RUN removes."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    for step in steps(evidence):
        updates = [command for command, tool in step.ran if tool.tool in _APT and tool.subcommand == "update"]
        if updates and not mounts(step.instruction, _APT_LISTS) and not emptied(step, updates[-1], _APT_LISTS):
            yield stated(evidence, rule, step.instruction, at=updates[-1])


def package_cache(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Package managers' caches in the image; without one, a RUN that fills one and does not empty it after that."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    for step in steps(evidence):
        for tools, verbs, folders in _CACHES:
            filling = [
                command
                for command, tool in step.ran
                if tool.tool in tools
                and tool.subcommand in verbs
                and not tool.has("--no-cache", "--no-network", "--root", "--installroot")
            ]
            if not filling or mounts(step.instruction, *folders):
                continue
            cleaned = any(
                tool.tool in tools and tool.subcommand == "clean" and command.start > filling[-1].start
                for command, tool in step.ran
            )
            if not cleaned and not any(emptied(step, filling[-1], folder) for folder in folders):
                yield stated(evidence, rule, step.instruction, at=filling[-1])


def tools(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """Packages for people and builds in the image; without one, those that a RUN installs and nothing in it removes.

    `packages` of the rule are patterns for their names. What the container starts, or its health check calls, is meant.
    """
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    wanted = re.compile("|".join(rule.parameters["packages"]))
    called = " ".join(item.arguments for item in _starts(evidence))
    for step in steps(evidence):
        if any(command.name == "apt-mark" for command in step.commands):
            continue  # what was installed for the build goes with the next purge
        found = next((word for word in kept(step.calls, wanted.fullmatch) if word.value not in called), None)
        if found is not None:
            yield stated(evidence, rule, step.instruction, at=found)


def _starts(evidence: Evidence) -> Iterator[Instruction]:
    dockerfile = evidence.dockerfile
    for _, instruction in shipped(dockerfile, evidence.target) if dockerfile is not None else ():
        if instruction.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            yield instruction


def update_alone(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """An index that one RUN fetches for another: once cached, it is never fetched again."""
    for step in steps(evidence, every_stage(evidence)):
        ran = step.ran
        updates = [command for command, tool in ran if _REFRESHES.get(tool.tool) == tool.subcommand]
        if not updates or mounts(step.instruction, _APT_LISTS, "/var/cache/apk", "/etc/apk/cache", "/var/cache/zypp"):
            continue
        tools = {id(command): tool for command, tool in ran}
        after = [command for command in step.commands if command.start > updates[-1].start]
        if not any(_may_install(command, tools.get(id(command))) for command in after):
            yield stated(evidence, rule, step.instruction, at=updates[-1])


def interactive(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A command that waits for a yes, which no build gives. An image that exists shows that none was needed."""
    dockerfile = evidence.dockerfile
    if dockerfile is None or evidence.image is not None or "assumeyes" in _letters(dockerfile.text):
        return
    for step in steps(evidence, every_stage(evidence)):
        for command, tool in step.ran:
            if tool.subcommand in _ASKS.get(tool.tool, ()) and not _is_answered(command, tool):
                yield stated(evidence, rule, step.instruction, at=command)
                break


def upgrade(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """An upgrade of all that the base image holds; with an image, the base's files that it stored a second time."""
    base = evidence.base.layers or 0
    for step in steps(evidence):
        command = next((each for each, tool in step.ran if _upgrades_all(tool)), None)
        if command is None:
            continue
        if evidence.image is None:
            yield stated(evidence, rule, step.instruction, at=command)
            continue
        layers = {n for n, origin in enumerate(evidence.origins) if origin and origin.instruction is step.instruction}
        files = [
            index
            for index, record in enumerate(evidence.image.files)
            if record.birth < base and record.death in layers and record.fate == "overwritten_changed"
        ]
        if sum(evidence.image.files[index].size for index in files) >= int(rule.parameters.get("least_bytes", 1)):
            yield measured(evidence, rule, step.instruction, files, layers, at=command)


def _upgrades_all(tool: Call) -> bool:
    if tool.tool in ("apk", "yum", "dnf", "microdnf"):
        return tool.subcommand == "upgrade" and not tool.operands
    return (tool.tool in _APT and tool.subcommand in _UPGRADES) or (
        tool.tool == "zypper" and tool.subcommand in ("update", "dup", "patch") and not tool.operands
    )


def _may_install(command: Command, tool: Call | None) -> bool:
    """Whether the command may use the index: a package manager's that does more than clean, or anybody's script."""
    if tool is not None and tool.tool in _REFRESHES:
        return tool.subcommand not in ("clean", "autoclean", "update", "refresh")
    return command.name not in _USE_NO_INDEX


def _is_answered(command: Command, tool: Call) -> bool:
    if command.operator in ("|", "|&") or tool.has(*_SAYS_YES) or any("$" in word.value for word in command.words):
        return True
    quiet = tool.options.get("--quiet", ())
    # apt-get(8): quiet level 2 implies a yes
    return tool.tool in _APT and (len(quiet) > 1 or any(level.isdecimal() and int(level) > 1 for level in quiet))


def _letters(text: str) -> str:
    """`APT::Get::Assume-Yes` and dnf's `assumeyes` in one spelling."""
    return text.lower().replace("assume-yes", "assumeyes").replace("--assumeyes", "")


def emptied(step: Step, after: Command, folder: str) -> bool:
    """Whether a command of the step behind this one removes what is in the folder, as far as the text tells."""
    read = {id(command): tool for command, tool in step.ran}
    for command in step.commands:
        if command.start <= after.start:
            continue
        tool = read.get(id(command))
        if tool is not None and tool.tool == "rm" and any(_covers(word.value, folder) for word in tool.operands):
            return True
        if command.name == "find" and any(
            _covers(word.value, folder) for word in command.arguments if "/" in word.value
        ):
            return True
        if "clean" in command.name:  # somebody's script
            return True
    return False


def _covers(pattern: str, folder: str) -> bool:
    """Whether the path, or one with the wild pattern, may be the folder, one above it, or all that is in it."""
    wild = next((index for index, letter in enumerate(pattern) if letter in _WILD), None)
    if wild is not None:
        return f"{folder}/".startswith(pattern[:wild])
    return f"{folder}/".startswith(f"{pattern.rstrip('/')}/")
