"""Fixes of whole instructions: two RUNs that belong together, `cd` for WORKDIR, sudo, what a later line replaces."""

import re
from collections.abc import Sequence

from imageopt.dockerfile.model import Command, Edit, Instruction
from imageopt.dockerfile.shell import is_flat, run_commands
from imageopt.evidence.variants import split_reference
from imageopt.rewrite.fixes.layout import insertion_after, removal
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site, calls
from imageopt.rewrite.fixes.syntax import keyword_start

_LASTS = frozenset(("cd", "export", "unset", "umask", "source", ".", "exec", "exit", "trap", "alias", "ulimit", "eval"))
_PLAIN_FOLDER = re.compile(r"[\w./@+-]+")
_SUDO_FLAGS = frozenset(("-E", "-H", "-n", "-S", "-EH", "-HE", "--preserve-env", "--set-home", "--non-interactive"))
_START_AS_ROOT = frozenset((
    "alpine", "almalinux", "amazonlinux", "archlinux", "buildpack-deps", "busybox", "centos", "composer", "debian",
    "eclipse-temurin", "fedora", "golang", "httpd", "maven", "nginx", "node", "openjdk", "oraclelinux", "php", "python",
    "rockylinux", "ruby", "rust", "ubuntu",
))  # fmt: skip


def join_update(site: Site) -> Outcome:
    """`RUN apt-get update` and the RUN directly below that installs become one."""
    following = _neighbour(site, 1)
    if following is None or not calls(_flat(following), "apt-get", "apt", "yum", "dnf", "microdnf", "apk", "zypper"):
        return Refusal("the RUN that installs does not stand directly below: put the update into it")
    return _joined(site, site.instruction, following)


def join_removal(site: Site) -> Outcome:
    """A RUN that removes files joins the RUN directly above, if that one names them."""
    above = _neighbour(site, -1)
    if above is None:
        return Refusal("what it removes is not made by a RUN directly above: keep it out, or use another stage")
    removed = [word.value.rstrip("/*") for _, read in calls(_flat(site.instruction), "rm") for word in read.operands]
    if not any(len(path) > 1 and path in above.arguments for path in removed):
        return Refusal(f"line {above.line} does not name what is removed here, so they may not belong together")
    return _joined(site, above, site.instruction)


def use_workdir(site: Site) -> Outcome:
    """A `cd` at the end of a RUN becomes the WORKDIR that it was meant to be."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    last = commands[-1]
    folder = last.words[1].raw if len(last.words) == 2 and last.name == "cd" else ""
    if not _PLAIN_FOLDER.fullmatch(folder) or folder == "-" or site.instruction.heredocs or last.redirects:
        return Refusal("the folder is not a plain path")
    if not folder.startswith("/") and sum(command.name in ("cd", "pushd") for command in commands) > 1:
        return Refusal("the folder is relative to that of another cd")
    text, instruction = site.dockerfile.text, site.instruction
    if text[last.end : instruction.end].strip():
        return Refusal("a comment stands behind it")
    start = keyword_start(site.dockerfile, instruction)
    word = "workdir" if instruction.raw_keyword.islower() else "WORKDIR"
    if len(commands) == 1:
        return (Edit(start, last.end, f"{word} {folder}"),)
    gone = removal(text, commands, len(commands) - 1)
    if gone is None:
        return Refusal("a comment stands before it")
    newline = "\r\n" if "\r\n" in text[instruction.start : instruction.end] else "\n"
    return (Edit(gone.start, gone.end, f"{newline}{text[instruction.start : start]}{word} {folder}"),)


def drop_sudo(site: Site) -> Outcome:
    """`sudo` goes where the user is root anyway and no other is asked for."""
    command = next((item for item in run_commands(site.instruction) if item.start <= site.offset < item.end), None)
    if command is None or not command.complete or command.nesting == "exec" or command.name != "sudo":
        return Refusal("its commands cannot be told apart")
    if not is_root(site):
        return Refusal("the user may be another than root: put the RUN above USER, or `USER root` before it")
    words = command.words[1:]
    while words and words[0].value in _SUDO_FLAGS:
        words = words[1:]
    if not words or words[0].value.startswith("-"):
        return Refusal("sudo is asked for more than to run as root")
    return (Edit(command.words[0].start, words[0].start, ""),)


def drop_replaced(site: Site) -> Outcome:
    """The instruction goes; comments above it stay."""
    if site.instruction.heredocs or "#" in site.dockerfile.source(site.instruction):
        return Refusal("a comment stands within it")
    return (Edit(site.instruction.start, site.instruction.end, ""),)


def _neighbour(site: Site, step: int) -> Instruction | None:
    """The RUN directly below or above in the stage, if it has the same flags."""
    if site.stage is None or site.instruction not in site.stage.instructions:
        return None
    number = site.stage.instructions.index(site.instruction) + step
    if not 0 <= number < len(site.stage.instructions):
        return None
    other = site.stage.instructions[number]
    same = [(flag.name, flag.value) for flag in other.flags] == [(f.name, f.value) for f in site.instruction.flags]
    return other if other.keyword == "RUN" and same else None


def _joined(site: Site, first: Instruction, second: Instruction) -> Outcome:
    """The two RUNs as one, with the comments between them, if the first leaves nothing for the second to notice."""
    text, escape = site.dockerfile.text, site.dockerfile.escape
    if isinstance(site.flat_commands(), Refusal) or first.heredocs or second.heredocs:
        return Refusal("one of the two RUNs is more than a plain list of commands")
    earlier, later = _flat(first), _flat(second)
    if not earlier or not later:
        return Refusal("one of the two RUNs is more than a plain list of commands")
    if any(_reaches_on(command, later, text) for command in earlier):
        return Refusal("the first RUN changes its shell's state, which the second would then meet")
    if text[earlier[-1].end : first.end].strip() or "#" in text[second.start : later[0].start]:
        return Refusal("a comment stands at the end of the first RUN")
    middle = text[first.end : second.start]
    comments = [line for line in middle.splitlines() if line.strip()]
    gap = insertion_after(site.dockerfile, first, earlier, len(earlier) - 1, "").replacement
    if comments:
        newline = "\r\n" if "\r\n" in text[first.start : second.end] else "\n"
        lines = "".join(f"{line.rstrip()}{newline}" for line in comments)
        operator = ";" if gap.strip(f"{escape} \t\r\n") == ";" else " &&"
        gap = f"{operator} {escape}{newline}{lines}    "
    return (Edit(earlier[-1].end, later[0].start, gap),)


def _reaches_on(command: Command, later: Sequence[Command], text: str) -> bool:
    """Whether a command changes what commands after it in the same shell do."""
    if not command.words:
        return True
    if command.name == "set":
        options = {word.value for word in command.arguments}
        plain = options <= {"-e", "-x", "-ex", "-xe", "-eu", "-eux", "-exu", "-u", "-o", "pipefail", "-eo"}
        return not plain or "$" in text[later[0].start : later[-1].end]
    return command.name in _LASTS


def _flat(instruction: Instruction) -> tuple[Command, ...]:
    """The RUN's own commands where it is a plain list; none else."""
    commands = run_commands(instruction)
    return tuple(item for item in commands if item.nesting != "substitution") if is_flat(commands) else ()


def is_root(site: Site) -> bool:
    """Whether the instruction runs as root, as far as the file and the name of an official image tell."""
    state, stage = site.environment, site.stage
    if state is None or stage is None:
        return False
    if state.user is not None and state.user != "":
        return state.user.partition(":")[0] in ("root", "0")
    users = 0
    before = site.instruction.start
    while True:
        users += sum(item.keyword == "USER" and item.start < before for item in stage.instructions)
        if stage.parent is None:
            break
        stage = site.dockerfile.stages[stage.parent]
    name = split_reference(stage.base or "")[0].removeprefix("docker.io/").removeprefix("library/")
    return not users and name in _START_AS_ROOT
