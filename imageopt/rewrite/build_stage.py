"""The first stage: manifests and lock, the install that the lock pins, the original's own build commands, the pruning.

NODE_ENV=production never reaches the install here, or the compiler would be missing; where the original had it set
before the build, it is set after the install.
"""

import posixpath
import re

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.pairs import pairs
from imageopt.project.files import exists, read_text
from imageopt.project.model import Project
from imageopt.rewrite.builders import without_cache
from imageopt.rewrite.certificates import PACKAGE, lacks_updater
from imageopt.rewrite.commands import system_packages, writes_npmrc
from imageopt.rewrite.global_tools import uses_global
from imageopt.rewrite.ground import Account, Ground, comments_of
from imageopt.rewrite.managers import manifest_names
from imageopt.rewrite.render import copy, flags_of, word
from imageopt.rewrite.surveyed import Step, Survey
from imageopt.rewrite.system import newly_installed
from imageopt.rewrite.tokens import left_behind, sent

_WITHOUT_EFFECT_AT_THE_END = ("ENV", "ARG", "SHELL", "WORKDIR")


def build_stage(ground: Ground, account: Account) -> dict[str, object]:
    """The template's values for the first stage."""
    first, found, tree = _sources_first(ground), ground.found, ground.tree
    built = [step.instruction for step in (*found.before_install, *found.build)]
    return {
        "image": ground.bases.build,
        "name": ground.build_name,
        "toolchain": ground.bases.toolchain,
        "before_install": [
            *([f"WORKDIR {word(found.folder)}"] if found.unnamed else []),
            *_system(ground, account),
            *(_text(ground, step) for step in found.before_install),
        ],
        "sources_first": [_text(ground, step) for step in first],
        "above_manifests": comments_of(tree, *found.manifests),
        "above_install": comments_of(tree, found.install) if found.install and found.install not in built else "",
        "manifests": " ".join(map(word, manifest_names(ground.project, ground.manager))),
        "inputs": [copy([path], f"./{path}") for path in (*member_manifests(ground), *_folders(ground))],
        "setup": ground.manager.setup,
        "install": ground.manager.install,
        "mounts": _mounts(ground, account),
        "install_flags": _install_flags(ground),
        "steps": [_text(ground, step) for step in _steps(ground, first)],
        "prune": _last(ground),
    }


def member_manifests(ground: Ground) -> list[str]:
    """The manifests of the workspace's members that the install looks at: of all where it chooses among all."""
    if ground.part is None:
        return []
    chosen = ground.part.built if ground.installs_part else ground.part.members
    return [f"{member.folder}/package.json" for member in chosen]


def _system(ground: Ground, account: Account) -> list[str]:
    """The system packages of the original where something compiles, and global tools that a build command uses."""
    lines = []
    brought: set[str] = set()
    if ground.bases.keeps_system:
        lines += [ground.kept(run) for run in dict.fromkeys(run for run, _ in ground.found.system)]
        brought = {name for _, command in ground.found.system for name in system_packages(command)}
    if ground.found.certificates and lacks_updater(ground.bases.build_kind) and PACKAGE not in brought:
        lines.append(newly_installed(ground.bases.build_kind, PACKAGE))
    for run, command in ground.found.globals:
        if uses_global(ground, command.words):
            lines.append(f"RUN {command.text}")
            account.done.setdefault("drop-global-tools", f"line {run.line}'s tools serve the build only")
    return lines


def _sources_first(ground: Ground) -> list[Step]:
    """With a lifecycle script that may need any source, all COPYs come before the install."""
    if not ground.inputs.everything:
        return []
    return [step for step in ground.found.build if step.instruction.keyword in ("COPY", "ADD")]


def _steps(ground: Ground, first: list[Step]) -> list[Step]:
    """After the install: sources and what works on them, up to the last of it; nothing where nothing is built."""
    if ground.layout.mode == "plain":
        return []
    steps = [step for step in ground.found.build if not any(step is other for other in first)]
    steps = [step for step in steps if not _is_input(ground, step)]
    if ground.layout.mode == "narrow":  # what is deleted elsewhere stays behind with this stage anyway
        steps = [step for step in steps if not step.removes or _removes_kept(ground, step)]
    while steps and steps[-1].instruction.keyword in _WITHOUT_EFFECT_AT_THE_END:
        steps.pop()
    moved = [step for step in steps if step.instruction.keyword == "WORKDIR"]
    if moved and _last(ground):  # which is a matter of the folder that everything was installed in
        steps.append(Step(moved[-1].instruction, f"WORKDIR {word(ground.found.folder)}"))
    return steps


def _is_input(ground: Ground, step: Step) -> bool:
    """Whether it copies, without a word about it, only what is copied for the install in any case."""
    found, given = ground.found, _folders(ground)
    return not step.instruction.comments and any(
        copied.target == f"{found.folder}/{posixpath.normpath(source)}" and posixpath.normpath(source) in given
        for copied in found.copies
        if copied.instruction is step.instruction and len(copied.sources) == 1
        for source in copied.sources
    )


def _removes_kept(ground: Ground, step: Step) -> bool:
    kept = [f"{ground.found.folder}/{path}" for path in ground.layout.paths]
    return any(path == folder or path.startswith(f"{folder}/") for path in step.removes for folder in kept)


def _mounts(ground: Ground, account: Account) -> str:
    """The flags of the install's RUN: the original's (secrets, ssh), and a mount for npm's cache."""
    install = ground.found.install
    assert install is not None
    given = flags_of(install)
    if "type=cache" in given:
        return given
    if not ground.builders.mounts:
        account.done["drop-caches"] = without_cache(ground.builders)
        return given
    cache = _cache_folder(ground)
    account.done["drop-caches"] = (
        f"{ground.manager.name}'s cache in {cache} is mounted while it installs, and is in no layer"
    )
    return f"--mount=type=cache,target={word(cache)} {given}"


def _cache_folder(ground: Ground) -> str:
    for item in ground.found.runtime if ground.manager.name == "npm" else ():
        for pair in pairs(item) if item.keyword == "ENV" else ():
            if pair.name.lower() == "npm_config_cache" and re.fullmatch(r"/[\w./-]+", pair.value or ""):
                return pair.value or ""
    return ground.manager.cache


def _folders(ground: Ground) -> list[str]:
    """What else of the project the install reads."""
    return list(dict.fromkeys((*ground.manager.folders, *ground.inputs.paths)))


def _install_flags(ground: Ground) -> str:
    flags = [word(flag) for flag in ground.found.install_flags]
    npmrc = (read_text(ground.project.root, ".npmrc") or "") if ground.manager.name == "npm" else ""
    if ground.installs_production and ground.manager.production:
        flags.append(ground.manager.production)
    elif re.search(r"^\s*(?:omit\s*=\s*dev|production\s*=\s*true)", npmrc, re.MULTILINE):
        flags.append("--include=dev")
    return "".join(f" {flag}" for flag in flags)


def _last(ground: Ground) -> str:
    """The pruning, and the removal of what holds a token where the whole folder is copied."""
    files: tuple[str, ...] = ()
    if ground.layout.mode == "whole":
        files = left_behind(
            sent(ground.project, ground.project.dockerignore or ""), ground.found.folder, ground.found.copies
        )
        if any(map(_is_npmrc, ground.found.before_install)):
            files = tuple(dict.fromkeys((*files, ".npmrc")))
    return " && ".join(filter(None, (_prune(ground), f"rm -f {' '.join(map(word, files))}" if files else "")))


def npmrc_over_another(project: Project, found: Survey) -> tuple[str, ...]:
    """Why an .npmrc that is made for the installation cannot be made before the manifests are copied."""
    if not exists(project.root, ".npmrc"):
        return ()
    lines = (step.instruction.line for step in found.before_install if _is_npmrc(step))
    return tuple(f"line {line} writes .npmrc, and the project has one" for line in lines)


def _is_npmrc(step: Step) -> bool:
    return step.instruction.keyword == "RUN" and writes_npmrc(step.instruction.arguments)


def _prune(ground: Ground) -> str:
    """The command that leaves the production packages, with the flags that decide which tree the manager works out."""
    if ground.layout.mode == "output":  # it has its own copies of the packages
        return ""
    if ground.runner is not None or (ground.installs_production and ground.manager.production):
        return ""
    kept = [flag for flag in ground.found.install_flags if flag in ("--legacy-peer-deps", "--force", "-f")]
    mounts = ground.manager.prunes_from_cache and ground.builders.mounts
    mount = [f"--mount=type=cache,target={word(_cache_folder(ground))}"] if mounts else []
    return " ".join([*mount, ground.manager.prune, *(kept if ground.manager.name == "npm" else ())])


def _text(ground: Ground, step: Step) -> str:
    if step.instruction.keyword == "WORKDIR" and step.text is not None:
        return step.text  # beside the one that is kept with its comments
    if step.instruction.keyword in ("COPY", "ADD") and step.text is None:
        return ground.commented(step.instruction, _with_known_owner(ground, step.instruction))
    return ground.kept(step.instruction) if step.text is None else ground.commented(step.instruction, step.text)


def _with_known_owner(ground: Ground, item: Instruction) -> str:
    """The COPY as written, without an owner that only the running stage makes."""
    text, owner = ground.tree.source(item), item.flag("chown")
    if owner is None or re.fullmatch(r"(?:node|bun|root|\d+)(?::(?:node|bun|root|\d+))?", owner):
        return text
    return re.sub(r"\s--chown=\S+", "", text, count=1)
