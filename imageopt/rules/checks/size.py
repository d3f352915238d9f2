"""Checks on bytes: what the image holds, and, without an image, what the Dockerfile is bound to leave in it."""

from collections.abc import Iterable, Iterator
from datetime import date

from msgspec.structs import replace

from imageopt.dockerfile.model import Stage
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import has_slimmer_variant
from imageopt.image.model import FileRecord, Image
from imageopt.rules.checks.match import fitting, matching, shipped, shipped_stages
from imageopt.rules.checks.steps import Step, installs, removes, steps
from imageopt.rules.finding import measured, stated
from imageopt.rules.model import Finding, Rule

_BUILDERS = frozenset(("make", "go", "cargo", "mvn", "gradle"))
_FETCHERS = frozenset(("curl", "wget", "git", "svn"))
_OF_NODE = frozenset(("npm", "npx", "pnpm", "yarn", "tsc", "webpack"))
_MANUALS = ("usr/share/doc/", "usr/share/info/", "usr/share/locale/", "usr/share/man/")


def billed(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """The files whose cause is this rule, one finding for each instruction that is to blame.

    Without an image the rule's `match` is asked instead, and the saving is unknown.
    """
    if evidence.image is None:
        yield from matching(evidence, rule, now)
        return
    yield from _billed(evidence, rule, evidence.files_of_causes.get(rule.name, ()))


def _billed(evidence: Evidence, rule: Rule, files: Iterable[int]) -> Iterator[Finding]:
    assert evidence.image is not None
    found: dict[int, list[int]] = {}
    layers: dict[int, set[int]] = {}
    keys = [  # by layer; each unknown apart
        origin.instruction.line if origin is not None else -1 - layer for layer, origin in enumerate(evidence.origins)
    ]
    for index in files:
        billed_layer = evidence.classes[index].billed_layer
        key = keys[billed_layer]
        if key not in found:
            found[key], layers[key] = [], set()
        found[key].append(index)
        layers[key].add(billed_layer)
        layers[key].add(evidence.image.files[index].birth)
    instructions = {origin.instruction.line: origin.instruction for origin in evidence.origins if origin is not None}
    for key, those in found.items():
        finding = measured(
            evidence,
            rule,
            instructions.get(key),
            those,
            layers[key],
            basis="estimate" if rule.parameters.get("basis") == "estimate" else "exact",
            confidence="low" if evidence.base.decided_by in ("guessed", "unknown") else "high",
        )
        if (finding.saving.bytes or 0) >= int(rule.parameters.get("least_bytes", 1)):
            yield finding


def fat_base(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """The full variant of a base image that has a slim one: what that leaves out, or, without an image, its name."""
    image, dockerfile = evidence.image, evidence.dockerfile
    if image is not None:
        files = evidence.files_of_causes.get(rule.name, ())
        left_out = [index for index in files if _is_left_out(image, image.files[index])]
        for finding in _billed(evidence, rule, left_out):
            yield replace(finding, files=tuple(files))  # another base image takes the place of all of it
        if files and not left_out:
            brought_by = next(filter(None, evidence.origins), None)
            finding = stated(evidence, rule, brought_by.instruction if brought_by is not None else None)
            yield replace(finding, files=tuple(files))
        return
    if dockerfile is None:
        return
    stages = shipped_stages(dockerfile, evidence.target)
    root = dockerfile.stages[stages[0]] if stages else None
    if root is not None and has_slimmer_variant(root.base):
        yield stated(evidence, rule, root.from_instruction, at=root.from_instruction.words[0])


def _is_left_out(image: Image, file: FileRecord) -> bool:
    """Whether a slimmer variant would not have the file either, by what such variants are made of.

    They begin with the same system, less its manuals and translations, and hold the same product, which no package of
    the system owns; what the full one has in between is packages. The alpine variant saves more.
    """
    if file.fate != "live":
        return False
    return file.path.startswith(_MANUALS) if file.birth == 0 else file.path in image.packages.owners


def single_stage(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A build in the stage that is shipped: the tools and sources of the build stay in the image."""
    dockerfile = evidence.dockerfile
    stage = dockerfile.target(evidence.target) if dockerfile is not None else None
    if dockerfile is None or stage is None or len(dockerfile.stages) > 1:
        return
    alone = {step.instruction.line for step in steps(evidence) if _leaves_only_its_result(stage, step)}
    for _, instruction in shipped(dockerfile, evidence.target):
        spots = [spot for item in rule.matches if (spot := fitting(item, instruction)) is not None]
        if spots and instruction.line not in alone:
            yield stated(evidence, rule, instruction, at=spots[0])
            return  # once: it is about the whole file


def _leaves_only_its_result(stage: Stage, step: Step) -> bool:
    """Whether a RUN installs what it builds with, builds what it fetches itself, and removes the tools in the end.

    With sources that were copied in before, or npm's packages, there is more to leave behind than tools.
    """
    names = [command.name.rpartition("/")[2] for command in step.commands]
    ends = [number for number, name in enumerate(names) if name in _BUILDERS]
    if not ends or not _OF_NODE.isdisjoint(names):
        return False
    installed = any(installs(tool) for command, tool in step.ran if command.start < step.commands[ends[0]].start)
    removed = any(removes(tool) for command, tool in step.ran if command.start > step.commands[ends[-1]].start)
    above = (item for item in stage.instructions if item.start < step.instruction.start)
    copied = any(item.keyword in ("COPY", "ADD") and item.flag("from") is None for item in above)
    return installed and removed and (not copied or not _FETCHERS.isdisjoint(names))
