"""Checks on how a Node project is built in a Dockerfile: the tools of the build, and the packages of a workspace.

What surprises: these claim that a build fails or that a service does not start, so whatever is not certain is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from imageopt.project.scripts import DEV_RUNNERS, called_script, reachable_commands
from imageopt.rules.checks.match import shipped
from imageopt.rules.checks.node_install import Install, installs_of, leaves_out_dev, variables
from imageopt.rules.checks.steps import Step, certain, copies, steps, with_ancestors
from imageopt.rules.finding import stated

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
    from imageopt.evidence.model import Evidence
    from imageopt.project.model import Manifest
    from imageopt.rules.model import Finding, Rule

_TAKES_A_PART = ("turbo prune", "pnpm deploy", " deploy ", "nx prune", "workspaces focus")


def production_before_build(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """An installation without development's packages, and after it a script that needs one of them."""
    project = evidence.project
    if evidence.dockerfile is None or project is None or project.manifest is None or project.lock is None:
        return
    if project.manifest.workspaces or not project.lock.packages or project.lock.state == "drifted":
        return
    if "node_modules" in project.context_bytes:
        return  # the build is sent packages, whatever it installs
    dev = {package.name for package in project.lock.packages if package.dev}
    dev &= project.manifest.dev_dependencies.keys() - project.manifest.dependencies.keys()
    for stage in evidence.dockerfile.stages if dev else ():
        yield from _fails(evidence, rule, evidence.dockerfile, stage, dev)


def _fails(evidence: Evidence, rule: Rule, dockerfile: Dockerfile, stage: Stage, dev: set[str]) -> Iterator[Finding]:
    """At most one finding: the first script of the stage that misses a tool."""
    assert evidence.project is not None
    assert evidence.project.manifest is not None
    numbers = with_ancestors(dockerfile, stage)
    if any(
        "node_modules" in i.arguments for n in numbers for i in dockerfile.stages[n].instructions if i.keyword != "RUN"
    ):
        return  # packages may come from elsewhere
    last: Install | None = None
    for step in steps(evidence, numbers):
        if any(tool.has("--global") for tool in step.calls):
            return  # so may a tool
        installs = {id(install.command): install for install in installs_of(step)}
        for command in certain(step.commands):
            if id(command) in installs:
                install = installs[id(command)]
                last = install if _by_environment(evidence, install) else None
                continue
            words = tuple(word.value for word in command.words)
            script = called_script(words)
            if last is None or script is None or step.stage is not stage:
                continue
            missing = _missing(evidence.project.manifest, words, dev)
            if missing is not None:
                where = f"`{' '.join(words)}` in line {step.instruction.line}"
                text = f"NODE_ENV=production leaves out {missing}, which {where} needs."
                yield stated(evidence, rule, last.step.instruction, message=text, at=last.tool.verb or last.tool.name)
                return


def _by_environment(evidence: Evidence, install: Install) -> bool:
    """Whether NODE_ENV alone leaves development's packages out: a choice in the options is deliberate."""
    lock = evidence.project.lock if evidence.project is not None else None
    manager = install.tool.tool
    heeds = manager == "npm" or (lock is not None and manager == lock.manager == "yarn" and lock.version == "1")
    production = variables(install.step, install.command).get("NODE_ENV") == "production"
    return heeds and production and not install.dev and not leaves_out_dev(install.tool)


def _missing(manifest: Manifest, words: tuple[str, ...], dev: set[str]) -> str | None:
    """The development package whose program the script runs, or None."""
    for called in reachable_commands(" ".join(words), manifest.scripts):
        package = DEV_RUNNERS.get(called[0], called[0])
        if package in dev:
            return package
    return None


def links_broken(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A member's node_modules copied without the root's, where pnpm keeps what its links lead to."""
    if evidence.dockerfile is None or "pnpm" not in evidence.dockerfile.text:
        return
    everything = list(copies(evidence))
    for stage in {copied.stage.index: copied.stage for copied in everything}.values():
        root = _installed_by_pnpm(list(steps(evidence, with_ancestors(evidence.dockerfile, stage))))
        taken = [copied for copied in everything if copied.stage is stage]
        if root is None or any(copied.sources is None for copied in taken):
            continue
        paths = {path for copied in taken for path in copied.sources or ()}
        if any(f"{root}/node_modules/".startswith(f"{path.rstrip('/')}/") for path in paths):
            continue
        if any(path.startswith(f"{root}/node_modules/.pnpm") for path in paths):
            continue
        for copied in taken:
            for path, word in zip(copied.sources or (), copied.instruction.words, strict=False):
                if path.startswith(f"{root}/") and path.endswith("/node_modules"):
                    yield stated(evidence, rule, copied.instruction, at=word)


def _installed_by_pnpm(ran: list[Step]) -> str | None:
    """The folder in which pnpm installed a workspace; None where it did not, or laid packages out as npm does."""
    root: str | None = None
    for step in ran:
        for tool in step.calls:
            if tool.tool == "pnpm" and tool.subcommand == "deploy":
                return None
            if tool.tool == "pnpm" and (
                tool.options.get("--node-linker") == ("hoisted",) or tool.subcommand == "config"
            ):
                return None
        if any(install.tool.tool == "pnpm" for install in installs_of(step)):
            root = step.environment.workdir
    return root


def workspace_copied_whole(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """`COPY . .` of a workspace into what is shipped, and nothing that takes one member's part out of it."""
    project = evidence.project
    if evidence.dockerfile is None or project is None or project.manifest is None:
        return
    several = project.manifest.workspaces or "pnpm-workspace.yaml" in project.context_bytes
    if not several or any(words in evidence.dockerfile.text for words in _TAKES_A_PART):
        return
    copied: Instruction | None = None
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            word = next((word for word in instruction.words[:-1] if word.value in (".", "./")), None)
            if word is not None and copied is None:
                copied = instruction
                yield stated(evidence, rule, instruction, at=word)
