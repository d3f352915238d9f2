"""What a fix is given, and what it answers: edits of the Dockerfile, patterns for the ignore file, or a refusal.

A fix is idempotent by itself: where the text is as it should be already, it refuses and says so.
"""

from collections.abc import Callable

from msgspec import Struct

from imageopt.dockerfile.environment import Environment, stage_environment
from imageopt.dockerfile.model import Command, Dockerfile, Edit, Instruction, Stage
from imageopt.dockerfile.shell import is_flat, is_posix_shell, run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.model import Evidence
from imageopt.rules.model import Finding, Rule


class Refusal(Struct, frozen=True):
    """Why a finding is not mended by a text edit."""

    reason: str


class Patterns(Struct, frozen=True):
    """What is to be kept out of the build context, as lines for the ignore file below a comment."""

    title: str
    patterns: tuple[str, ...]


class Site(Struct, frozen=True):
    """A finding and the place it is about: `offset` is where its location begins in the text."""

    dockerfile: Dockerfile
    stage: Stage | None
    instruction: Instruction
    offset: int
    finding: Finding
    rule: Rule
    evidence: Evidence

    @property
    def environment(self) -> Environment | None:
        """What holds where the instruction stands; None above the first stage and for FROM."""
        if self.stage is None or self.instruction is self.stage.from_instruction:
            return None
        return stage_environment(self.dockerfile, self.stage, at=self.instruction)

    def flat_commands(self) -> tuple[Command, ...] | Refusal:
        """The RUN's own commands where it is a plain list that a POSIX shell reads; substitutions are left out."""
        state = self.environment
        if state is None or self.instruction.keyword != "RUN" or not is_posix_shell(state.shell[0]):
            return Refusal("it is no RUN of a POSIX shell")
        broken = any(problem.code != "empty-continuation" for problem in self.instruction.problems)
        if broken or any("\r" in heredoc.body for heredoc in self.instruction.heredocs):
            return Refusal("the shell may read something else than is written here")
        commands = run_commands(self.instruction)
        if not is_flat(commands):
            return Refusal("the RUN is more than a plain list of commands, so nothing is put into it")
        return tuple(command for command in commands if command.nesting != "substitution")


Outcome = tuple[Edit, ...] | Patterns | Refusal
FixFunction = Callable[[Site], Outcome]


def calls(commands: tuple[Command, ...], *tools: str) -> list[tuple[Command, Call]]:
    """The commands that call one of the tools."""
    found = ((command, call(command)) for command in commands)
    return [(command, read) for command, read in found if read is not None and read.tool in tools]
