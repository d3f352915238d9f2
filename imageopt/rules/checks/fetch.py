"""Checks on what a build fetches: whether it is looked at, and what of it stays: archives, histories, half a pipe.

What surprises: a download need not be a file of its own. `curl … | tar -x` is one too, and a key that somebody pipes
into gpg is what the check itself is made with.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise, takewhile

from msgspec.structs import replace

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Instruction, Stage, Word
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.held import held
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import Step, every_stage, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_REMOTE = lazy_pattern(r"(?:https?|ftp)://", re.IGNORECASE)
_GIT = lazy_pattern(
    r"git@|git://|ssh://|https?://[^#?]*\.git(?:$|[#?])|https?://(?:github|gitlab)\.com/[^/]+/[^/#?]+(?:#|$)"
)
_PINNED = lazy_pattern(r"[/@=][0-9a-f]{40}(?:$|[/.?])")
_KEY = lazy_pattern(r"\.(?:asc|gpg|key|pub|pem|crt|list|repo|sources|sha(?:1|256|512)(?:sums?)?|sig)$", re.IGNORECASE)
_OWN_MACHINE = lazy_pattern(r"https?://(?:localhost|127\.|\[::1\])", re.IGNORECASE)
_CHECKS = lazy_pattern(
    r"^(?:(?:sha(?:1|224|256|384|512)?|b2|md5|b3)sum|cksum|shasum|gpgv?\d?|openssl|cosign|minisign|signify(?:-openbsd)?"
    r"|apt-key|rpmkeys)$|verif|checksum"
)
_KEEPS = frozenset(("tar", "bsdtar", "unzip", "gunzip", "gzip", "xz", "zstd", "bunzip2", "cpio", "tee", "dd"))
_ARCHIVE = lazy_pattern(r"\.(?:tar(?:\.\w{1,4})?|tgz|tbz2?|txz|tzst|zip|7z|deb|rpm|gem|whl|jar)$", re.IGNORECASE)
_UNPACKED_BY_ADD = lazy_pattern(r"\.(?:tar(?:\.\w{1,4})?|tgz|tbz2?|txz|tlz|tzst|gz|bz2|xz|zst)$", re.IGNORECASE)
_UNZIPS = {"unzip": 0, "bsdtar": 0, "7z": 1, "7za": 1, "7zr": 1, "dpkg": 0}
_SHALLOW = ("--depth", "--shallow-since", "--shallow-exclude", "--filter", "--bare", "--mirror", "--no-checkout")
_PIPES = ("|", "|&")
_CONDITIONS = frozenset(("if", "loop", "case", "negation", "function"))
_WILD = lazy_pattern(r"[*?\[{$`]")


def unchecked_download(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A file from the network that nothing compares with a checksum or a signature."""
    dockerfile = evidence.dockerfile
    for stage in dockerfile.stages if dockerfile is not None else ():
        for instruction in stage.instructions:
            if instruction.keyword == "ADD" and instruction.flag("checksum") is None:
                word = next((word for word in instruction.words[:-1] if _is_unchecked(word.value)), None)
                if word is not None and not _checks_below(stage, instruction):
                    yield stated(evidence, rule, instruction, at=word)
    for step in steps(evidence, every_stage(evidence)):
        found = next(_downloads(step.commands), None)
        if found is not None and not _checks_below(step.stage, step.instruction):
            yield stated(evidence, rule, step.instruction, at=found)


def _is_unchecked(address: str) -> bool:
    return _REMOTE.match(address) is not None and not any(
        pattern.search(address) for pattern in (_GIT, _PINNED, _KEY, _OWN_MACHINE)
    )


def _checks_below(stage: Stage, instruction: Instruction) -> bool:
    """Whether a command of this RUN, or of a later one in the stage, compares what was fetched."""
    return any(
        _CHECKS.search(posixpath.basename(word.value))
        for each in stage.instructions
        if each.keyword == "RUN" and each.start >= instruction.start
        for command in run_commands(each)
        for word in command.words[:2]
    )


def _downloads(commands: Sequence[Command]) -> Iterator[Command]:
    """The commands whose download becomes a file, by their own option, a redirect or the next command of the pipe."""
    for command, following in pairwise((*commands, None)):
        tool = call(command) if command is not None else None
        if command is None or tool is None or tool.tool not in ("curl", "wget"):
            continue
        addresses = [word.value for word in tool.operands] + list(tool.options.get("--url", ()))
        if not any(_is_unchecked(address) for address in addresses) or tool.has(
            "--head", "--request", "--data", "--form"
        ):
            continue
        piped = following is not None and following.operator in _PIPES
        if piped and following is not None:
            if following.name in _KEEPS:
                yield command
        elif _target(command, tool) not in ("", "-", "/dev/null", "/dev/stdout") and not _KEY.search(
            _target(command, tool)
        ):
            yield command


def _target(command: Command, tool: Call) -> str:
    """The file that is written; empty for none, a folder's name where the address names the file."""
    redirect = next((each.target.value for each in command.redirects if each.operator.startswith(">")), "")
    named = tool.options.get("--output") or tool.options.get("--output-document") or ()
    if named:
        return named[-1]
    return "." if tool.tool == "wget" or tool.has("--remote-name", "--remote-name-all") else redirect


def add_instead_of_copy(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """ADD of files that are neither fetched nor unpacked."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    for stage in dockerfile.stages:
        for instruction, state in zip(stage.instructions, environments(dockerfile, stage), strict=False):
            if instruction.keyword != "ADD" or len(instruction.words) < 2:
                continue
            special = any(instruction.flag(name) is not None for name in ("checksum", "keep-git-dir", "unpack"))
            if not special and all(_is_plain(state.known(word.raw)) for word in instruction.words[:-1]):
                yield stated(evidence, rule, instruction)


def _is_plain(source: str | None) -> bool:
    """Whether COPY does the same with it: a local path that is certainly no archive."""
    if not source or _REMOTE.match(source) or _GIT.match(source):
        return False
    name = posixpath.basename(source.rstrip("/"))
    return not _UNPACKED_BY_ADD.search(name) and not re.search(r"[*?\]]$", name)


def unguarded_pipe(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A pipe whose first half may fail while its last half, and so the RUN, succeeds."""
    programs = frozenset(rule.parameters.get("programs", ()))
    for step in steps(evidence, every_stage(evidence)):
        if not any(command.operator in _PIPES for command in step.commands):
            continue
        if any("pipefail" in word for word in step.environment.shell):
            continue
        found = next((command for command in _unguarded(step.commands) if command.name in programs), None)
        if found is not None:
            yield stated(evidence, rule, step.instruction, at=found)


def _unguarded(commands: Sequence[Command]) -> Iterator[Command]:
    """The commands that write into a pipe, above the first that asks for `pipefail`; conditions are not meant."""
    for place, (command, following) in enumerate(pairwise(commands)):
        if any(word.value == "pipefail" for word in command.arguments):
            return
        if following.operator not in _PIPES or {command.nesting, following.nesting} & _CONDITIONS:
            continue
        behind = takewhile(lambda each: each.operator in _PIPES, commands[place + 1 :])
        if not any(each.after == "||" or _stops_early(each) for each in behind):
            yield command


def _stops_early(command: Command) -> bool:
    """Whether it reads no further than it must, so that `pipefail` would make an error of a success."""
    return command.name == "head" or (command.name.endswith("grep") and "q" in _short(command))


def _short(command: Command) -> str:
    return "-" + "".join(word.value for word in command.arguments if re.match(r"-[a-zA-Z]", word.value)).replace(
        "-", ""
    )


def archive_left(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """An archive that is unpacked and stays: its bytes, or, without an image, an unpacking that nothing cleans up."""
    unpacked = [
        (step, command, word) for step in steps(evidence) for command in step.commands for word in _unpacks(command)
    ]
    if evidence.image is not None:
        names = [_ends(step.environment, word) for step, _, word in unpacked]
        yield from held(
            evidence,
            rule,
            [
                index
                for index, record in (evidence.own_files if names else ())
                if evidence.classes[index].cause is None
                and _ARCHIVE.search(record.path)
                and any(_fits(record.path, ends) for ends in names)
            ],
        )
        return
    for step, command, word in unpacked:
        if not _removed(step, command, word.value) and not _mounted(step.instruction, word.value):
            yield stated(evidence, rule, step.instruction, at=word)


def _mounted(instruction: Instruction, path: str) -> bool:
    """Whether the path may lie in what is mounted for this RUN alone."""
    for mount in mounts_of(instruction):
        target = mount.target or "$"
        if mount.kind not in ("secret", "ssh") and (
            "$" in target or not path.startswith("/") or f"{path}/".startswith(f"{target.rstrip('/')}/")
        ):
            return True
    return False


def _unpacks(command: Command) -> Iterator[Word]:
    """The archive that the command unpacks or installs, as it is written."""
    tool = call(command)
    if tool is not None and tool.tool == "tar":
        named = tool.options.get("--file", ("-",))[-1]
        if tool.has("--extract") and named not in ("-", ""):
            word = next((word for word in command.words if named in word.value), command.words[0])
            yield replace(word, value=named)
    elif command.name in _UNZIPS:
        words = [word for word in command.arguments if not word.value.startswith("-")][_UNZIPS[command.name] :]
        if words and _ARCHIVE.search(words[0].value):
            yield words[0]


def _ends(state: Environment, word: Word) -> tuple[str, str]:
    """How the archive's name begins and ends, a variable in it standing for anything."""
    known = state.known(word.value)
    parts = re.split(r"\$\{[^}]*\}|\$\w+|\*", posixpath.basename(word.value if known is None else known))
    return parts[0], parts[-1]


def _fits(path: str, ends: tuple[str, str]) -> bool:
    name = posixpath.basename(path)
    return name.startswith(ends[0]) and name.endswith(ends[1])


def _removed(step: Step, after: Command, path: str) -> bool:
    """Whether a later command of the RUN removes the path, a folder above it, or something that may be it."""
    for command in step.commands:
        tool = call(command) if command.start > after.start else None
        if tool is None or tool.tool != "rm":
            if command.start > after.start and (command.name == "find" or "clean" in command.name):
                return True
            continue
        for word in tool.operands:
            gone = word.value.rstrip("/")
            if (
                _WILD.search(gone)
                or posixpath.basename(gone) == posixpath.basename(path)
                or path.startswith(f"{gone}/")
            ):
                return True
        if not path.startswith("/") and tool.has("--recursive"):
            return True
    return False


def full_clone(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """The history of a repository that was cloned into the image; without one, a clone of all of it that stays."""
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    for step in steps(evidence):
        for command, tool in step.ran:
            if tool.tool != "git" or tool.subcommand != "clone" or tool.has(*_SHALLOW) or not tool.operands:
                continue
            address = tool.operands[0].value.rstrip("/")
            folder = (
                tool.operands[1].value if len(tool.operands) > 1 else posixpath.basename(address).removesuffix(".git")
            )
            if not _removed(step, command, f"{folder.rstrip('/')}/.git") and not _mounted(step.instruction, folder):
                yield stated(evidence, rule, step.instruction, at=command)
