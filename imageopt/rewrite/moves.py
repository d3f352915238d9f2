"""The folder that each command of a RUN works in: what `cd` says, and the options with which a manager changes its own.

What surprises: a Dockerfile without WORKDIR may have a folder for its application all the same, for each of its
commands goes there first. Only one that the manifest is copied to counts.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.rewrite.commands import Command, commands_of
from imageopt.rewrite.managers import Manager

MANIFESTS = re.compile(
    r"(?:\./)?(?:package(?:-lock)?\.json|package\*\.json|package-lock\*\.json|npm-shrinkwrap\.json|\.npmrc"
    r"|bun\.lockb?|bunfig\.toml|pnpm-lock\.yaml|pnpm-workspace\.yaml|\.pnpmfile\.cjs|yarn\.lock|\.yarnrc(?:\.yml)?)\*?"
)
_MOVING = frozenset(("--prefix", "-C", "--cwd", "--dir"))
_MANAGERS = frozenset(("npm", "pnpm", "yarn", "bun"))


def moved_to(words: Sequence[str]) -> str | None:
    """The folder that a package manager's options make it work in, as written; None where none does."""
    if not words or words[0].rpartition("/")[2] not in _MANAGERS:
        return None
    for word, value in pairwise((*words, "")):
        option, equals, given = word.partition("=")
        if option in _MOVING:
            return (given if equals else value) or None
    return None


def without_moves(words: Sequence[str]) -> tuple[str, ...]:
    """The words without the options that change the folder, and without their values."""
    return tuple(
        word
        for previous, word in pairwise(("", *words))
        if word.partition("=")[0] not in _MOVING and previous not in _MOVING
    )


def placed(
    commands: Iterable[Command], folder: str, known: Callable[[str], str | None]
) -> Iterator[tuple[Command, str]]:
    """Each command of a RUN that starts in `folder`, with the folder that it works in or, for `cd`, goes to.

    `known` puts variables into a path; one that has no known value stays in it, and makes it no folder of anybody's.
    """
    here = folder
    for command in commands:
        if command.words[:1] == ("cd",):
            here = _joined(here, " ".join(command.words[1:]), known)
        yield command, _joined(here, moved_to(command.words) or ".", known)


def folder_without_workdir(tree: Dockerfile, stage: Stage, manager: Manager) -> str:
    """The folder that a stage installs the application in though no WORKDIR above names one; empty where none is sure.

    Bun's image has a WORKDIR of its own, which the file does not show.
    """
    brought: set[str] = set()
    for instruction, state in zip(stage.instructions, environments(tree, stage), strict=False):
        if state.workdir not in (None, "/") or manager.name == "bun":
            return ""
        if instruction.keyword in ("COPY", "ADD"):
            brought |= _brought_to(instruction, state.known)
        elif instruction.keyword == "RUN":
            for command, here in placed(commands_of(instruction, manager.name), "/", state.known):
                if command.purpose == "install" and here in brought:
                    return here
    return ""


def _brought_to(instruction: Instruction, known: Callable[[str], str | None]) -> set[str]:
    """The folder below the root that a COPY brings the project's own manifest to."""
    words = instruction.values
    target = known(words[-1]) if len(words) > 1 and instruction.flag("from") is None else None
    if target is None or not target.startswith("/"):
        return set()
    place = posixpath.normpath(target)
    named = [posixpath.normpath(source) for source in words[:-1]]
    if any(source == "." or (MANIFESTS.fullmatch(source) and "*" in source) for source in named):
        return {place} - {"/"}
    if "package.json" in named:
        into = target.endswith("/") or len(named) > 1
        return {place if into or posixpath.basename(place) != "package.json" else posixpath.dirname(place)} - {"/"}
    return set()


def _joined(here: str, path: str, known: Callable[[str], str | None]) -> str:
    return posixpath.normpath(posixpath.join(here, known(path) or path))
