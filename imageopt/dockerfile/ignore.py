"""`.dockerignore`: which files of a context never reach the build, decided as BuildKit decides it.

What surprises: these are not git's rules. A pattern without a slash matches at the root only, the last matching line
wins, and `!` brings back a file from under an excluded folder.
"""

import posixpath
import re
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from imageopt.dockerfile.model import Problem
from imageopt.dockerfile.paths import PathPattern
from imageopt.dockerfile.words import SPACE

_MOST_FOLDERS = 1000


class IgnorePattern(Struct, frozen=True):
    """One line of the file: its pattern, and whether a `!` brings back what it matches."""

    pattern: PathPattern
    negated: bool
    line: int


class IgnoreRules(Struct, frozen=True, dict=True):
    """The patterns of a file in order, and its wrong lines: BuildKit refuses the whole file for one of those."""

    patterns: tuple[IgnorePattern, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def _folders(self) -> dict[str, "_Decision"]:
        """What was decided of folders, for a walk asks for each file of a folder in turn: no part of its value."""
        decided: dict[str, _Decision] = self.__dict__.setdefault("folders", {})
        return decided

    def excludes(self, path: str) -> bool:
        """Whether the file or folder at this path, relative to the context and with `/`, stays out of the build."""
        path = posixpath.normpath(path).lstrip("/")
        if path == ".":
            return False
        decision = _Decision(False, (False,) * len(self.patterns))
        at = path.find("/")
        while at >= 0:
            decision = self._of_folder(path[:at], decision)
            at = path.find("/", at + 1)
        return self._decide(path, decision).excluded

    def may_hold_included(self, folder: str) -> bool:
        """False only if everything inside the folder is excluded, so that a walk need not enter it."""
        folder = posixpath.normpath(folder).lstrip("/")
        if not self.excludes(folder):
            return True
        return any(line.negated and line.pattern.may_match_below(folder) for line in self.patterns)

    def _of_folder(self, folder: str, parent: "_Decision") -> "_Decision":
        known = self._folders.get(folder)
        if known is None:
            if len(self._folders) >= _MOST_FOLDERS:
                self._folders.clear()
            known = self._folders[folder] = self._decide(folder, parent)
        return known

    def _decide(self, path: str, parent: "_Decision") -> "_Decision":
        """What holds of the path, given what holds of its parent.

        A pattern that could not change the outcome is not asked, neither here nor in BuildKit, so below a
        folder it counts as not matching: `!x` after `x/y` does not bring `x/y` back.
        """
        excluded = False
        matched = []
        for line, inherited in zip(self.patterns, parent.matched, strict=True):
            match = inherited or (line.negated == excluded and line.pattern.matches(path))
            matched.append(match)
            excluded = not line.negated if match else excluded
        return _Decision(excluded, tuple(matched))


class _Decision(NamedTuple):
    """Whether a path is excluded, and which patterns match it or a folder above it."""

    excluded: bool
    matched: tuple[bool, ...]


def parse_ignore(text: str) -> IgnoreRules:
    """The rules of an ignore file."""
    patterns: list[IgnorePattern] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.strip(SPACE)
        if line.startswith("#") or not stripped:
            continue
        negated = stripped.startswith("!")
        cleaned = _clean(stripped.removeprefix("!").strip(SPACE))
        pattern = PathPattern.parse(cleaned) if cleaned else None
        if pattern is None:
            problems.append(Problem("invalid-ignore-pattern", f"{stripped!r} is not a pattern", number, number))
        else:
            patterns.append(IgnorePattern(pattern, negated, number))
    return IgnoreRules(tuple(patterns), tuple(problems))


def ignore_file_for(dockerfile: Path, context: Path) -> Path | None:
    """The ignore file of a build: `<dockerfile>.dockerignore` beside it, else `.dockerignore` in the context."""
    candidates = (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore")
    return next((path for path in candidates if path.is_file()), None)


def _clean(pattern: str) -> str:
    """Go's filepath.Clean without the leading slash; two slashes in front are one to Go."""
    if not pattern:
        return ""
    cleaned = posixpath.normpath(re.sub("^/+", "/", pattern))
    return cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned
