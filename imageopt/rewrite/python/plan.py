"""A Python project and its Dockerfile -> the values of the template `python`, and the account of what is done.

The last stage stays the author's own file, on the same version and suite; where packages were installed stands a COPY
of the virtual environment instead. It has one path in both stages, because its programs begin with that path.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.evidence.model import Evidence
from imageopt.project.files import exists, files_named, read_source, read_text, top_names
from imageopt.project.model import Project
from imageopt.rewrite.commands import listed_packages
from imageopt.rewrite.ground import Account, Plan, spaced
from imageopt.rewrite.health import needs_program, with_python
from imageopt.rewrite.linked import libraries_of
from imageopt.rewrite.python.base import PythonImage, against_slim, links_system, python_image
from imageopt.rewrite.python.commands import PythonCommand, python_commands
from imageopt.rewrite.python.requirements import Requirements, read_requirements
from imageopt.rewrite.render import copy, word
from imageopt.rewrite.survey import short, within
from imageopt.rewrite.system import at_run_time, programs_in

_ENVIRONMENT = "/opt/venv"
_LIST = f"{_ENVIRONMENT}/packages.txt"
_REBUILT = (".venv", "venv", "**/__pycache__")
_STARTS = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec\w*|spawn\w*)\b|\bshutil\.which\b|create_subprocess")
_STRING = re.compile(r"'((?:[^'\\\n]|\\.){1,400})'|\"((?:[^\"\\\n]|\\.){1,400})\"")
_MOVED = ("install", "upgrade", "tool")
_CACHES = {"uv": "/root/.cache/uv", "poetry": "/root/.cache/pypoetry"}


@dataclass(frozen=True, slots=True)
class _Item:
    """An instruction, the folder it works in, its commands, and for a COPY what goes where."""

    instruction: Instruction
    folder: str
    commands: tuple[PythonCommand, ...]
    sources: tuple[str, ...]
    target: str

    def has(self, *purposes: str) -> bool:
        return any(command.purpose in purposes for command in self.commands)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known before anything is decided."""

    project: Project
    tree: Dockerfile
    items: tuple[_Item, ...]
    folder: str
    wanted: Requirements
    programs: frozenset[str]


def python_plan(evidence: Evidence, project: Project, tree: Dockerfile, target: str) -> Plan | str | None:
    """The plan; the reason where there is none; None for another image than the official one of Python.

    Raises Unsafe for a value without a safe spelling.
    """
    stage = tree.stages[-1]
    image = python_image(stage.from_instruction.words[0].raw, stage.base)
    if image is None:
        return None
    items = tuple(_items(tree, stage))
    reason = _obstacle(items, image)
    if reason:
        return reason
    folder = next(item.folder for item in items if item.has("install"))
    wanted = read_requirements(project.root, _files(items, folder))
    if wanted.local:
        return f"{wanted.local}, which a stage of packages alone cannot"
    if not wanted.files:
        return "no file of the project says which packages are installed"
    case = _Case(project, tree, items, folder, wanted, frozenset(_programs(project, items)))
    return _plan(evidence, case, stage, image, target)


def _items(tree: Dockerfile, stage: Stage) -> Iterator[_Item]:
    for instruction, state in zip(stage.instructions, environments(tree, stage), strict=False):
        folder = posixpath.normpath(state.workdir or "/")
        commands = python_commands(instruction) if instruction.keyword == "RUN" else ()
        words = instruction.json or tuple(part.value for part in instruction.words)
        target, sources = "", tuple[str, ...]()
        if instruction.keyword in ("COPY", "ADD") and len(words) > 1:
            known = state.known(words[-1])
            sources, target = words[:-1], posixpath.normpath(posixpath.join(folder, known)) if known else ""
        yield _Item(instruction, folder, commands, sources, target)


def _obstacle(items: tuple[_Item, ...], image: PythonImage) -> str | None:
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


def _files(items: tuple[_Item, ...], folder: str) -> list[str]:
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


def _in_project(items: tuple[_Item, ...], path: str, folder: str) -> str:
    """The file of the project that lies at a path of the image; empty where no COPY put it there."""
    for item in items:
        for source in item.sources if item.instruction.flag("from") is None else ():
            name = posixpath.normpath(source.lstrip("/") or ".")
            if path in (item.target, posixpath.join(item.target, posixpath.basename(name))) and name != ".":
                return name
    return path.removeprefix(f"{folder}/") if within(path, folder) else ""


def _programs(project: Project, items: tuple[_Item, ...]) -> Iterator[str]:
    """The programs that the service, its scripts or the commands that stay may start."""
    for item in items:
        if item.instruction.keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
            yield from programs_in(item.instruction.arguments)
            words = item.instruction.json or tuple(part.value for part in item.instruction.words)
            for name in words:
                script = read_text(project.root, name.rpartition("/")[2]) if name.endswith(".sh") else None
                yield from programs_in(script or "")
        for command in item.commands:
            yield from command.words if command.purpose in ("other", "plain") else ()
    for path in files_named(project.root, (".py",), _REBUILT):
        text = read_source(project.root, path)
        if _STARTS.search(text):
            for match in _STRING.finditer(text):
                yield from programs_in(match[1] or match[2])


def _plan(evidence: Evidence, case: _Case, stage: Stage, image: PythonImage, target: str) -> Plan:
    account = Account()
    named = [name for item in case.items for command in item.commands for name in _system(command)]
    kept = frozenset(name for name in named if _runs(name, case))
    runtime = _runtime(image, case, kept, target, account)
    asks = links_system(evidence, case.wanted.names) or any(name.endswith("-dev") for name in named)
    listing = asks and (runtime != image.written or len(kept) < len(named))
    name = "build" if (stage.name or "").lower() != "build" else "packages"
    values: dict[str, object] = {
        "header": case.tree.text[: stage.from_instruction.start].replace("\r\n", "\n"),
        "platform": f"--platform={word(stage.platform)} " if stage.platform else "",
        "image": runtime,
        "name": stage.name or "",
        "environment": _ENVIRONMENT,
        "folder": word(case.folder),
        "build": {
            "image": image.written,
            "name": name,
            # Poetry's own packages lie beside the image's, and would pass for the project's
            "shares": not any(item.has("tool") for item in case.items),
            "ground": list(_ground(case)),
            "inputs": list(_inputs(case)),
            "installs": [*_installs(case, account), *([_listed()] if listing else [])],
        },
        "lines": list(_lines(case, name, kept, account, listing=listing, slim=runtime != image.written)),
    }
    account.done["multi-stage"] = "packages are installed in a stage of their own; what compiles them stays there"
    account.done["drop-caches"] = "downloads are mounted while packages are installed, and are in no layer"
    if any(_covers(case, item) for item in case.items[: _first(case)]):
        account.done["order-copies"] = f"{case.wanted.files[0]} comes before the sources, so packages stay cached"
    if not any(item.instruction.keyword == "USER" for item in case.items):
        account.refuse(
            "run-as-node", "Python's image has no user of its own: make one with useradd, and give it what it writes to"
        )
    return Plan("python", values, account, _needed(case), _REBUILT)


def _runtime(image: PythonImage, case: _Case, kept: frozenset[str], target: str, account: Account) -> str:
    """The image of the last stage."""
    if target == "alpine":
        account.refuse("base-swap", "alpine: wheels for musl are not there for every package")
    if image.kind != "full" or target == "keep":
        return image.written
    reason = against_slim(case.wanted.names, kept, case.programs - _asked_by_probe(case))
    health = next(
        (item.instruction for item in reversed(case.items) if item.instruction.keyword == "HEALTHCHECK"), None
    )
    program = needs_program(health) if health is not None else None
    if health is not None and program and program not in kept and with_python(health) is None:
        reason = f"the HEALTHCHECK needs {program}, and is no plain probe that Python could make"
    if reason or image.slim is None:
        account.refuse("base-swap", f"slim: {reason or 'FROM does not name a version that has a slim image'}")
        return image.written
    account.done["base-swap"] = f"{image.slim}: the same version and suite without compilers"
    return image.slim


def _asked_by_probe(case: _Case) -> set[str]:
    return {"curl", "wget"} if any(item.instruction.keyword == "HEALTHCHECK" for item in case.items) else set()


def _runs(package: str, case: _Case) -> bool:
    return not package.endswith("-dev") and at_run_time(package, case.programs)


def _system(command: PythonCommand) -> tuple[str, ...]:
    return listed_packages(command.words) if command.purpose == "system" else ()


def _first(case: _Case) -> int:
    return next(number for number, item in enumerate(case.items) if item.has("install"))


def _covers(case: _Case, item: _Item) -> bool:
    """Whether a COPY brings the whole project into the application's folder."""
    whole = any(posixpath.normpath(source.lstrip("/") or ".") == "." for source in item.sources)
    return whole and item.target == case.folder and item.instruction.flag("from") is None


def _ground(case: _Case) -> Iterator[str]:
    """What of the original holds for the installs: its variables, its shell, its system packages."""
    last = max(number for number, item in enumerate(case.items) if item.has("install"))
    for item in case.items[:last]:
        if item.instruction.keyword in ("ARG", "ENV", "SHELL") or (
            item.has("system") and not item.has("plain", *_MOVED)
        ):
            yield spaced(case.tree, item.instruction)
        elif item.has("system"):
            installs = " && ".join(command.text for command in item.commands if command.purpose == "system")
            yield f"RUN apt-get update && {installs}"
        elif item.instruction.keyword == "COPY" and _is_tool(item):
            yield spaced(case.tree, item.instruction)


def _is_tool(item: _Item) -> bool:
    """Whether a COPY from another image brings the installer alone."""
    return item.instruction.flag("from") is not None and all(
        posixpath.basename(source) in ("uv", "uvx", "poetry") for source in item.sources
    )


def _inputs(case: _Case) -> Iterator[str]:
    """The COPY lines for what the installs read: the author's own where they name the files."""
    brought: set[str] = set()
    for item in case.items:
        names = {posixpath.normpath(source.lstrip("/") or ".") for source in item.sources}
        if names and names <= set(case.wanted.files) and item.instruction.flag("from") is None:
            brought |= names
            yield copy(item.sources, _written_target(item, case.folder))
    for path in case.wanted.files:
        if path not in brought:
            yield copy([path], f"./{path}" if "/" in path else "./")


def _written_target(item: _Item, folder: str) -> str:
    """The target of a COPY; the slash at its end says that it is a folder, whether it is there or not."""
    words = item.instruction.json or tuple(part.value for part in item.instruction.words)
    if item.target == folder:
        return "./"
    return f"{item.target}/" if words[-1].endswith("/") else item.target


def _installs(case: _Case, account: Account) -> Iterator[str]:
    for item in case.items:
        flags = "".join(f"--{flag.name}={flag.value} " for flag in item.instruction.flags)
        for command in item.commands:
            if command.purpose == "tool":
                yield f"RUN {command.text}"
            elif command.purpose == "install":
                program = command.words[0].rpartition("/")[2]
                cache = (
                    ""
                    if "type=cache" in flags
                    else f"--mount=type=cache,target={_CACHES.get(program, '/root/.cache/pip')} "
                )
                line = command.install
                if program == "poetry" and not {"--no-dev", "--only", "--without"} & set(command.words):
                    line += " --only main"
                    account.done["prune-dev-deps"] = "poetry installs the main group alone"
                yield spaced(case.tree, item.instruction, f"RUN {cache}{flags}{line}").lstrip("\n")


def _listed() -> str:
    found = libraries_of(f"$(find {_ENVIRONMENT} -name '*.so*' -type f)", "list")
    return f"RUN {found} > {_LIST}"


def _lines(
    case: _Case, stage: str, kept: frozenset[str], account: Account, *, listing: bool, slim: bool
) -> Iterator[str]:
    """The last stage: the author's instructions, and the environment where the first packages were installed."""
    covered = any(_covers(case, item) for item in case.items)
    place = next(number for number, item in enumerate(case.items) if _is_of_project(item) or item.has("install"))
    for number, item in enumerate(case.items):
        if number == place:  # before the sources, so that a changed source leaves it where it is
            yield from _environment(stage, listing=listing)
        if item.instruction.keyword == "RUN":
            line = _run(case, item, kept)
        elif _is_tool(item) or (covered and _only_manifests(case, item)):
            line = ""
        else:
            line = _other(case, item, kept, account, slim=slim)
        if line:
            yield line


def _is_of_project(item: _Item) -> bool:
    return item.instruction.keyword in ("COPY", "ADD") and item.instruction.flag("from") is None


def _environment(stage: str, *, listing: bool) -> Iterator[str]:
    """The environment from the other stage, and the libraries that its packages were compiled against."""
    yield copy([_ENVIRONMENT], _ENVIRONMENT, f"--from={stage}")
    if listing:
        install = f"xargs -r apt-get install -y --no-install-recommends < {_LIST}"
        yield f"RUN apt-get update \\\n    && {install} \\\n    && rm -rf /var/lib/apt/lists/*"
    yield f"ENV PATH={_ENVIRONMENT}/bin:$PATH"


def _only_manifests(case: _Case, item: _Item) -> bool:
    names = {posixpath.normpath(source.lstrip("/") or ".") for source in item.sources}
    return bool(names) and names <= set(case.wanted.files) and within(item.target, case.folder)


def _other(case: _Case, item: _Item, kept: frozenset[str], account: Account, *, slim: bool) -> str:
    """An instruction that is no RUN: as written, but for a probe that calls what slim lacks."""
    probe = item.instruction
    program = needs_program(probe) if probe.keyword == "HEALTHCHECK" and slim else None
    if program is None or program in kept:
        return spaced(case.tree, probe)
    account.notes.append(f"the HEALTHCHECK asks with Python now, for the image no longer holds {program}")
    flags = "".join(f"--{flag.name}={flag.value} " for flag in probe.flags)
    return spaced(case.tree, probe, f"HEALTHCHECK {flags}{with_python(probe)}")


def _run(case: _Case, item: _Item, kept: frozenset[str]) -> str:
    """What is left of a RUN; empty where only lists were updated and cleaned."""
    left: list[str] = []
    for command in item.commands:
        if command.purpose == "system":
            names = [name for name in _system(command) if name in kept]
            dropped = set(_system(command)) - set(names)
            if names:
                left.append(" ".join(part for part in command.words if re.split(r"[=<>~/]", part)[0] not in dropped))
        elif command.purpose not in _MOVED:
            left.append(command.text)
    if not any(re.match(r"(?:apt|apk).* (?:install|add)\b", line) for line in left):
        left = [line for line in left if not re.match(r"(?:apt|apk)\b|rm -\w+ /var/lib/apt", line)]
    if [command.text for command in item.commands] == left:
        return spaced(case.tree, item.instruction)
    if not any(
        command.purpose not in ("nothing", *_MOVED) and command.text in left for command in item.commands
    ) and not (any(re.match(r"apt|apk", line) and "install" in line for line in left)):
        return ""
    if any(line.startswith("apt") for line in left) and not any("/var/lib/apt/lists" in line for line in left):
        left.append("rm -rf /var/lib/apt/lists/*")
    flags = "".join(f"--{flag.name}={flag.value} " for flag in item.instruction.flags)
    return spaced(case.tree, item.instruction, f"RUN {flags}{' && '.join(left)}")


def _needed(case: _Case) -> tuple[str, ...]:
    """What of the context the Dockerfile or the service names."""
    wanted = set(case.wanted.files)
    for item in case.items:
        if item.instruction.flag("from") is None:
            wanted |= {posixpath.normpath(source.lstrip("/") or ".") for source in item.sources if "*" not in source}
    text = "\n".join(
        read_source(case.project.root, path) for path in files_named(case.project.root, (".py",), _REBUILT)
    )
    for name in top_names(case.project.root):
        if re.fullmatch(r"\.env(?:\.(?!example|dist)\w+)?", name) or re.search(rf"['\"/]{re.escape(name)}['\"/]", text):
            wanted.add(name)
    return tuple(sorted(path for path in wanted if path != "." and exists(case.project.root, path)))
