"""pm2's own file -> what it starts, as shell lines: `pm2-runtime ecosystem.config.js` hides it from the Dockerfile.

The file is often a program, and none of it is run here: every text in it may be a command. A line too many costs a
saving, a line too few the service.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from imageopt.project.files import read_text
from imageopt.project.model import Project

_MANAGERS = frozenset(("pm2", "pm2-docker", "pm2-runtime"))
_CONFIGURATION = re.compile(r"\.(?:json|ya?ml|config\.[cm]?js)$")  # what pm2 takes for one, by its name
_USUAL = "ecosystem.config.js"  # where none is named
_TEXT = re.compile(r"(['\"`])((?:(?!\1)[^\\\n]|\\.)*)\1|^[\s-]*\w+:\s+([^\s'\"{\[].*)$", re.MULTILINE)
_PACKAGE = re.compile(r"(?:@[\w.-]+/)?[\w.-]+")


def managed_lines(project: Project, lines: Iterable[str], folder: str) -> tuple[str, ...]:
    """What a process manager starts that one of these shell lines starts; `folder` is where the project lies."""
    found: dict[str, None] = {}
    for line in lines:
        words = [word.removeprefix(f"{folder}/") for word in line.split()]
        if not _MANAGERS.isdisjoint(map(posixpath.basename, words)):
            for path in [word for word in words if _CONFIGURATION.search(word)] or [_USUAL]:
                found |= dict.fromkeys(_lines(read_text(project.root, path) or ""))
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    """Each text as a command, as a script of package.json, and as an option's package (`-r ts-node/register`)."""
    for match in _TEXT.finditer(text):
        said = (match[2] or match[3] or "").strip()
        yield from (said, f"npm run {said}", f"npm {said}")
        yield from (package[0] for word in said.split() if (package := _PACKAGE.match(word)))
