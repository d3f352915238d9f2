"""The final stage of a proposed Dockerfile -> the instructions that bring a workspace into it out of one build stage.

They may bring it whole or in parts, but each part to the same place below one folder, so that this folder stands for
the workspace in the image.
"""

import posixpath

from msgspec import Struct

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Instruction, Stage
from imageopt.project.files import exists, is_folder
from imageopt.rewrite.asked.model import Site
from imageopt.rewrite.surveyed import within
from imageopt.rewrite.workspace import Part

_OF_ROOT = (".", "node_modules", "package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc")


class Copies(Struct, frozen=True):
    """`stage` is what they copy from, `target` the workspace's folder in the final stage.

    `paths` are what they copy, relative to the workspace; `whole`: folders that hold packages are among them.
    """

    stage: Stage
    instructions: tuple[Instruction, ...]
    paths: tuple[str, ...]
    target: str
    whole: bool


def workspace_copies(site: Site, part: Part) -> Copies | str:
    """The copies, or why the workspace cannot be told from them."""
    found: list[tuple[Instruction, Stage, list[str], str]] = []
    for item in site.final.instructions:
        source = site.tree.source_stage(item) if item.keyword == "COPY" else None
        words = list(item.json or (word.value for word in item.words)) if item.keyword in ("COPY", "ADD") else []
        if source is None:
            if words and not any(flag.name == "from" for flag in item.flags) and {".", "./"} & set(words[:-1]):
                return f"{site.line(item)}: the sources come into the final stage as well"
            continue
        folder = stage_environment(site.tree, source).workdir
        if folder is None or any("$" in word for word in words):
            continue
        paths = [posixpath.relpath(posixpath.join("/", word), folder) for word in words[:-1]]
        mine = [path in _OF_ROOT or _holds(path, part) or _lies_in(path, part) for path in paths]
        if any(mine) and not all(mine):
            return f"{site.line(item)}: it copies parts of the workspace together with something else"
        if any(mine):
            found.append((item, source, paths, _absolute(site, item, words[-1])))
    if not found or not {".", "node_modules"} & {path for _, _, paths, _ in found for path in paths}:
        return "the final stage copies no workspace with its packages out of a build stage"
    first, stage, paths, target = found[0]
    root = _root(site, paths[0], target)
    for item, source, these, place in found:
        if source.index != stage.index:
            return f"{site.line(item)}: parts of the workspace come from another stage than those before"
        if _flags(item) != _flags(first):
            return f"{site.line(item)}: it has other flags than the copies before"
        if root is None or any(_root(site, path, place) != root for path in these):
            return f"{site.line(item)}: what it copies does not keep its place in the workspace"
    everything = tuple(path for _, _, these, _ in found for path in these)
    whole = any(_holds(path, part) for path in everything)
    return Copies(stage, tuple(item for item, *_ in found), everything, root or "/", whole)


def _holds(path: str, part: Part) -> bool:
    """Whether a folder holds packages of the workspace."""
    return path == "." or any(within(member.folder, path) and member.folder != path for member in part.members)


def _lies_in(path: str, part: Part) -> bool:
    return any(within(path, member.folder) for member in part.members)


def _flags(item: Instruction) -> list[tuple[str, str]]:
    return sorted((flag.name, flag.value) for flag in item.flags)


def _absolute(site: Site, item: Instruction, word: str) -> str:
    """The target, with its slash at the end where it has one."""
    folder = stage_environment(site.tree, site.final, at=item).workdir or "/"
    path = posixpath.normpath(posixpath.join(folder, word))
    return f"{path.rstrip('/')}/" if word.endswith(("/", ".")) else path


def _root(site: Site, path: str, target: str) -> str | None:
    """The folder of the image that the workspace then has, where the path keeps its place below it."""
    plain = target.rstrip("/")
    if path == ".":
        return plain
    one_file = exists(site.project.root, path) and not is_folder(site.project.root, path)
    if one_file and target.endswith("/"):
        plain = f"{plain}/{posixpath.basename(path)}"
    return plain[: -len(path) - 1] if plain.endswith(f"/{path}") else None
