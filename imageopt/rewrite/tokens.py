"""Settings of package managers in which a token itself stands: who takes them along, and how they stay behind.

A token in a stage that is not shipped is only in the build's cache; in the last stage it is in the image for ever, and
a `rm` further down takes no byte of it away.
"""

import posixpath
from collections.abc import Iterable
from fnmatch import fnmatch

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.project.model import Project
from imageopt.rewrite.survey import Copy
from imageopt.rules.checks.steps import with_ancestors


def brings(instruction: Instruction, name: str) -> bool:
    """Whether a COPY or ADD takes the file at the top of the context along."""
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") is not None:
        return False
    words = instruction.json or tuple(word.value for word in instruction.words)
    sources = (posixpath.normpath(source.lstrip("/") or ".") for source in words[:-1])
    return any(source == "." or fnmatch(name, source) for source in sources)


def sent(project: Project, ignored: str) -> tuple[str, ...]:
    """The files with a token that reach a build with this ignore file."""
    rules = parse_ignore(ignored)
    return tuple(name for name in project.token_files if not rules.excludes(name))


def taken_along(names: Iterable[str], instructions: Iterable[Instruction]) -> str | None:
    """Why these instructions may not make what is shipped, with what would help; None where no token is taken along."""
    for instruction in instructions:
        found = next((name for name in names if brings(instruction, name)), None)
        if found:
            return (
                f"{found} holds a token, and line {instruction.line} copies it into the image: revoke the token, write"
                f" a variable in its place or give the file with --mount=type=secret, and list it in .dockerignore"
            )
    return None


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
