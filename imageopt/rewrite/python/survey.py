"""A single-stage Python Dockerfile -> its instructions with what each is for, and what stands against moving packages.

What surprises: a file that pip reads may be named by its path in the image; which file of the project that is, the COPY
that brought it says.
"""

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.project.files import files_named, read_source, read_text
from imageopt.project.model import Project
from imageopt.rewrite.python.base import PythonImage
from imageopt.rewrite.python.commands import PythonCommand, python_commands
from imageopt.rewrite.python.requirements import Requirements
from imageopt.rewrite.surveyed import short, within
from imageopt.rewrite.system import programs_in

REBUILT = (".venv", "venv", "**/__pycache__")
_STARTS = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec\w*|spawn\w*)\b|\bshutil\.which\b|create_subprocess")
_STRING = re.compile(r"'((?:[^'\\\n]|\\.){1,400})'|\"((?:[^\"\\\n]|\\.){1,400})\"")


class Item(Struct, frozen=True):
    """An instruction, the folder it works in, its commands, and for a COPY what goes where."""

    instruction: Instruction
    folder: str
    commands: tuple[PythonCommand, ...]
    sources: tuple[str, ...]
    target: str

    def has(self, *purposes: str) -> bool:
        """Whether one of its commands is for one of these."""
        return any(command.purpose in purposes for command in self.commands)


class Case(Struct, frozen=True):
    """What is known before anything is decided."""

    project: Project
    tree: Dockerfile
    items: tuple[Item, ...]
    folder: str
    wanted: Requirements
    programs: frozenset[str]


def read_items(tree: Dockerfile, stage: Stage) -> Iterator[Item]:
    """The instructions of the stage, in order."""
    for instruction, state in zip(stage.instructions, environments(tree, stage), strict=False):
        folder = posixpath.normpath(state.workdir or "/")
        commands = python_commands(instruction) if instruction.keyword == "RUN" else ()
        words = instruction.values
        target, sources = "", tuple[str, ...]()
        if instruction.keyword in ("COPY", "ADD") and len(words) > 1:
            known = state.known(words[-1])
            sources, target = words[:-1], posixpath.normpath(posixpath.join(folder, known)) if known else ""
        yield Item(instruction, folder, commands, sources, target)


def obstacle(items: tuple[Item, ...], image: PythonImage) -> str | None:
    """Why the packages cannot move, with the line; None where nothing stands against it."""
    installs = [number for number, item in enumerate(items) if item.has("install")]
    last = installs[-1] if installs else 0
    for number, item in enumerate(items):
        line = item.instruction.line
        for command in item.commands:
            unknown = command.purpose == "other" and number <= last
            if command.purpose == "change" or unknown:
                return f"line {line}: `{short(command.text)}` is more than imageopt can move"
        if item.instruction.keyword == "USER" and number < last:
            return f"line {line}: packages are installed as another user"
        if item.instruction.keyword in ("ENTRYPOINT", "CMD") and "/usr/local/bin/" in item.instruction.arguments:
            return f"line {line}: it starts a program by its path, which the environment moves"
    if not installs:
        return "no RUN of it installs packages with pip, poetry or uv in a way that can move"
    if image.kind == "alpine":
        return "wheels for musl are not there for every package, so its packages stay where they are"
    if items[installs[0]].folder == "/":
        return "it has no WORKDIR: the application would lie in the root folder"
    return None


def files_of(items: tuple[Item, ...], folder: str) -> list[str]:
    """The files that the installs read, as paths of the project."""
    found = []
    for item in items:
        for command in item.commands:
            names = command.files() if command.purpose == "install" else ()
            if command.purpose == "install" and command.words[0].endswith("poetry"):
                names = ("pyproject.toml", "poetry.lock")
            found += [
                _in_project(items, posixpath.normpath(posixpath.join(item.folder, name)), folder) for name in names
            ]
    return [path for path in found if path]


def _in_project(items: tuple[Item, ...], path: str, folder: str) -> str:
    """The file of the project that lies at a path of the image; empty where no COPY put it there."""
    for item in items:
        for source in item.sources if item.instruction.flag("from") is None else ():
            name = posixpath.normpath(source.lstrip("/") or ".")
            if path in (item.target, posixpath.join(item.target, posixpath.basename(name))) and name != ".":
                return name
    return path.removeprefix(f"{folder}/") if within(path, folder) else ""


def programs_of(project: Project, items: tuple[Item, ...]) -> Iterator[str]:
    """The programs that the service, its scripts or the commands that stay may start."""
    for item in items:
        if item.instruction.keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
            yield from programs_in(item.instruction.arguments)
            words = item.instruction.values
            for name in words:
                script = read_text(project.root, name.rpartition("/")[2]) if name.endswith(".sh") else None
                yield from programs_in(script or "")
        for command in item.commands:
            yield from command.words if command.purpose in ("other", "plain") else ()
    for path in files_named(project.root, (".py",), REBUILT):
        text = read_source(project.root, path)
        if _STARTS.search(text):
            for match in _STRING.finditer(text):
                yield from programs_in(match[1] or match[2])


def is_tool(item: Item) -> bool:
    """Whether a COPY from another image brings the installer alone."""
    return item.instruction.flag("from") is not None and all(
        posixpath.basename(source) in ("uv", "uvx", "poetry") for source in item.sources
    )


def covers(case: Case, item: Item) -> bool:
    """Whether a COPY brings the whole project into the application's folder."""
    whole = any(posixpath.normpath(source.lstrip("/") or ".") == "." for source in item.sources)
    return whole and item.target == case.folder and item.instruction.flag("from") is None
