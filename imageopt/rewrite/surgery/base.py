"""FROM of the shipped stage -> the slim or alpine image of the same version, where all that rests on it works there.

What surprises: `FROM base AS final` shares its image with the stages that build. Then these must be able to build on
the smaller one too; a stage's alias itself is never replaced.
"""

from collections.abc import Iterator

from imageopt.dockerfile.model import Edit, Instruction, Stage
from imageopt.dockerfile.shell import run_commands
from imageopt.errors import one_line
from imageopt.project.alpine import alpine_answer
from imageopt.project.model import AlpineAnswer
from imageopt.rewrite.base_image import BaseImage, node_image
from imageopt.rewrite.builders import builders
from imageopt.rewrite.commands import commands_of, system_packages
from imageopt.rewrite.development import running_lock
from imageopt.rewrite.health import needs_program, with_node
from imageopt.rewrite.model import Refused
from imageopt.rewrite.render import flags_of
from imageopt.rewrite.runtime_base import (
    against,
    against_alpine_build,
    compiles,
    explained,
    lacking,
    made_for_openssl,
    uses,
)
from imageopt.rewrite.surgery.flatten import surveyed
from imageopt.rewrite.surgery.model import Answer, Case, Cut
from imageopt.rewrite.surgery.places import replaced
from imageopt.rules.checks.node_install import Install, installs_of
from imageopt.rules.checks.steps import copies, steps, with_ancestors

_KINDS = {"auto": ("alpine", "slim"), "alpine": ("alpine", "slim"), "slim": ("slim",)}
_NOT_ON_ALPINE = {"apt-get", "apt", "dpkg", "useradd", "groupadd", "usermod", "groupmod", "bash"}
_COMPILERS = {"build-essential", "g++", "gcc", "build-base"}


def swap(case: Case) -> Answer:
    """The smaller base image, with a HEALTHCHECK that works on it; else why each smaller one was refused."""
    base, root = case.base, case.chain[0].from_instruction
    image = root.words[0].raw if root.words else ""
    if base is None:
        wanted = any(finding.fix.transform == "base-swap" for finding in case.findings)
        reason = f"line {case.line(root)}: {image} is not an official Node image, so what it brings is not known"
        return (Refused("base-swap", reason),) if wanted else ()
    if base.kind == "alpine":
        return ()
    if case.trigger:
        return (Refused("base-swap", case.trigger),)
    answer = alpine_answer(
        running_lock(case.project),
        case.evidence.image.elf if case.evidence.image else None,
        processors=builders(case.project, case.evidence.dockerfile_path).processors,
    )
    refusals: list[Refused] = []
    for kind in (kind for kind in _KINDS.get(case.wish, ()) if kind != base.kind):
        found = next(_objections(case, base, kind, answer), None)
        variant = base.variant(kind)
        if found is None and variant is not None:
            reason = f"{variant}: {explained(answer, kind, variant, tuple(refusals))}"
            word = root.words[0]
            probe, notes = _probe(case, base)
            return (*refusals, Cut("base-swap", reason, (Edit(word.start, word.end, variant), *probe), notes))
        refusals.append(Refused("base-swap", f"line {case.line(root)}: {kind}: {found or 'there is no such variant'}"))
    return refusals


def _objections(case: Case, base: BaseImage, kind: str, answer: AlpineAnswer) -> Iterator[str]:
    """What speaks against this kind of image, the weightiest first."""
    forced = kind == case.wish
    engine = made_for_openssl(case.project)
    if kind == "slim" and engine and "openssl" not in case.system.packages:
        yield engine
    yield from against(kind, base, case.project, case.running, case.system, answer, forced=forced)
    for instruction in case.instructions:
        image = instruction.flag("from")
        if instruction.keyword in ("COPY", "ADD") and image and case.tree.source_stage(instruction) is None:
            yield f"line {case.line(instruction)} copies from {image}, and what those files need is unknown"
    for copied in copies(case.evidence):
        root = case.tree.stages[with_ancestors(case.tree, copied.stage)[0]]
        source = node_image(root.from_instruction.words[0].raw, root.base)
        if source is None:
            yield f"line {case.line(copied.instruction)} copies from {root.base}, and what those files need is unknown"
        elif (
            kind == "alpine"
            and source.kind != "alpine"
            and root != case.chain[0]
            and answer.deciding
            and not all(_is_compiled(case, path) for path in copied.sources or ("",))
        ):
            package = answer.deciding[0].package
            yield f"{package} is installed on {root.base}, and would come with a binary for its C library"
    for stage in _resting(case):
        yield from _against_stage(case, stage, base, kind)


def _is_compiled(case: Case, path: str) -> bool:
    """Whether a path of another stage is the output of a compiler, which brings no package along."""
    folder, _, name = path.rstrip("/").rpartition("/")
    return name in case.project.build_outputs and folder != "" and not name.startswith(".")


def _resting(case: Case) -> list[Stage]:
    """The stages that rest on the same FROM, itself included."""
    number = case.chain[0].index
    return [stage for stage in case.tree.stages if with_ancestors(case.tree, stage)[0] == number]


def _installs(case: Case, stage: Stage) -> Iterator[Install]:
    for step in steps(case.evidence, with_ancestors(case.tree, stage)):
        yield from installs_of(step)


def _against_stage(case: Case, stage: Stage, base: BaseImage, kind: str) -> Iterator[str]:
    """What this stage's own RUNs need and the image would not hold."""
    chain = [case.tree.stages[number] for number in with_ancestors(case.tree, stage)]
    brought: set[str] = set()
    manager = case.project.package_manager or "npm"
    missing = lacking(kind, base) | (_NOT_ON_ALPINE if kind == "alpine" else set())
    for instruction in (item for each in chain for item in each.instructions if item.keyword == "RUN"):
        called = {command.name.rpartition("/")[2] for command in run_commands(instruction)}
        if called & missing - brought and stage is _owner(chain, instruction):
            yield f"line {case.line(instruction)} calls {min(called & missing - brought)}"
        if stage is _owner(chain, instruction):
            there = brought | _packages(case, instruction)
            doubtful = ["unknown", *(["clock"] if "tzdata" not in there else [])]
            doubtful += ["locale"] if kind == "alpine" or "locales" not in there else []
            doubtful += ["crontab"] if "cron" not in there else []
            unknown = (c for c in commands_of(instruction, manager) if c.purpose in doubtful)
            yield from (
                f"line {case.line(instruction)}: whether `{one_line(c.text)[:60]}` works there is not known"
                for c in unknown
            )
        brought |= _packages(case, instruction)
    found = surveyed(case.tree, chain, case.manager)
    if uses(case.project, found, missing - brought):
        yield f"stage {stage.name or stage.index} builds with a program that only the full image holds"
    if any(_installs(case, stage)):
        if kind == "alpine":
            yield from (f"{name} would be installed on musl" for name in against_alpine_build(case.project, found))
        if base.kind == "full" and compiles(case.project) and not brought & _COMPILERS:
            yield "a package may have to be compiled where it is installed, and no smaller image has a compiler"


def _owner(chain: list[Stage], instruction: Instruction) -> Stage | None:
    return next((stage for stage in chain if instruction in stage.instructions), None)


def _packages(case: Case, instruction: Instruction) -> set[str]:
    """What it installs of the system, with the program of a package where that has another name."""
    found: set[str] = set()
    for command in commands_of(instruction, case.project.package_manager or "npm"):
        if command.purpose == "system-install":
            found |= set(system_packages(command))
    return found | {"update-ca-certificates"} if "ca-certificates" in found else found


def _probe(case: Case, base: BaseImage) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
    """The HEALTHCHECK in words that need only Node, where it calls what the smaller image lacks."""
    health = case.last("HEALTHCHECK")
    program = needs_program(health) if health is not None else None
    if health is None or program is None or base.kind != "full" or program in case.system.packages:
        return (), ()
    translated = with_node(health)
    if translated is None:
        return (), ()
    flags = flags_of(health)
    note = f"the HEALTHCHECK asks with Node now, for the image no longer holds {program}"
    return (replaced(case.tree, health, f"HEALTHCHECK {flags}{translated}"),), (note,)
