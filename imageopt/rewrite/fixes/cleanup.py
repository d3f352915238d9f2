"""Fixes that empty a cache in the RUN that filled it: one more command behind the last one that uses the cache.

What surprises: apt's lists may be what a later command, or a later instruction, installs from, and a script may be one
that does. They stay as long as one needs them.
"""

import posixpath
from collections.abc import Callable, Iterator

from imageopt.dockerfile.model import Command, Edit, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.rewrite.fixes.layout import insertion_after
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site, calls

_APT = ("apt-get", "apt")
_LISTS = "/var/lib/apt/lists"
_PEAR = "/tmp/pear"  # noqa: S108 (the folder that pecl uses)
_USES_LISTS = frozenset(("install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "source", "download"))
_MAY_INSTALL = frozenset(
    ("sh", "bash", "ash", "dash", "eval", "source", ".", "xargs", "make", "aptitude", "gdebi", "tasksel")
)
_PIP_FILLS = frozenset(("install", "wheel", "download"))
_GO_CLEAN = "go clean -cache -modcache"
_NPM_FILLS = frozenset(("install", "ci", "update", "exec"))
_COMPOSER_FILLS = frozenset(("install", "update", "require", "create-project", "global"))


def drop_apt_lists(site: Site) -> Outcome:
    """`rm -rf /var/lib/apt/lists/*` behind the last command that may need them, unless a later RUN may, too."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    later = next(_installs_later(site), None)
    if later is not None:
        return Refusal(f"line {later} installs from these lists; update and install in one RUN first")
    last = max((commands.index(item) for item, _ in calls(commands, *_APT)), default=0)
    if _removes(commands[last:], _LISTS):
        return Refusal("the lists are removed here already")
    if not any(read.subcommand in _USES_LISTS for _, read in calls(commands, *_APT)) and not any(
        map(_may_install, commands)
    ):
        runs = (item for item in _later(site) if item.keyword == "RUN")
        unclear = next((item.line for item in runs if any(map(_may_install, run_commands(item)))), None)
        if unclear is not None:
            return Refusal(f"line {unclear} may install from these lists; update and install in one RUN first")
    return _behind(site, commands, lambda read: read.tool in _APT, f"rm -rf {_LISTS}/*", needed=_may_install)


def drop_system_cache(site: Site) -> Outcome:
    """`--no-cache` for apk; for the others their own way of cleaning, behind their last command."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    edits: tuple[Edit, ...] = ()
    found = dict.fromkeys(read.tool for _, read in calls(commands, *_APT, "apk", "yum", "dnf", "microdnf", "zypper"))
    for tool in found:
        outcome = _apk(site, commands) if tool == "apk" else _cleaned(site, commands, tool)
        edits += outcome if isinstance(outcome, tuple) else ()
    return edits or Refusal("no command here is known to fill the cache")


def drop_language_cache(site: Site) -> Outcome:
    """`--no-cache-dir` for pip; `go clean` behind the last command of Go, if no later line calls it."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    edits = [
        Edit(read.verb.end, read.verb.end, " --no-cache-dir")
        for _, read in calls(commands, "pip")
        if read.verb is not None and read.subcommand in _PIP_FILLS and not read.has("--no-cache-dir")
    ]
    users = [index for index, command in enumerate(commands) if _named(command, "go")]
    if users and [word.value for word in commands[users[-1]].arguments[:1]] != ["clean"]:
        again = next((item for item in _later(site) if any(_named(one, "go") for one in run_commands(item))), None)
        if again is not None:
            return Refusal(f"line {again.line} builds with what is left here; use a stage of its own")
        edits.append(insertion_after(site.dockerfile, site.instruction, commands, users[-1], _GO_CLEAN))
    return tuple(edits) or Refusal("no pip or Go runs here; mount a cache over the folder, or use a stage of its own")


def drop_node_cache(site: Site) -> Outcome:
    """`npm cache clean --force` or `yarn cache clean` behind the last command that fills it."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    edits: list[Edit] = []
    for tool, text in (("npm", "npm cache clean --force"), ("yarn", "yarn cache clean")):
        own = calls(commands, tool)
        found = [(command, read) for command, read in own if _fills(read)]
        later = own[own.index(found[-1]) :] if found else []
        if not found or any(read.subcommand == "cache" and read.operands for _, read in later):
            continue
        if tool == "yarn" and not _is_classic(site, [read for _, read in found]):
            return Refusal("a newer Yarn may keep in its cache what the project runs from")
        command, read = found[-1]
        program = site.dockerfile.text[command.words[0].start : read.name.end]
        text = f"{program}{text.removeprefix(tool)}"
        edits.append(insertion_after(site.dockerfile, site.instruction, commands, commands.index(command), text))
    return tuple(edits) or Refusal("no npm or Yarn installs here; mount a cache over the folder")


def drop_composer_cache(site: Site) -> Outcome:
    """`composer clear-cache` behind the last command of composer that fills it."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    found = [(item, read) for item, read in calls(commands, "composer") if read.subcommand in _COMPOSER_FILLS]
    if not found:
        return Refusal("no composer runs here; copy it with a mount instead: `--mount=from=composer:2,…`")
    command, read = found[-1]
    later = calls(commands[commands.index(command) :], "composer")
    if any(other.subcommand == "clear-cache" for _, other in later):
        return Refusal("the cache is emptied here already")
    program = site.dockerfile.text[command.words[0].start : read.name.end]
    at = commands.index(command)
    return (insertion_after(site.dockerfile, site.instruction, commands, at, f"{program} clear-cache"),)


def drop_pecl_temporary(site: Site) -> Outcome:
    """`rm -rf /tmp/pear` behind the last command of pecl."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    last = max((commands.index(item) for item, _ in calls(commands, "pecl")), default=0)
    if _removes(commands[last:], _PEAR) or _removes(commands[last:], posixpath.dirname(_PEAR)):
        return Refusal("the folder is removed here already")
    return _behind(site, commands, lambda read: read.tool == "pecl", f"rm -rf {_PEAR}")


def delete_php_source(site: Site) -> Outcome:
    """`docker-php-source delete` at the end of the RUN that extracts it."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    verbs = [
        command.arguments[0].value for command in commands if _named(command, "docker-php-source") and command.arguments
    ]
    if "extract" not in verbs or "delete" in verbs:
        return Refusal("the source is not unpacked here, or deleted already")
    last = len(commands) - 1
    return (insertion_after(site.dockerfile, site.instruction, commands, last, "docker-php-source delete"),)


def _may_install(command: Command) -> bool:
    """Whether it is a program of which nobody knows here what it calls: a script, a shell, make."""
    return "/" in command.name or command.name.endswith(".sh") or command.name in _MAY_INSTALL


def _behind(
    site: Site,
    commands: tuple[Command, ...],
    wanted: Callable[[Call], bool],
    text: str,
    needed: Callable[[Command], bool] | None = None,
) -> Outcome:
    """The text behind the last command whose call is wanted, and behind each later one that may need what goes."""
    found = [(index, read) for index, command in enumerate(commands) if (read := call(command)) and wanted(read)]
    if not found:
        return Refusal("what fills it is not a command of this line")
    index, read = found[-1]
    index = max(
        (at for at in range(index, len(commands)) if needed is not None and needed(commands[at])), default=index
    )
    text = f"sudo {text}" if "sudo" in read.prefixes else text
    return (insertion_after(site.dockerfile, site.instruction, commands, index, text),)


def _apk(site: Site, commands: tuple[Command, ...]) -> Outcome:
    own = calls(commands, "apk")
    if any(read.subcommand in ("update", "upgrade", "fix") for _, read in own):
        if _removes(commands, "/var/cache/apk"):
            return ()
        return _behind(site, commands, lambda read: read.tool == "apk", "rm -rf /var/cache/apk/*", _may_install)
    return tuple(
        Edit(read.verb.end, read.verb.end, " --no-cache")
        for _, read in own
        if read.verb is not None and read.subcommand == "add" and not read.has("--no-cache", "--no-network")
    )


def _cleaned(site: Site, commands: tuple[Command, ...], tool: str) -> Outcome:
    cleaning = {"zypper": "zypper clean --all", "apt-get": "apt-get clean", "apt": "apt-get clean"}
    tools = _APT if tool in _APT else (tool,)
    own = calls(commands, *tools)
    last = max(
        (index for index, (_, read) in enumerate(own) if read.subcommand not in ("clean", "autoclean")), default=-1
    )
    if last < 0 or any(read.subcommand == "clean" for _, read in own[last:]):
        return ()
    at = commands.index(own[last][0])
    text = cleaning.get(tool, f"{tool} clean all")
    prefix = site.dockerfile.text[own[last][0].words[0].start : own[last][1].name.start]
    return (insertion_after(site.dockerfile, site.instruction, commands, at, prefix + text),)


def _installs_later(site: Site) -> Iterator[int]:
    """The lines of later RUNs, of this stage and those built on it, that install without updating the lists first."""
    for instruction in _later(site):
        updated = False
        for command in run_commands(instruction) if instruction.keyword == "RUN" else ():
            read = call(command)
            if read is not None and read.tool in _APT:
                updated = updated or read.subcommand == "update"
                if read.subcommand in _USES_LISTS and not updated:
                    yield instruction.line
        if updated:
            return


def _later(site: Site) -> Iterator[Instruction]:
    assert site.stage is not None
    yield from (item for item in site.stage.instructions if item.start > site.instruction.start)
    built_on = {site.stage.index}
    for stage in site.dockerfile.stages[site.stage.index + 1 :]:
        if stage.parent in built_on:
            built_on.add(stage.index)
            yield from stage.instructions


def _removes(commands: tuple[Command, ...], folder: str) -> bool:
    """Whether a command removes the folder or all that is in it."""
    removed = (word.value for _, read in calls(commands, "rm") for word in read.operands)
    return any(path.rstrip("/*") == folder for path in removed)


def _fills(read: Call) -> bool:
    if read.tool == "yarn":
        return read.subcommand in ("install", "add", "global", "upgrade", "dlx")
    return read.subcommand in _NPM_FILLS


def _is_classic(site: Site, found: list[Call]) -> bool:
    """Whether this Yarn is version 1: by the project's lock file, else by options that no later one knows."""
    project = site.evidence.project
    if project is not None and project.lock is not None and project.lock.manager == "yarn":
        return project.lock.version.startswith("1")
    return any(read.has("--frozen-lockfile", "--production", "--prod") or read.subcommand == "global" for read in found)


def _named(command: Command, program: str) -> bool:
    return command.name.rpartition("/")[2] == program
