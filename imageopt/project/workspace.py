"""The packages of one folder -> Workspace: what they need of each other, and which of them a Dockerfile builds.

A Dockerfile rarely says it in one place: a `--filter`, a WORKDIR, the folder that it lies in. The most telling one is
taken and named; where several packages are named, it is the one that no other of them needs.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import exists
from imageopt.project.jsonc import list_of, object_of, read_object, text_of
from imageopt.project.lock_entries import asked
from imageopt.project.manifest import manifest_of
from imageopt.project.member_calls import member_names
from imageopt.project.members import Members
from imageopt.project.model import Fact, Member, Workspace
from imageopt.project.scripts import reachable_commands, split_assignments

_TOOLS = {"turbo.json": "turbo", "nx.json": "nx", "lerna.json": "lerna", "rush.json": "rush", ".moon": "moon"}
_NAMING = ("-w", "--workspace", "-F", "--filter", "--scope", "--project", "--prefix", "-C", "--dir", "--cwd")
_BEFORE_NAME = {("yarn", "workspace"), ("turbo", "prune"), ("nx", "build"), ("nx", "serve")}
_RUNNERS = ("npx", "pnpx", "bunx", "dlx", "exec")
_EVERYWHERE = ("app", "src")  # where images keep a service, whatever the packages are called
_VARIABLE = lazy_pattern(r"\$\{?(\w+)(?::?-([^}]*))?\}?")


def workspace(root: Path, members: Members, dockerfile: Dockerfile | None, dockerfile_path: str) -> Workspace | None:
    """The workspace; None where the folder is a single package."""
    if not members.patterns and not members.problems:
        return None
    names = {text_of(members.manifests[folder].get("name")) or folder: folder for folder in members.folders}
    direct = {
        folder: {names[name] for name in asked(members.manifests[folder]) if name in names} - {folder}
        for folder in members.folders
    }
    packages = tuple(
        Member(folder, manifest_of(members.manifests[folder]), tuple(sorted(_reached(folder, direct))))
        for folder in members.folders
    )
    tools = tuple(name for path, name in _TOOLS.items() if exists(root, path))
    patterns = tuple(Fact(pattern.text, pattern.source) for pattern in members.patterns)
    scripts = manifest_of(members.manifests.get("", {})).scripts
    app = _app(packages, scripts, dockerfile, dockerfile_path) if packages else None
    return Workspace(tools, patterns, packages, app, members.problems)


def build_outputs_of(root: Path, task: str = "build") -> tuple[str, ...]:
    """What turbo.json says a member's build writes, as patterns relative to the member; none where it does not say."""
    data = read_object(root, "turbo.json", comments=True) or {}
    tasks = object_of(data.get("tasks")) or object_of(data.get("pipeline"))  # as it was named before turbo 2
    return tuple(path for path in list_of(object_of(tasks.get(task)).get("outputs")) if not path.startswith("!"))


def _reached(folder: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [folder]
    while waiting:
        for other in direct[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found - {folder}


def _app(
    members: tuple[Member, ...], scripts: Mapping[str, str], dockerfile: Dockerfile | None, path: str
) -> Fact | None:
    known = member_names(members)
    folders = {member.folder: member.folder for member in members if member.folder not in _EVERYWHERE}
    stages = dockerfile.stages if dockerfile else ()
    arguments = _arguments(dockerfile)
    last = stages[-1:]
    for found in (
        _named(_started(last, arguments), folders, path),
        _named(_in_commands(stages, scripts, arguments), known, path),
        _named(_worked_in(last, arguments), folders, path),
        _lies_in(members, path),
        _named(_worked_in(stages, arguments), folders, path),
        _named(_copied(stages, arguments), folders, path),
    ):
        top = _top(found, members)
        if top:
            return top
    return _only_one_that_starts(members)


def _named(words: Iterator[tuple[str, int]], known: Mapping[str, str], path: str) -> list[Fact]:
    found = []
    for word, line in words:
        plain = re.sub(r"^\.\.\.\^?|\^?\.\.\.$|[{}]|^\./", "", word).rstrip("/")
        if plain in known:
            found.append(Fact(known[plain], f"{path}:{line}"))
    return found


def _top(found: list[Fact], members: tuple[Member, ...]) -> Fact | None:
    """The last of those named that no other of them needs."""
    needs = {member.folder: member.needs for member in members}
    named = {fact.value for fact in found}
    tops = [fact for fact in found if not any(fact.value in needs[other] for other in named)]
    return tops[-1] if tops else None


def _arguments(dockerfile: Dockerfile | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for instruction in dockerfile.instructions if dockerfile else ():
        if instruction.keyword in ("ARG", "ENV"):
            for word in instruction.words:
                name, equals, value = word.value.partition("=")
                if equals and "$" not in value:
                    found[name] = value
    return found


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: arguments.get(match[1], match[2] or match[0]), text)


def _of(stages: tuple[Stage, ...], *keywords: str) -> Iterator[Instruction]:
    for stage in stages:
        yield from (instruction for instruction in stage.instructions if instruction.keyword in keywords)


def _started(stages: tuple[Stage, ...], arguments: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Each folder above a file that the image starts with."""
    for instruction in _of(stages, "ENTRYPOINT", "CMD"):
        for word in instruction.values:
            yield from ((path, instruction.line) for path in _above(_filled(word, arguments)))


def _worked_in(stages: tuple[Stage, ...], arguments: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for instruction in _of(stages, "WORKDIR"):
        path = _filled(instruction.arguments.strip(), arguments).rstrip("/")
        yield from ((ending, instruction.line) for ending in _endings(path))


def _copied(stages: tuple[Stage, ...], arguments: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for instruction in _of(stages, "COPY", "ADD"):
        if instruction.flag("from") is None:
            for word in instruction.values[:-1]:
                yield from ((path, instruction.line) for path in _above(_filled(word, arguments) + "/"))


def _above(path: str) -> Iterator[str]:
    """`/app/apps/web/dist/main.js` as every run of folders in it, for the prefix is not known."""
    folders = path.strip("/").removeprefix("./").split("/")[:12]
    end = len(folders) if path.endswith("/") else len(folders) - 1
    for stop in range(end, 0, -1):
        yield from ("/".join(folders[start:stop]) for start in range(stop))


def _endings(path: str) -> Iterator[str]:
    folders = path.strip("/").split("/")[-12:]
    yield from ("/".join(folders[start:]) for start in range(len(folders)))


def _in_commands(
    stages: tuple[Stage, ...], scripts: Mapping[str, str], arguments: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """The packages that the commands name by an option, those of the scripts they call included."""
    for instruction in _of(stages, "RUN", "CMD", "ENTRYPOINT"):
        lines = [" ".join(instruction.json)] if instruction.json else [instruction.arguments]
        lines += [heredoc.body for heredoc in instruction.heredocs]
        for line in lines:
            for words in reachable_commands(_filled(line, arguments), scripts):
                yield from ((name, instruction.line) for name in _options(split_assignments(words)[1]))


def _options(words: tuple[str, ...]) -> Iterator[str]:
    words = tuple(word for word in words if word not in _RUNNERS)
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        after = words[index + 1] if index + 1 < len(words) else ""
        if option in _NAMING and words[0] not in ("git", "tar", "make"):
            yield value if equals else after
        elif index > 0 and (words[index - 1].rpartition("@")[0] or words[index - 1], word) in _BEFORE_NAME:
            yield after
        elif words[0] == "nx" and word.partition(":")[2]:  # nx run web:build
            yield word.partition(":")[0]


def _lies_in(members: tuple[Member, ...], path: str) -> list[Fact]:
    folder = path.rpartition("/")[0].removeprefix("./")
    return [Fact(member.folder, path) for member in members if folder == member.folder]


def _only_one_that_starts(members: tuple[Member, ...]) -> Fact | None:
    starting = [member for member in members if "start" in member.manifest.scripts]
    if len(starting) != 1:
        return None
    return Fact(starting[0].folder, f"{starting[0].folder}/package.json scripts.start")
