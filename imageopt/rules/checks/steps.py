"""The RUN instructions of a Dockerfile as rules walk them: with their stage, what holds there, and their commands.

What surprises: a command under an `if`, or behind a test and `&&`, may never run; `certain` leaves it out, so that a
switch which is off by default makes no noise.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Dockerfile, Instruction, Stage, Word
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped_stages

_ALWAYS = frozenset(("", "group", "subshell", "heredoc", "exec"))
_TESTS = frozenset(("[", "[[", "test"))
_FOR_DEVELOPMENT = lazy_pattern(
    r"(?:^|[-_.])(?:dev|devel|develop|development|devcontainer|tests?|testing|ci|debug|local)(?:$|[-_.])"
)
_INSTALLERS = frozenset(("apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper"))
_INSTALLS = frozenset(("install", "add"))
_REMOVES = frozenset(("remove", "purge", "autoremove", "del"))


class Step(Struct, frozen=True):
    """One RUN: its stage, what holds where it stands, and all its commands."""

    stage: Stage
    instruction: Instruction
    environment: Environment
    commands: tuple[Command, ...]

    @property
    def ran(self) -> tuple[tuple[Command, Call], ...]:
        """The commands of tools that are known, of those that run in any case, and what each asks of its tool."""
        known: tuple[tuple[Command, Call], ...] | None = self.instruction.memo.get("ran")
        if known is None:
            known = self.instruction.memo["ran"] = tuple(
                (command, found) for command in certain(self.commands) if (found := call(command)) is not None
            )
        return known

    @property
    def calls(self) -> tuple[Call, ...]:
        """What is asked of the tools that are known, by the commands that run in any case."""
        return tuple(found for _, found in self.ran)


class Copied(Struct, frozen=True):
    """A COPY from another stage: its sources as absolute paths in that stage, None where one is not known."""

    instruction: Instruction
    stage: Stage
    sources: tuple[str, ...] | None


def steps(evidence: Evidence, stages: Sequence[int] | None = None) -> Iterator[Step]:
    """The RUNs that a POSIX shell reads, of the stages with these numbers; of those that are shipped for None."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    numbers = shipped_stages(dockerfile, evidence.target) if stages is None else stages
    for number in numbers:
        known: list[Step] | None = dockerfile.memo.get(("steps", number))
        if known is None:
            stage = dockerfile.stages[number]
            known = dockerfile.memo["steps", number] = [
                Step(stage, instruction, state, run_commands(instruction))
                for instruction, state in zip(stage.instructions, environments(dockerfile, stage), strict=False)
                if instruction.keyword == "RUN" and is_posix_shell(state.shell[0])
            ]
        yield from known


def every_stage(evidence: Evidence) -> Sequence[int]:
    """The numbers of all stages."""
    return range(len(evidence.dockerfile.stages)) if evidence.dockerfile is not None else ()


def with_ancestors(dockerfile: Dockerfile, stage: Stage) -> tuple[int, ...]:
    """The numbers of the stage and of those it builds on, in the order they run."""
    found = [stage.index]
    while (parent := dockerfile.stages[found[0]].parent) is not None:
        found.insert(0, parent)
    return tuple(found)


def copies(evidence: Evidence) -> Iterator[Copied]:
    """What the shipped stages copy out of other stages."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    for number in shipped_stages(dockerfile, evidence.target):
        stage = dockerfile.stages[number]
        for instruction, state in zip(stage.instructions, environments(dockerfile, stage), strict=False):
            source = dockerfile.source_stage(instruction) if instruction.keyword == "COPY" else None
            if source is not None:
                known = [state.known(word.raw) for word in instruction.words[:-1]]
                paths = tuple(f"/{path.strip('/')}" for path in known if path is not None)
                yield Copied(instruction, source, paths if len(paths) == len(known) else None)


def certain(commands: Sequence[Command]) -> Iterator[Command]:
    """The commands that run whatever the variables say, as far as the ones before them succeed."""
    doubtful = False
    for command in commands:
        if command.operator not in ("&&", "||", "|", "|&"):
            doubtful = False
        doubtful = doubtful or command.operator == "||"
        if not doubtful and command.nesting in _ALWAYS:
            yield command
        doubtful = doubtful or command.name in _TESTS


def for_development(evidence: Evidence) -> bool:
    """Whether the stage that is shipped says by its name that it is for development or tests."""
    stage = evidence.dockerfile.target(evidence.target) if evidence.dockerfile is not None else None
    return stage is not None and stage.name is not None and _FOR_DEVELOPMENT.search(stage.name) is not None


def installs(tool: Call) -> bool:
    """Whether the call installs packages of the system; its operands are their names."""
    return tool.tool in _INSTALLERS and tool.subcommand in _INSTALLS


def removes(tool: Call) -> bool:
    """Whether the call removes packages of the system."""
    return tool.tool in _INSTALLERS and tool.subcommand in _REMOVES


def kept(calls: Sequence[Call], wanted: Callable[[str], object]) -> list[Word]:
    """The system packages that are `wanted` by name and that these calls install and do not remove again.

    An `apk add --virtual` goes by that name too, and a name in a variable may be any package's.
    """
    removed = {word.value for each in calls if removes(each) for word in each.operands}
    if any("$" in name for name in removed):
        return []
    return [
        word
        for each in calls
        if installs(each) and removed.isdisjoint(each.options.get("--virtual", ()))
        for word in each.operands
        if word.value not in removed and wanted(word.value)
    ]


def mounts(instruction: Instruction, *folders: str) -> bool:
    """Whether a cache or tmpfs mount lies over, above or in one of the folders; one in a variable may."""
    for mount in mounts_of(instruction):
        if mount.kind not in ("cache", "tmpfs"):
            continue
        target = mount.target.rstrip("/")
        if "$" in target or any(
            f"{folder}/".startswith(f"{target}/") or target.startswith(folder) for folder in folders
        ):
            return True
    return False
