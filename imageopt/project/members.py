"""The packages of a workspace: the patterns of package.json, pnpm-workspace.yaml, lerna.json -> folders with manifests.

A pattern is a stranger's: one that leads out of the folder (by `..`, an absolute path or a link) is refused and named,
never followed, and the number of folders looked at is bounded.
"""

import fnmatch
import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.project.faults import json_fault, line_of
from imageopt.project.files import inside, read_text
from imageopt.project.jsonc import Json, list_of, object_of, parse_object
from imageopt.project.yaml_tree import Node, parse_yaml

PNPM_FILE = "pnpm-workspace.yaml"
_FOLDERS_LIMIT = 5_000
_MEMBERS_LIMIT = 1_000
_PATTERNS_LIMIT = 100
_CHOICES = 3  # braces in one name of a pattern; each doubles the work
_DEEPEST = 8
_SKIPPED = {"node_modules", "bower_components"}


class Pattern(Struct, frozen=True):
    """One pattern, without `./` and a final `/`, and where it stands (`path:line`)."""

    text: str
    source: str


class Members(Struct, frozen=True):
    """`manifests`: package.json by folder, the root's under ""; the others' folders sorted."""

    patterns: tuple[Pattern, ...]
    manifests: Mapping[str, Json]
    settings: Node  # what pnpm-workspace.yaml holds; an empty value without one
    problems: tuple[str, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """The members' folders, sorted; the root is none of them."""
        return tuple(folder for folder in self.manifests if folder)


def read_members(root: Path) -> Members:
    """The root's manifest and those of its workspace, if it is one; `problems` name the file and the line."""
    text = read_text(root, "package.json") or ""
    own = parse_object(text) or {}
    settings, problems = _settings(root)
    found: list[Pattern] = []
    named = chain(_patterns(text, own), _pnpm_patterns(settings), _lerna_patterns(root))
    for pattern in islice(named, _PATTERNS_LIMIT):
        path = pattern.text.removeprefix("!")
        if path.startswith(("/", "~")) or ".." in path.split("/") or "\\" in path or path[1:2] == ":":
            problems.append(f"{pattern.source}: the workspace {path!r} leads out of the folder")
        elif pattern.text not in {known.text for known in found}:
            found.append(pattern)
    manifests: dict[str, Json] = {"": own} if own else {}
    for folder in _folders(root, found, problems):
        path = f"{folder}/package.json"
        member = read_text(root, path)
        data = parse_object(member or "")
        if data is None:
            problems.append(json_fault(path, member) if member is not None else f"{path}:1: it cannot be read")
        else:
            manifests[folder] = data
    return Members(tuple(found), manifests, settings, tuple(problems))


def _settings(root: Path) -> tuple[Node, list[str]]:
    text = read_text(root, PNPM_FILE)
    try:
        documents = parse_yaml(text, PNPM_FILE) if text is not None else ()
    except InputError as error:
        return Node("", 1), [error.cause]
    return (documents[0] if documents else Node("", 1)), []


def _patterns(text: str, own: Json) -> Iterator[Pattern]:
    workspaces = own.get("workspaces")
    if isinstance(workspaces, dict):  # yarn's long form
        workspaces = workspaces.get("packages")
    for pattern in list_of(workspaces):
        yield _pattern(pattern, "package.json", text)


def _pnpm_patterns(settings: Node) -> Iterator[Pattern]:
    for item in settings.at("packages").items:
        if item.text:
            yield Pattern(_normal(item.text), f"{PNPM_FILE}:{item.line}")


def _lerna_patterns(root: Path) -> Iterator[Pattern]:
    text = read_text(root, "lerna.json") or ""
    for pattern in list_of(object_of(parse_object(text, comments=True)).get("packages")):
        yield _pattern(pattern, "lerna.json", text)


def _pattern(pattern: str, path: str, text: str) -> Pattern:
    line = line_of(text, json.dumps(pattern, ensure_ascii=False))
    return Pattern(_normal(pattern), f"{path}:{line}")


def _normal(pattern: str) -> str:
    negated = "!" if pattern.startswith("!") else ""
    path = pattern.removeprefix("!").removeprefix("./").rstrip("/")
    return negated + re.sub(r"\*\*(?:/\*\*)+", "**", path)


def _folders(root: Path, patterns: list[Pattern], problems: list[str]) -> list[str]:
    refused = [pattern.text.removeprefix("!") for pattern in patterns if pattern.text.startswith("!")]
    found: dict[str, None] = {}
    budget = [_FOLDERS_LIMIT]
    for pattern in patterns:
        if pattern.text.startswith("!") or pattern.text in ("", "."):
            continue
        for folder in _matching(root, "", pattern.text.split("/"), budget):
            if (
                not folder
                or not (root / folder / "package.json").exists()
                or any(_matches(folder, other) for other in refused)
            ):
                continue
            if inside(root, f"{folder}/package.json") is None:
                problems.append(f"{pattern.source}: {folder} is a link that leads out of the folder")
            else:
                found[folder] = None
    if budget[0] <= 0 or len(found) > _MEMBERS_LIMIT:
        problems.append(f"{patterns[0].source}: the workspace has too many folders; the rest was not looked at")
    return sorted(found)[:_MEMBERS_LIMIT]


def _matching(root: Path, folder: str, parts: list[str], budget: list[int], depth: int = 0) -> Iterator[str]:
    """The folders below `folder` that the rest of the pattern names."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matching(root, folder, rest, budget, depth)
        if depth < _DEEPEST:
            for name in _subfolders(root, folder, budget):
                yield from _matching(root, _join(folder, name), parts, budget, depth + 1)
    elif any(letter in part for letter in "*?[{"):
        for name in _subfolders(root, folder, budget):
            if _named(name, part):
                yield from _matching(root, _join(folder, name), rest, budget, depth + 1)
    elif (root / folder / part).is_dir():
        yield from _matching(root, _join(folder, part), rest, budget, depth + 1)


def _subfolders(root: Path, folder: str, budget: list[int]) -> list[str]:
    """The names of folders in it, sorted; none that is a link out of the root."""
    try:
        with os.scandir(root / folder) as entries:
            names = sorted(e.name for e in entries if e.is_dir() and e.name not in _SKIPPED and e.name[0] != ".")
    except OSError:
        return []
    budget[0] -= len(names)
    return names if budget[0] > 0 else []


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _named(name: str, part: str) -> bool:
    opening, closing = part.find("{"), part.find("}")
    if 0 <= opening < closing and part.count("{") <= _CHOICES:  # {a,b}
        choices = part[opening + 1 : closing].split(",")
        return any(_named(name, part[:opening] + choice + part[closing + 1 :]) for choice in choices)
    return fnmatch.fnmatchcase(name, part)


def _matches(folder: str, pattern: str) -> bool:
    """Whether a folder is what the pattern of a refusal names."""
    return _same(folder.split("/"), pattern.split("/"))


def _same(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_same(names[start:], parts[1:]) for start in range(len(names) + 1))
    return bool(names) and _named(names[0], parts[0]) and _same(names[1:], parts[1:])
