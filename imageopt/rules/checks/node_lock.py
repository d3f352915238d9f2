"""Checks on how faithfully packages are installed: strict lock files, pinned package managers."""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.node_install import Install, installs_of, variables
from imageopt.rules.checks.steps import Step, certain, every_stage, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_NO = frozenset(("false", "0"))
_MANAGER = lazy_pattern(r"[\"']?(npm|pnpm|yarn)(?:@(?:latest|next|stable|\*))?[\"']?")


def install_not_frozen(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Yarn, pnpm or bun installing the whole project without being told to hold to the lock file."""
    lock = evidence.project.lock if evidence.project is not None else None
    for step in steps(evidence, every_stage(evidence)):
        for install in installs_of(step):
            manager = install.tool.tool
            missing = lock is not None and lock.manager == manager and lock.state == "missing"
            if manager != "npm" and not missing and not is_strict(install):
                yield stated(evidence, rule, step.instruction, at=install.tool.name)


def is_strict(install: Install) -> bool:
    manager, tool = install.tool.tool, install.tool
    for option in ("--frozen-lockfile", "--immutable", "--immutable-cache"):
        if any(value not in _NO for value in tool.options.get(option, ())):
            return True
    if manager == "bun" and tool.has("--production"):
        return True  # which freezes the lock file too
    known = {name.lower(): value for name, value in variables(install.step, install.command).items()}
    if (
        known.get("yarn_enable_immutable_installs") in ("1", "true")
        or known.get("npm_config_frozen_lockfile") == "true"
    ):
        return True
    # Yarn 1 does not look at CI; which Yarn it is, the Dockerfile does not tell
    return (
        manager != "bun"
        and re.fullmatch("1|true", known.get("ci", "")) is not None
        and not tool.has("--no-frozen-lockfile")
    )


def manager_unpinned(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A package manager that is installed in whatever version is newest, and no packageManager in package.json."""
    manifest = evidence.project.manifest if evidence.project is not None else None
    named = manifest.package_manager.partition("@")[0] if manifest is not None else ""
    for step in steps(evidence, every_stage(evidence)):
        for tool in step.calls:
            if tool.tool in ("npm", "pnpm", "yarn") and tool.has("--global") and tool.subcommand in ("install", "add"):
                for word in tool.operands:
                    if (name := _newest(step, word.raw)) is not None and name != named:
                        yield stated(evidence, rule, step.instruction, message=_unpinned(name), at=word)
        for command in certain(step.commands):
            words = command.words
            if command.name == "corepack" and len(words) > 2 and words[1].value in ("prepare", "use", "install"):
                for word in words[2:]:
                    if (name := _newest(step, word.raw)) is not None and name != named:
                        yield stated(evidence, rule, step.instruction, message=_unpinned(name), at=word)


def _unpinned(name: str) -> str:
    return f"{name} is installed in whatever version is newest, and package.json names none."


def _newest(step: Step, raw: str) -> str | None:
    """The package manager that is asked for without a version; None for another package, or one in a variable."""
    found = _MANAGER.fullmatch(step.environment.known(raw) or "")
    return found[1] if found is not None else None
