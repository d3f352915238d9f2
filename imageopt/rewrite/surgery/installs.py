"""Installations as the author wrote them: they hold to the lock file, and what is shipped takes no development along.

What surprises: `npm ci` needs the lock file where it runs. A COPY that names package.json alone is given it too.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from imageopt.dockerfile.model import Edit, Instruction, Word
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import Call
from imageopt.project.files import exists, read_text
from imageopt.project.scripts import commands, split_assignments
from imageopt.rewrite.base_image import node_image
from imageopt.rewrite.development import called_by, started_with, who_starts
from imageopt.rewrite.locked import lock_obstacle
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.model import Refused
from imageopt.rewrite.moves import moved_to
from imageopt.rewrite.surgery.model import Answer, Case, Cut
from imageopt.rules.checks.node import may_bring
from imageopt.rules.checks.node_install import Install, installs_of, left_by
from imageopt.rules.checks.node_lock import is_strict
from imageopt.rules.checks.steps import Step, every_stage, steps, with_ancestors

_NOT_FROZEN = ("--no-save", "--no-package-lock", "--workspace", "--workspaces", "--filter", "--no-frozen-lockfile",
               "--package-lock", "--no-lockfile")  # fmt: skip
_FIRST_NODE_WITH_NPM_7 = 15
_NEWER_LOCK = "3"


def hold_to_lock(case: Case) -> Answer:
    """`npm ci`, or the frozen install of another manager, in every stage that installs the whole project."""
    manager = case.manager
    if isinstance(manager, str):
        return ()
    found = [install for step in steps(case.evidence, every_stage(case.evidence)) for install in installs_of(step)]
    loose = [install for install in found if _is_loose(install, manager) and not _is_beside(case, install)]
    if not loose:
        return ()
    obstacle = lock_obstacle(case.project) or _settings(case)
    if obstacle:
        return (Refused(manager.frozen, f"line {case.line(loose[0].step.instruction)}: {obstacle}"),)
    edits: dict[Edit, None] = {}
    refusals: list[Refused] = []
    for install in loose:
        brought = _lock_brought(case, install)
        if isinstance(brought, str):
            refusals.append(Refused(manager.frozen, f"line {case.line(install.step.instruction)}: {brought}"))
        else:
            edits.update(dict.fromkeys((*brought, _frozen(install.tool, manager))))
    lock = case.project.lock
    reason = f"{lock.path if lock else ''} fits package.json, so exactly what it pins is installed"
    return (*((Cut(manager.frozen, reason, tuple(edits)),) if edits else ()), *refusals)


def leave_out_development(case: Case) -> Answer:
    """The shipped stage's own installation without development's packages."""
    install = left_by(steps(case.evidence))
    lock = case.project.lock
    if install is None or not install.dev or lock is None or not any(package.dev for package in lock.packages):
        return ()
    if _is_beside(case, install):
        return ()
    where = f"line {case.line(install.step.instruction)}: "
    reason = _needs_development(case, install)
    if reason:
        return (Refused("prune-dev-deps", where + reason),)
    manager = case.manager
    assert not isinstance(manager, str)
    if install.tool.tool != manager.name or not manager.production:
        return (Refused("prune-dev-deps", f"{where}{manager.name} cannot install production packages alone"),)
    guard = _guard(case, manager)
    if isinstance(guard, Refused):
        return (Refused(guard.name, where + guard.reason),)
    place = (install.tool.verb or install.tool.name).end
    edits = [Edit(place, place, f" {manager.production}")]
    if guard:
        edits.append(Edit(install.command.start, install.command.start, guard))
    count = sum(package.dev for package in lock.packages)
    return (
        Cut("prune-dev-deps", f"{count} of {len(lock.packages)} locked packages serve development only", tuple(edits)),
    )


def development_obstacle(case: Case) -> str | None:
    """Why the packages for development must stay in what is shipped, whoever leaves them out; None if nothing is."""
    if isinstance(case.manager, str):
        return case.manager
    if case.project.manifest is None or case.project.workspace is not None:
        return "a workspace of several packages cannot be pruned reliably"
    if tool := started_with(case.project):
        return f"{who_starts(case.project, 'what is started calls')} {tool}, a development dependency"
    tool = called_by(case.project, _started_lines(case))
    return f"what is started calls {tool}, a development dependency" if tool else lock_obstacle(case.project)


def _started_lines(case: Case) -> Iterator[str]:
    """Shell lines that run in a container: of the image, of its scripts, of compose files and manifests."""
    for keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        instruction = case.last(keyword)
        if instruction is not None:
            yield " ".join(instruction.json or (instruction.arguments.removeprefix("CMD "),))
    yield from case.system.lines
    yield from (job.line for job in case.jobs)
    for fact in case.deployment.of("command", "entrypoint", "hook", "probe", dockerfile=case.evidence.dockerfile_path):
        yield fact.value


def _is_loose(install: Install, manager: Manager) -> bool:
    tool = install.tool
    if tool.tool != manager.name or tool.has(*_NOT_FROZEN) or tool.prefixes:
        return False
    return tool.subcommand == "install" if manager.name == "npm" else not is_strict(install)


def _is_beside(case: Case, install: Install) -> bool:
    """Whether it installs another package, by a manifest of its own: a client in a folder of the service."""
    above = (item for item in run_commands(install.step.instruction) if item.start < install.command.start)
    paths = [word.value for item in above if item.name == "cd" for word in item.arguments]
    paths.append(moved_to([word.value for word in install.command.words]) or "")
    paths.append(install.step.environment.workdir or "")
    for path in paths:
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        inner = ("/".join(parts[number:]) for number in range(len(parts)))  # whatever the project's folder is called
        if any(exists(case.project.root, f"{folder}/package.json") for folder in inner):
            return True
    return False


def _frozen(tool: Call, manager: Manager) -> Edit:
    """The edit of the command's own words that makes it hold to the lock file."""
    if manager.name == "npm":
        assert tool.verb is not None
        return Edit(tool.verb.start, tool.verb.end, "ci")
    option = " ".join(word for word in manager.install.split() if word.startswith("--"))
    if tool.verb is None:
        return Edit(tool.name.end, tool.name.end, f" install {option}")
    return Edit(tool.verb.end, tool.verb.end, f" {option}")


def _settings(case: Case) -> str | None:
    lock, project = case.project.lock, case.project
    assert lock is not None
    if lock.path not in project.context_bytes:
        return f"{lock.path} is left out by the ignore file"
    npmrc = (read_text(project.root, ".npmrc") or "") if lock.manager == "npm" else ""
    if re.search(r"^\s*package-lock\s*=\s*false", npmrc, re.MULTILINE):
        return ".npmrc turns the lock file off"
    return None


def _lock_brought(case: Case, install: Install) -> tuple[Edit, ...] | str:
    """The edits that bring the lock file to the installation, none where it is there; or why it cannot hold to it."""
    lock, tree = case.project.lock, case.tree
    assert lock is not None
    chain = [tree.stages[number] for number in with_ancestors(tree, install.step.stage)]
    base = node_image(chain[0].from_instruction.words[0].raw, chain[0].base)
    major = re.match(r"\d+", base.stem) if base is not None else None
    if lock.version == _NEWER_LOCK and lock.manager == "npm" and major and int(major[0]) < _FIRST_NODE_WITH_NPM_7:
        return f"the npm of Node {major[0]} does not read a lock file of version {lock.version}"
    if any("bind" in (mount.kind or "bind") for mount in mounts_of(install.step.instruction)):
        return "what it installs from is mounted while it runs"
    manifest: tuple[Instruction, Word] | None = None
    for instruction in (item for stage in chain for item in stage.instructions):
        if instruction is install.step.instruction:
            break
        if instruction.keyword in ("COPY", "ADD"):
            sources = instruction.words[:-1]
            if _brings(case, instruction, lock.path):
                return ()
            manifest = next(((instruction, word) for word in sources if fnmatch(word.value, "*package.json")), manifest)
    if manifest is None or manifest[0].flag("from") is not None or manifest[0].json is not None:
        return f"{lock.path} is not copied to where it installs"
    instruction, word = manifest
    target = instruction.words[-1].value
    if not target.endswith(("/", ".")) or word.value.removeprefix("./") != "package.json":
        return f"{lock.path} is not copied along on line {case.line(instruction)}"
    return (Edit(word.end, word.end, f" {word.value.removesuffix('package.json')}{lock.path}"),)


def _brings(case: Case, instruction: Instruction, lock: str) -> bool:
    """Whether a COPY brings the lock file, out of the build context or of a stage that has it from there."""
    words = [word.value for word in instruction.words[:-1]]
    if instruction.flag("from") is None:
        return any(may_bring(word, lock) for word in words)
    stage = case.tree.source_stage(instruction)
    if stage is None or not any(fnmatch(lock, word.rpartition("/")[2]) for word in words):
        return False
    there = (item for number in with_ancestors(case.tree, stage) for item in case.tree.stages[number].instructions)
    above = (item for item in there if item.keyword in ("COPY", "ADD") and item.start < instruction.start)
    return any(_brings(case, item, lock) for item in above)


def _needs_development(case: Case, install: Install) -> str | None:
    """Why the installation in what is shipped must bring the packages for development."""
    if case.running.builds:
        return "the image that is shipped builds the application itself"
    stage = install.step.stage
    if stage is not case.final and any(child not in case.chain for child in case.children(stage)):
        return "other stages are built on these packages as well"
    return development_obstacle(case)


def _guard(case: Case, manager: Manager) -> str | Refused:
    """What goes before an installation whose own scripts would call a package that is left out."""
    for line in case.project.lifecycle_scripts:
        name, _, script = line.partition(": ")
        lines = [" ".join(split_assignments(words)[1]) for words in commands(script) or ()]
        tool = called_by(case.project, lines)
        if tool is None:
            continue
        if name == "prepare" and manager.name == "npm":
            return "npm pkg delete scripts.prepare && "
        return Refused("prune-dev-deps", f"the script {name} of package.json calls {tool}, a development dependency")
    return ""


def ran_by(case: Case, stage: int) -> Install | None:
    """The installation whose packages a stage is left with: its own, else that of the stage it copies them from."""
    seen: set[int] = set()
    while stage not in seen:
        seen.add(stage)
        numbers = with_ancestors(case.tree, case.tree.stages[stage])
        found = left_by(_steps(case, numbers))
        if found is not None:
            return found
        taken = [item for number in numbers for item in case.tree.stages[number].instructions]
        sources = [case.tree.source_stage(item) for item in taken if _takes_packages(item)]
        stage = next((source.index for source in reversed(sources) if source is not None), stage)
    return None


def _steps(case: Case, numbers: tuple[int, ...]) -> Iterator[Step]:
    return steps(case.evidence, numbers)


def _takes_packages(instruction: Instruction) -> bool:
    named = any(word.value.rstrip("/").endswith("node_modules") for word in instruction.words[:-1])
    return instruction.keyword == "COPY" and named
