"""Packages that come from another stage: pruned there, where it costs nothing, before they are copied.

What surprises: a stage that anything else uses must stay as it is, for tests may be built on it. Then the pruning gets
a stage of its own.
"""

import re

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit, Stage
from imageopt.rewrite.model import Refused
from imageopt.rewrite.render import Unsafe, word
from imageopt.rewrite.surgery.installs import development_obstacle, ran_by
from imageopt.rewrite.surgery.model import Answer, Case, Cut
from imageopt.rewrite.surgery.places import below, line, newline
from imageopt.rules.checks.node import holds_modules
from imageopt.rules.checks.node_install import Install
from imageopt.rules.checks.steps import Copied, copies

_NAMES = ("production", "prod-deps", "runtime-deps")


def prune(case: Case) -> Answer:
    """`npm prune --omit=dev`, or another manager's, before the packages are copied into what is shipped."""
    lock = case.project.lock
    if lock is None or not any(package.dev for package in lock.packages):
        return ()
    found: dict[int, list[tuple[Copied, Install]]] = {}
    for copied in copies(case.evidence):
        install = ran_by(case, copied.stage.index)
        if install is None or not install.dev:
            continue
        folder = _folder(case, copied.stage)
        if copied.sources is None or any(holds_modules(path, folder) for path in copied.sources):
            found.setdefault(copied.stage.index, []).append((copied, install))
    if not found:
        return ()
    first = next(iter(found.values()))[0][0]
    obstacle = development_obstacle(case)
    if obstacle is None and len(found) > 1:
        obstacle = "packages come from more than one stage"
    if obstacle is None:
        (group,) = found.values()
        outcome = _pruned(case, [copied for copied, _ in group], group[0][1])
        if isinstance(outcome, tuple):
            count = sum(package.dev for package in lock.packages)
            reason = f"{count} of {len(lock.packages)} locked packages serve development only"
            return (Cut("prune-dev-deps", reason, outcome),)
        obstacle = outcome
    return (Refused("prune-dev-deps", f"line {case.line(first.instruction)}: {obstacle}"),)


def _pruned(case: Case, group: list[Copied], install: Install) -> tuple[Edit, ...] | str:
    """The edits, or why there are none."""
    manager, tree, stage = case.manager, case.tree, group[0].stage
    assert not isinstance(manager, str)
    end = stage_environment(tree, stage)
    folder = _folder(case, stage)
    if not manager.prune or install.tool.tool != manager.name:
        return f"{manager.name} has no way to leave only production packages"
    if folder is None or any(copied.sources is None for copied in group):
        return "what is copied rests on a build argument"
    if end.user not in (None, "", "root", "0") and end.user != install.step.environment.user:
        return f"stage {_label(stage)} ends as {end.user}, to whom the packages do not belong"
    if not stage.instructions:
        return f"stage {_label(stage)} has no instruction of its own"
    lines = [] if end.workdir == folder else [f"WORKDIR {folder}"]
    lines.append(f"RUN {manager.prune}")
    if not lines[1:] and _is_free(case, stage, group):
        return (below(tree, stage, stage.instructions[-1], *lines),)
    if (case.evidence.target or "").isdecimal():
        return "the build asks for a stage by its number, and another stage would change that"
    try:
        parent = word(stage.name or str(stage.index))
    except Unsafe as error:
        return str(error)
    if stage.name is None:
        return f"the stage on line {case.line(stage.from_instruction)} is used elsewhere, and has no name to build on"
    taken = {other.name for other in tree.stages}
    name = next((name for name in _NAMES if name not in taken), None)
    if name is None:
        return "each name for a stage of its own is taken"
    start = min((c.start for c in case.final.from_instruction.comments), default=case.final.from_instruction.start)
    joint = "as" if case.final.from_instruction.raw_keyword.islower() else "AS"
    text = "".join(line(tree, case.final, each) for each in (f"FROM {parent} {joint} {name}", *lines))
    edits = [Edit(start, start, text + newline(tree))]
    for copied in group:
        flag = next(flag for flag in copied.instruction.flags if flag.name == "from")
        edits.append(Edit(flag.start, flag.end, f"--from={name}"))
    return tuple(edits)


def _is_free(case: Case, stage: Stage, group: list[Copied]) -> bool:
    """Whether nobody else uses the stage's packages: no stage, no other COPY, no target from outside."""
    if case.children(stage) or stage in case.chain or {stage.name, str(stage.index)} & case.named:
        return False
    own = {copied.instruction.start for copied in group}
    for instruction in case.tree.instructions:
        if instruction.start in own:
            continue
        if instruction.keyword == "COPY" and case.tree.source_stage(instruction) == stage:
            if instruction.start < case.final.from_instruction.start:
                return False
        elif any(re.search(rf"\bfrom={re.escape(str(stage.name))}\b", flag.value) for flag in instruction.flags):
            return False
    return True


def _folder(case: Case, stage: Stage) -> str | None:
    """Where the stage's package.json lies: where it, or those it is built on, installs; else its last folder."""
    install = ran_by(case, stage.index)
    end = stage_environment(case.tree, stage).workdir
    if install is not None and install.step.stage.index == stage.index:
        return install.step.environment.workdir
    return end


def _label(stage: Stage) -> str:
    return stage.name or str(stage.index)
