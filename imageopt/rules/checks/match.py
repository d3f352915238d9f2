"""The declarative match of a rule file: an instruction, a command in it, options it lacks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Command, Dockerfile, Instruction, Stage
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.evidence.model import Evidence
from imageopt.rules.finding import Span, Spot, stated
from imageopt.rules.model import Finding, Match, Rule

_TAKES_VALUE = frozenset(
    ("--prefix", "-C", "--registry", "--loglevel", "--cache", "--userconfig", "--cwd", "--dir", "-o", "--option", "-t")
)


def matching(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each instruction that fits one of the rule's matches, at what fitted first."""
    if evidence.dockerfile is None:
        return
    own = frozenset(shipped_stages(evidence.dockerfile, evidence.target))
    for stage, instruction in _with_keywords(evidence.dockerfile, tuple({item.instruction for item in rule.matches})):
        wanted = (item for item in rule.matches if stage.index in own or not item.shipped_only)
        if spot := next(filter(None, (fitting(item, instruction) for item in wanted)), None):
            yield stated(evidence, rule, instruction, at=spot)


def shipped_stages(dockerfile: Dockerfile, target: str | None) -> tuple[int, ...]:
    """The numbers of the target stage and of the stages it builds on, in the order they ran."""
    known: tuple[int, ...] | None = dockerfile.memo.get(("shipped", target))
    if known is None:
        stage = dockerfile.target(target)
        found: list[int] = []
        while stage is not None:
            found.append(stage.index)
            stage = dockerfile.stages[stage.parent] if stage.parent is not None else None
        known = dockerfile.memo["shipped", target] = tuple(reversed(found))
    return known


def shipped(
    dockerfile: Dockerfile, target: str | None, *, everything: bool = False
) -> Iterator[tuple[Stage, Instruction]]:
    """The instructions whose layers are in the image: of the target stage and the stages it builds on.

    With `everything`, those of all stages. Stages with a shell that is not POSIX are passed over, not guessed at.
    """
    known: list[tuple[Stage, Instruction]] | None = dockerfile.memo.get(("instructions", target, everything))
    if known is None:
        numbers = range(len(dockerfile.stages)) if everything else shipped_stages(dockerfile, target)
        known = dockerfile.memo["instructions", target, everything] = [
            (part, instruction)
            for part in (dockerfile.stages[number] for number in numbers)
            for instruction, environment in zip(part.instructions, environments(dockerfile, part), strict=False)
            if instruction.keyword != "RUN" or is_posix_shell(environment.shell[0])
        ]
    return iter(known)


def _with_keywords(dockerfile: Dockerfile, keywords: tuple[str, ...]) -> Iterable[tuple[Stage, Instruction]]:
    """The instructions of all stages that have one of the keywords, as `shipped` gives them; FROM too."""
    index: dict[str, list[tuple[Stage, Instruction]]] | None = dockerfile.memo.get("keywords")
    if index is None:
        begun = [(stage, stage.from_instruction) for stage in dockerfile.stages]
        index = dockerfile.memo["keywords"] = {"FROM": begun}
        for stage, instruction in shipped(dockerfile, None, everything=True):
            index.setdefault(instruction.keyword, []).append((stage, instruction))
    found = [item for keyword in keywords for item in index.get(keyword, ())]
    return found if len(keywords) < 2 else sorted(found, key=lambda item: item[1].start)


def subcommand(command: Command) -> str:
    """The first argument that is no option: `install` of `npm --prefix web install`."""
    words = iter(command.arguments)
    for word in words:
        if word.value in _TAKES_VALUE:
            next(words, None)
        elif not word.value.startswith("-"):
            return word.value
    return ""


def has_option(command: Command, option: str) -> bool:
    """Whether the option stands among the arguments, with a value after `=` or not."""
    return any(word.value == option or word.value.startswith(f"{option}=") for word in command.arguments)


def fitting(match: Match, instruction: Instruction) -> Spot | None:
    """What in the instruction fits the match: the text that was sought, else the command, else all of it."""
    if instruction.keyword != match.instruction:
        return None
    text = _pattern(match.text).search(instruction.arguments) if match.text else None
    if match.text and text is None:
        return None
    if match.unless and _pattern(match.unless).search(_all_text(instruction)):
        return None
    if match.unless_mount and _mounts(instruction, match.unless_mount):
        return None
    commands = run_commands(instruction) if match.command and instruction.keyword == "RUN" else ()
    command = next((command for command in commands if _command_fits(match, command)), None)
    if match.command and command is None:
        return None
    if text is not None and text.end() > text.start():
        return Span(instruction.locate(text.start()), instruction.locate(text.end() - 1) + 1)
    return command or instruction


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A rule's expression, compiled once; `re` would look it up again for each instruction."""
    return re.compile(text)


def _command_fits(match: Match, command: Command) -> bool:
    return (
        command.name in match.command
        and (not match.subcommand or subcommand(command) in match.subcommand)
        and not any(has_option(command, option) for option in match.missing_option)
    )


def _all_text(instruction: Instruction) -> str:
    return "\n".join((instruction.arguments, *(heredoc.content for heredoc in instruction.heredocs)))


def _mounts(instruction: Instruction, folders: Sequence[str]) -> bool:
    """Whether a cache mount lies over, or above, one of the folders."""
    for mount in mounts_of(instruction):
        if mount.kind not in ("cache", "tmpfs"):
            continue
        target = mount.target.rstrip("/")
        if any(target and (f"{folder}/".startswith(f"{target}/") or target.startswith(folder)) for folder in folders):
            return True
    return False
