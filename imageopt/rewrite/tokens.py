"""Settings of package managers in which a token itself stands: who takes them along, and how they stay behind.

A token in a stage that is not shipped is only in the build's cache; in the last stage it is in the image for ever, and
a `rm` further down takes no byte of it away.
"""

import posixpath
import re
from collections.abc import Iterable
from fnmatch import fnmatch

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.project.model import Project
from imageopt.rewrite.surveyed import Copy
from imageopt.rules.checks.steps import with_ancestors


def brings(instruction: Instruction, name: str) -> bool:
    """Whether a COPY or ADD takes the file at the top of the context along."""
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") is not None:
        return False
    words = instruction.values
    sources = (posixpath.normpath(source.lstrip("/") or ".") for source in words[:-1])
    return any(source == "." or fnmatch(name, source) for source in sources)


def sent(project: Project, ignored: str) -> tuple[str, ...]:
    """The files with a token that reach a build with this ignore file."""
    rules = parse_ignore(ignored)
    return tuple(name for name in project.token_files if not rules.excludes(name))


def taken_along(names: Iterable[str], instructions: Iterable[Instruction], tree: Dockerfile) -> str | None:
    """Why these instructions may not make what is shipped, with what would help; None where no token is taken along."""
    for instruction in instructions:
        source = tree.source_stage(instruction)
        found = next(
            (
                name
                for name in names
                if brings(instruction, name) or (source and _lies_in(instruction, _places(tree, source, name)))
            ),
            None,
        )
        if found:
            return (
                f"{found} holds a token, and line {instruction.line} copies it into the image: revoke the token, write"
                f" a variable in its place or give the file with --mount=type=secret, and list it in .dockerignore"
            )
    return None


def _places(tree: Dockerfile, stage: Stage, name: str) -> frozenset[str]:
    """Where the file lies at the end of a stage that copies it from the context, as far as no RUN deletes it."""
    found: frozenset[str] = frozenset()
    if stage.parent is not None:
        found = _places(tree, tree.stages[stage.parent], name)
    for item, state in zip(stage.instructions, environments(tree, stage), strict=False):
        if brings(item, name):
            found |= {place_of(item, state, name)}
        elif item.keyword == "RUN" and re.search(rf"\brm\s[^&;|]*{re.escape(name)}(?![\w.])", item.arguments):
            found = frozenset()
    return found


def place_of(item: Instruction, state: Environment, name: str) -> str:
    """Where the file lies that this COPY or ADD takes along."""
    words = item.values
    target = posixpath.join(state.workdir or "/", words[-1])
    whole = posixpath.basename(target) == name
    return posixpath.normpath(target if whole else f"{target}/{name}")


def _lies_in(instruction: Instruction, places: frozenset[str]) -> bool:
    """Whether a COPY from another stage takes one of these places."""
    words = instruction.values
    sources = [posixpath.normpath(f"/{source.lstrip('/')}") for source in words[:-1]]
    return any(place == source or place.startswith(f"{source.rstrip('/')}/") for place in places for source in sources)


def shipped(tree: Dockerfile, target: str | None) -> list[Instruction]:
    """The instructions of the stage that is the target, the last one without it, and of those that it is built on."""
    stage = tree.target(target) or tree.stages[-1]
    return [item for number in with_ancestors(tree, stage) for item in tree.stages[number].instructions]


def left_behind(names: Iterable[str], folder: str, copies: Iterable[Copy]) -> tuple[str, ...]:
    """Where the files lie after the installation and these COPYs into the folder; relative to it."""
    names = tuple(names)
    found = dict.fromkeys(names)
    for copied in copies:
        inside = posixpath.relpath(copied.target, folder)
        for name in names:
            if brings(copied.instruction, name):
                found[posixpath.normpath(f"{inside}/{name}")] = None
    return tuple(found)
