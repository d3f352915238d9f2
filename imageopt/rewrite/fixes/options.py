"""Fixes that give a command, or an instruction, the option it lacks, or take one away that says nothing."""

from collections.abc import Callable

from imageopt.dockerfile.model import Edit
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site

_ASKING = {
    "apt-get": ("install", "upgrade", "dist-upgrade", "full-upgrade", "remove", "purge", "autoremove", "build-dep"),
    "yum": ("install", "upgrade", "remove", "groupinstall", "reinstall", "autoremove", "distro-sync"),
    "zypper": ("install", "remove", "update", "patch", "dist-upgrade"),
}  # fmt: skip
_FAMILY = {"apt": "apt-get", "dnf": "yum", "microdnf": "yum"}
_ANSWERED = ("--yes", "--assumeyes", "--no-confirm", "--non-interactive", "--simulate", "--assume-no", "--assumeno")
_TARGET = ("$TARGETPLATFORM", "${TARGETPLATFORM}")


def answer_yes(site: Site) -> Outcome:
    """`-y` for each command of the RUN that would ask whether to go on."""
    return _with_option(site, " -y", _asks)


def no_log_init(site: Site) -> Outcome:
    """`--no-log-init` for each useradd of the RUN whose user id is large, or a variable's."""
    least = int(site.rule.parameters.get("least_number", 0))
    return _with_option(site, " --no-log-init", lambda read: _may_be_large(read, least))


def drop_redundant_platform(site: Site) -> Outcome:
    """`--platform=$TARGETPLATFORM`, which is the default, leaves FROM; a constant one decides something and stays."""
    flag = next((flag for flag in site.instruction.flags if flag.name == "platform"), None)
    if flag is None or site.instruction.keyword != "FROM":
        return Refusal("there is no --platform here")
    if flag.value not in _TARGET:
        return Refusal("it decides for which processor is built: give `--platform` to the build instead, if at all")
    end = flag.end
    while site.dockerfile.text[end : end + 1] in (" ", "\t"):
        end += 1
    return (Edit(flag.start, end, ""),)


def _with_option(site: Site, option: str, lacks: Callable[[Call], bool]) -> Outcome:
    """The option behind the verb, or the name, of each call that lacks it; nested commands may be changed too."""
    state = site.environment
    if state is None or site.instruction.keyword != "RUN" or not is_posix_shell(state.shell[0]):
        return Refusal("it is no RUN of a POSIX shell")
    commands = run_commands(site.instruction)
    if site.instruction.json is not None or not all(command.complete for command in commands):
        return Refusal("its commands cannot be told apart")
    found = [read for read in map(call, commands) if read is not None and lacks(read)]
    places = [read.verb.end if read.verb is not None else read.name.end for read in found]
    return tuple(Edit(place, place, option) for place in places) or Refusal("no command here lacks the option")


def _asks(read: Call) -> bool:
    verbs = _ASKING.get(_FAMILY.get(read.tool, read.tool), ())
    quiet = len(read.options.get("--quiet", ())) > 1 or "2" in read.options.get("--quiet", ())  # apt: -qq says yes
    return read.subcommand in verbs and not read.has(*_ANSWERED) and not (quiet and read.tool in ("apt", "apt-get"))


def _may_be_large(read: Call, least: int) -> bool:
    ids = read.options.get("--uid", ())
    large = any(not value.isdecimal() or int(value) >= least for value in ids)
    return read.tool == "useradd" and not read.has("--no-log-init") and large
