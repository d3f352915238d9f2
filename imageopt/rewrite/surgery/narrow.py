"""`COPY --from=build /app .` -> what runs: packages, package.json, the build's output and what the source reads.

Only where the set is certain; the same knowledge decides as for a rewrite from a template (`layout`).
"""

import posixpath
from collections.abc import Iterator

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit, Instruction
from imageopt.rewrite.commands import commands_of
from imageopt.rewrite.development import started_with
from imageopt.rewrite.layout import Layout, layout
from imageopt.rewrite.model import Refused
from imageopt.rewrite.render import Unsafe, copy
from imageopt.rewrite.surgery.flatten import surveyed
from imageopt.rewrite.surgery.model import Answer, Case, Cut
from imageopt.rewrite.surgery.places import newline, replaced
from imageopt.rules.checks.steps import Copied, copies, with_ancestors

_CHANGES_NO_SOURCE = {
    "nothing", "system-install", "owner", "folder", "account", "clock", "locale", "crontab", "certificates",
    "global-install", "install", "prune",
}  # fmt: skip


def narrow(case: Case) -> Answer:
    """Each COPY of a whole built folder into the shipped stage, as copies of what runs."""
    cuts: list[Cut | Refused] = []
    for copied in copies(case.evidence):
        folder = stage_environment(case.tree, copied.stage).workdir
        if copied.instruction not in case.final.instructions or folder is None:
            continue
        if [posixpath.normpath(path) for path in copied.sources or ()] != [folder]:
            continue
        outcome = _narrowed(case, copied, folder)
        if isinstance(outcome, Edit):
            reason = f"line {case.line(copied.instruction)} copied all of {folder}; what the service reads is known"
            cuts.append(Cut("narrow-copies", reason, (outcome,)))
        else:
            cuts.append(Refused("narrow-copies", f"line {case.line(copied.instruction)}: {outcome}"))
    return cuts


def _narrowed(case: Case, copied: Copied, folder: str) -> Edit | str:
    instruction = copied.instruction
    later = next(_uses_sources(case, instruction), None)
    if later is not None:
        return f"line {case.line(later)} may need any of what is copied"
    if isinstance(case.manager, str):
        return case.manager
    built = surveyed(
        case.tree, [case.tree.stages[index] for index in with_ancestors(case.tree, copied.stage)], case.manager
    )
    built.runtime += case.running.runtime
    if built.folder != folder:
        return f"it installs in {built.folder} and builds in {folder}"
    if any("no RUN of it installs" not in objection for objection in built.objections):
        return f"what stage {copied.stage.name or copied.stage.index} does is not fully understood"
    found = layout(case.project, built, case.system, prunes=started_with(case.project) is None)
    if found.mode != "narrow":
        return found.reason
    try:
        lines = _lines(case, instruction, folder, found)
    except Unsafe as error:
        return str(error)
    return replaced(case.tree, instruction, newline(case.tree).join(lines))


def _lines(case: Case, instruction: Instruction, folder: str, found: Layout) -> list[str]:
    flags = [f"--{flag.name}={flag.value}" if flag.value else f"--{flag.name}" for flag in instruction.flags]
    target = instruction.words[-1].value.rstrip("/") or "/"
    lock = case.project.lock
    packages = ["node_modules"] if lock and any(not package.dev for package in lock.packages) else []
    lines = [copy([f"{folder}/{path}"], f"{target}/{path}", *flags) for path in packages]
    lines.append(copy([f"{folder}/package.json"], f"{target}/", *flags))
    lines += [copy([f"{folder}/{path}"], f"{target}/{path}", *flags) for path in found.paths]
    lower = instruction.raw_keyword.islower()
    return [f"copy{text.removeprefix('COPY')}" if lower and number else text for number, text in enumerate(lines)]


def _uses_sources(case: Case, copied: Instruction) -> Iterator[Instruction]:
    """RUNs below that may use what is copied."""
    for item in case.final.instructions:
        if item.keyword == "RUN" and item.start > copied.start:
            manager = case.project.package_manager or "npm"
            if any(command.purpose not in _CHANGES_NO_SOURCE for command in commands_of(item, manager)):
                yield item
