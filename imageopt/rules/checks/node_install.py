"""The commands of a RUN that install what package.json names, by any of the four package managers.

What surprises: whether development's packages come along is decided by options, by NODE_ENV, and by settings in the
environment; the option wins. Yarn from 2 on and bun do not look at NODE_ENV, which is not told apart here: then both
are taken for leaving them out, so that nothing is claimed that may be wrong.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.model import Command
from imageopt.dockerfile.tools import Call
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.steps import Step

_MANAGERS = frozenset(("npm", "pnpm", "yarn", "bun"))
_NO = lazy_pattern(r"false|0|no|off", re.IGNORECASE)
_OTHERWISE = frozenset(("--global", "--package-lock-only", "--lockfile-only", "--dry-run", "--version", "--help"))
_PRODUCTION = ("--production", "--prod")


class Install(Struct, frozen=True):
    """An installation of the whole project: `dev` says whether development's packages come along."""

    step: Step
    command: Command
    tool: Call
    dev: bool


def package_name(spec: str) -> str:
    """The package of what npm is told to install (`@scope/name@version`), without its version."""
    return re.sub(r"(?<=.)@.*", "", spec)


def installs_of(step: Step) -> Iterator[Install]:
    """The step's installations of the whole project, in order; packages by name and global ones are none."""
    for command, tool in step.ran:
        if tool.tool not in _MANAGERS or tool.subcommand not in ("install", "ci") or tool.has(*_OTHERWISE):
            continue
        if not tool.operands and "global" not in tool.options.get("--location", ()):
            yield Install(step, command, tool, _with_dev(tool, variables(step, command)))


def left_by(ran: Iterable[Step]) -> Install | None:
    """The last installation whose packages are still there after these RUNs; `dev` is False once they were pruned."""
    last: Install | None = None
    for step in ran:
        installs = {id(install.command): install for install in installs_of(step)}
        for command, tool in step.ran:
            if id(command) in installs:
                last = installs[id(command)]
            elif last is not None and _prunes(step, command, tool):
                last = replace(last, dev=False)
            elif tool.tool == "rm" and any(word.value.rstrip("/").endswith("node_modules") for word in tool.operands):
                last = None
    return last


def _prunes(step: Step, command: Command, tool: Call) -> bool:
    if tool.tool in ("npm", "pnpm") and tool.subcommand == "prune":
        return leaves_out_dev(tool) or not _with_dev(tool, variables(step, command))
    return tool.tool == "yarn" and tool.subcommand == "workspaces" and tool.has("--production")


def variables(step: Step, command: Command) -> dict[str, str]:
    """The known variables that the command sees, its own assignments included."""
    own = (word.value.partition("=") for word in command.assignments)
    return {**step.environment.variables, **{name: value for name, _, value in own}}


def leaves_out_dev(tool: Call) -> bool:
    """Whether the options say that development's packages are left out, or taken out again by a `prune`."""
    named = (*_PRODUCTION, "--save-prod") if tool.tool == "pnpm" else _PRODUCTION  # pnpm's `--prod` goes by that name
    for name in named:
        if any(not _NO.fullmatch(value) for value in tool.options.get(name, ())):
            return True
    only = (*tool.options.get("--omit", ()), *tool.options.get("--only", ()))
    return any(value in ("dev", "prod", "production") for value in only)


def _with_dev(tool: Call, known: dict[str, str]) -> bool:
    if leaves_out_dev(tool):
        return False
    if "dev" in tool.options.get("--include", ()) or any(tool.has(name) for name in _PRODUCTION):
        return True  # `--production=false`
    settings = {name.lower(): value for name, value in known.items()}
    omitted = settings.get("npm_config_omit", "") == "dev" or settings.get("npm_config_production", "") == "true"
    only = settings.get("npm_config_only", "").startswith("prod")
    return not (omitted or only or settings.get("node_env", "") == "production")
