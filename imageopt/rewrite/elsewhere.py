"""Compose files and manifests -> the commands that run in the image beside its own CMD, or in the place of it.

A worker, a migration or a probe of the same image needs files and packages that the service does not. Manifests do not
say which Dockerfile their image is made by: each command there that calls Node or names a file of the project counts.
"""

import posixpath
import re
from pathlib import Path

from msgspec import Struct

from imageopt.project.deployment import read_deployment
from imageopt.project.files import exists

_CALLS_NODE = re.compile(r"(?<![\w./-])(?:node|npm|npx|yarn|pnpm|bunx?|tsx|ts-node)\s")
_SHELL = re.compile(r"(?:/bin/)?(?:ba)?sh\s+-\w*c\s+")


class Start(Struct, frozen=True):
    """The command as it is written, the line that a shell around it is given, and where it stands."""

    text: str
    line: str
    source: str
    probes: bool


def started_elsewhere(root: Path, dockerfile: str) -> tuple[Start, ...]:
    """The commands, in the order of the files."""
    return tuple(
        Start(fact.value, _SHELL.sub("", fact.value, count=1), fact.source, fact.kind == "probe")
        for fact in read_deployment(root).of("command", "entrypoint", "hook", "probe", dockerfile=dockerfile)
        if fact.dockerfile or ("compose" not in fact.source and _is_ours(root, fact.value))
    )


def files_in(root: Path, line: str) -> list[str]:
    """The files and folders of the project that a command names by a path."""
    named = (posixpath.normpath(word) for word in line.split() if "/" in word)
    return [path for path in named if not path.startswith(("/", "..")) and exists(root, path)]


def _is_ours(root: Path, command: str) -> bool:
    return _CALLS_NODE.search(command) is not None or bool(files_in(root, command))
