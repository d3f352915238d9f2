"""What an operation is given and what it answers: edits of the Dockerfile with their reason, or a refusal.

An operation looks at the Dockerfile as those before it left it, so its spans count in that text and in no other.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.edit import apply, before
from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Stage
from imageopt.dockerfile.parser import parse
from imageopt.evidence.model import Evidence
from imageopt.project.deployment import read_deployment
from imageopt.project.model import Deployment, Project
from imageopt.rewrite.base_image import BaseImage, node_image
from imageopt.rewrite.elsewhere import Start, started_elsewhere
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.model import Refused
from imageopt.rewrite.scheduled import cron_jobs
from imageopt.rewrite.surgery.flatten import surveyed
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import RuntimeSystem, runtime_system
from imageopt.rules.checks.steps import with_ancestors
from imageopt.rules.model import Finding


class Case(Struct, frozen=True, dict=True):
    """The project, and its Dockerfile so far (`evidence.dockerfile`).

    `manager` is the package manager, or why it cannot be told what to do. `wish` is the base image that is asked for:
    auto, alpine, slim or keep. `named` are the targets that something outside of the Dockerfile builds.
    """

    evidence: Evidence
    findings: tuple[Finding, ...]
    project: Project
    manager: Manager | str
    wish: str
    named: frozenset[str]
    written: Dockerfile  # as the author has it
    history: tuple[tuple[Edit, ...], ...] = ()

    @property
    def tree(self) -> Dockerfile:
        """The Dockerfile so far."""
        assert self.evidence.dockerfile is not None
        return self.evidence.dockerfile

    @cached_property
    def final(self) -> Stage:
        """The stage that is shipped."""
        return self.tree.target(self.evidence.target) or self.tree.stages[-1]

    @cached_property
    def chain(self) -> tuple[Stage, ...]:
        """The shipped stage and those it is built on, in the order they run."""
        return tuple(self.tree.stages[number] for number in with_ancestors(self.tree, self.final))

    @cached_property
    def base(self) -> BaseImage | None:
        """The official Node image that the shipped stage rests on, None for any other."""
        root = self.chain[0]
        return node_image(root.from_instruction.words[0].raw, root.base)

    @cached_property
    def running(self) -> Survey:
        """What the shipped stage's instructions are for."""
        return surveyed(self.tree, self.chain, self.manager)

    @cached_property
    def system(self) -> RuntimeSystem:
        """What the running service needs of the operating system."""
        elsewhere = started_elsewhere(self.project.root, self.evidence.dockerfile_path)
        return runtime_system(self.project, self.running, (*elsewhere, *self.jobs))

    @cached_property
    def jobs(self) -> tuple[Start, ...]:
        """What cron starts in the container, as far as that can be read."""
        found = cron_jobs(self.project.root, self.running)
        return () if isinstance(found, str) else found

    @cached_property
    def deployment(self) -> Deployment:
        """What compose files, manifests and the pipeline say."""
        return read_deployment(self.project.root)

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions that make the shipped stage, in order, FROM aside."""
        return tuple(item for stage in self.chain for item in stage.instructions)

    @property
    def is_apart(self) -> bool:
        """Whether the shipped stage has an image of its own, that no other stage is built on."""
        return len(self.chain) == 1 and not self.children(self.final)

    def children(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages that are built on this one directly."""
        return tuple(other for other in self.tree.stages if other.parent == stage.index)

    def last(self, keyword: str) -> Instruction | None:
        """The last instruction of the shipped stage with that keyword."""
        return next((item for item in reversed(self.instructions) if item.keyword == keyword), None)

    @property
    def trigger(self) -> str:
        """Why images that are built on this one would feel a change of its base or user; empty where none is meant."""
        item = self.last("ONBUILD")
        return f"line {self.line(item)}: ONBUILD runs in images that are built on this one" if item else ""

    def line(self, instruction: Instruction) -> int:
        """The line of an instruction in the author's file, where that one says anything of it."""
        offset = instruction.start
        for edits in reversed(self.history):
            offset = before(offset, edits)
        return self.written.position(offset)[0]

    def edited(self, edits: Iterable[Edit]) -> "Case | str":
        """The case after the edits, or why they cannot be made."""
        edits = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
        try:
            text = apply(self.tree.text, edits)
        except ValueError:
            return "its edits overlap"
        tree = parse(text.encode("utf-8", "surrogateescape"))
        if len(tree.problems) > len(self.tree.problems):
            return f"the edited file would not be read: {tree.problems[-1].message}"
        return self.with_tree(tree, edits)

    def with_tree(self, tree: Dockerfile, *history: tuple[Edit, ...]) -> "Case":
        """The case with another text of the Dockerfile, which these edits made."""
        return replace(self, evidence=replace(self.evidence, dockerfile=tree), history=(*self.history, *history))


class Cut(Struct, frozen=True):
    """Edits that belong together: the transformation, the evidence it rests on, and what the user must know."""

    name: str
    reason: str
    edits: tuple[Edit, ...]
    notes: tuple[str, ...] = ()


Answer = Sequence[Cut | Refused]
Operation = Callable[[Case], Answer]
