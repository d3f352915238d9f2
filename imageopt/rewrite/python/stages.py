"""The instructions of a Python Dockerfile -> the lines of the stage that installs packages, and of the one that runs.

The last stage holds the author's instructions in their order. The environment comes before the first file of the
project, so that a changed source leaves it where it is.
"""

import posixpath
import re
from collections.abc import Iterator

from imageopt.rewrite.commands import listed_packages
from imageopt.rewrite.ground import Account, spaced
from imageopt.rewrite.health import needs_program, with_python
from imageopt.rewrite.linked import libraries_of
from imageopt.rewrite.python.commands import PythonCommand
from imageopt.rewrite.python.survey import Case, Item, covers, is_tool
from imageopt.rewrite.render import copy, flags_of
from imageopt.rewrite.surveyed import within

ENVIRONMENT = "/opt/venv"
_LIST = f"{ENVIRONMENT}/packages.txt"
_MOVED = ("install", "upgrade", "tool")
_CACHES = {"uv": "/root/.cache/uv", "poetry": "/root/.cache/pypoetry"}


def system_of(command: PythonCommand) -> tuple[str, ...]:
    """The packages that a command of the system installs, without versions."""
    return listed_packages(command.words) if command.purpose == "system" else ()


def ground(case: Case) -> Iterator[str]:
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
        elif item.instruction.keyword == "COPY" and is_tool(item):
            yield spaced(case.tree, item.instruction)


def inputs(case: Case) -> Iterator[str]:
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


def _written_target(item: Item, folder: str) -> str:
    """The target of a COPY; the slash at its end says that it is a folder, whether it is there or not."""
    words = item.instruction.values
    if item.target == folder:
        return "./"
    return f"{item.target}/" if words[-1].endswith("/") else item.target


def installs(case: Case, account: Account, *, mounts: bool) -> Iterator[str]:
    """The RUN lines that install; what Poetry leaves out is noted.

    `mounts`: the builder can mount a folder for the downloads.
    """
    for item in case.items:
        flags = flags_of(item.instruction)
        for command in item.commands:
            if command.purpose == "tool":
                yield f"RUN {command.text}"
            elif command.purpose == "install":
                program = command.words[0].rpartition("/")[2]
                cache = (
                    ""
                    if "type=cache" in flags or not mounts
                    else f"--mount=type=cache,target={_CACHES.get(program, '/root/.cache/pip')} "
                )
                line = command.install
                if program == "poetry" and not {"--no-dev", "--only", "--without"} & set(command.words):
                    line += " --only main"
                    account.done["prune-dev-deps"] = "poetry installs the main group alone"
                yield spaced(case.tree, item.instruction, f"RUN {cache}{flags}{line}").lstrip("\n")


def listed() -> str:
    """The RUN that lists the system packages which the environment's compiled files load."""
    found = libraries_of(f"$(find {ENVIRONMENT} -name '*.so*' -type f)", "list")
    return f"RUN {found} > {_LIST}"


def lines(
    case: Case, stage: str, kept: frozenset[str], account: Account, *, listing: bool, slim: bool
) -> Iterator[str]:
    """The last stage: the author's instructions, and the environment where the first packages were installed."""
    covered = any(covers(case, item) for item in case.items)
    place = next(number for number, item in enumerate(case.items) if _is_of_project(item) or item.has("install"))
    for number, item in enumerate(case.items):
        if number == place:  # before the sources, so that a changed source leaves it where it is
            yield from _environment(stage, listing=listing)
        if item.instruction.keyword == "RUN":
            line = _run(case, item, kept)
        elif is_tool(item) or (covered and _only_manifests(case, item)):
            line = ""
        else:
            line = _other(case, item, kept, account, slim=slim)
        if line:
            yield line


def _is_of_project(item: Item) -> bool:
    return item.instruction.keyword in ("COPY", "ADD") and item.instruction.flag("from") is None


def _environment(stage: str, *, listing: bool) -> Iterator[str]:
    """The environment from the other stage, and the libraries that its packages were compiled against."""
    yield copy([ENVIRONMENT], ENVIRONMENT, f"--from={stage}")
    if listing:
        install = f"xargs -r apt-get install -y --no-install-recommends < {_LIST}"
        yield f"RUN apt-get update \\\n    && {install} \\\n    && rm -rf /var/lib/apt/lists/*"
    yield f"ENV PATH={ENVIRONMENT}/bin:$PATH"


def _only_manifests(case: Case, item: Item) -> bool:
    names = {posixpath.normpath(source.lstrip("/") or ".") for source in item.sources}
    return bool(names) and names <= set(case.wanted.files) and within(item.target, case.folder)


def _other(case: Case, item: Item, kept: frozenset[str], account: Account, *, slim: bool) -> str:
    """An instruction that is no RUN: as written, but for a probe that calls what slim lacks."""
    probe = item.instruction
    program = needs_program(probe) if probe.keyword == "HEALTHCHECK" and slim else None
    if program is None or program in kept:
        return spaced(case.tree, probe)
    account.notes.append(f"the HEALTHCHECK asks with Python now, for the image no longer holds {program}")
    flags = flags_of(probe)
    return spaced(case.tree, probe, f"HEALTHCHECK {flags}{with_python(probe)}")


def _run(case: Case, item: Item, kept: frozenset[str]) -> str:
    """What is left of a RUN; empty where only lists were updated and cleaned."""
    left: list[str] = []
    for command in item.commands:
        if command.purpose == "system":
            names = [name for name in system_of(command) if name in kept]
            dropped = set(system_of(command)) - set(names)
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
    flags = flags_of(item.instruction)
    return spaced(case.tree, item.instruction, f"RUN {flags}{' && '.join(left)}")
