"""What holds where an instruction stands: its variables, build arguments, shell, folder and user.

What surprises: ARG and ENV write to the same variables and the later one wins, but only ENV goes into the image. And
the base image from outside may set variables that the file does not show, so a name that is missing here is not known
to be empty. Whoever has that image's configuration passes it in as `base_env`.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.expand import Expansion, expansion
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.pairs import pairs
from imageopt.dockerfile.stages import global_arguments
from imageopt.dockerfile.versions import Growing, Versions

_DEFAULT_SHELL = ("/bin/sh", "-c")
_MOST_TEXT = 4_000_000  # characters of all values together; what a stage has beyond that is as good as unknown


class Environment(Struct, frozen=True):
    """The state that one instruction meets.

    `variables` are the names with a known value, from ARG and ENV; `holes` those that were given a value which the
    file does not tell. `env` is what the image's configuration would hold, None for such a value. `declared` are the
    stage's ARG names in order, repetitions included. `workdir` and `user` are None where the base image decides.
    `complete` says that nothing is hidden in a base image.
    """

    variables: Versions[str]
    holes: Versions[bool]
    env: Versions[str | None]
    declared: Growing
    shell: tuple[str, ...]
    workdir: str | None
    user: str | None
    complete: bool
    escape: str
    text_length: int = 0

    @property
    def unknown(self) -> frozenset[str]:
        """The names that were given a value which the file does not tell."""
        return frozenset(self.holes)

    @property
    def arguments(self) -> tuple[tuple[str, str | None], ...]:
        """The build arguments a RUN's history line lists (`|2 A=1 B=2`), in that order; None for unknown values."""
        return tuple((name, self.variables.get(name)) for name in self.declared)

    def expansion(self, text: str) -> Expansion:
        """The text with these variables put in, and the names that were missing."""
        return expansion(text, self.variables, self.escape)

    def known(self, text: str) -> str | None:
        """The expanded text; None where it rests on a name whose value the file does not tell."""
        if "$" not in text and '"' not in text and "'" not in text and self.escape not in text:
            return text  # as most are
        expanded = self.expansion(text)
        if not expanded.absent:
            return None if expanded.error else expanded.text
        missing = frozenset(expanded.absent)
        doubtful = missing & self.holes.keys() if self.complete else missing
        return None if expanded.error or doubtful else expanded.text

    def with_value(self, name: str, value: str | None) -> Self:
        """The state after this name was given a value, None for an unknown one."""
        if value is not None and self.text_length + len(value) > _MOST_TEXT:
            value = None
        if value is None:
            return replace(self, variables=self.variables.without(name), holes=self.holes.changed(name, value=True))
        return replace(
            self,
            variables=self.variables.changed(name, value),
            holes=self.holes.without(name),
            text_length=self.text_length + len(value),
        )


def stage_environment(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str] | None = None,
    base_env: Mapping[str, str] | None = None,
    at: Instruction | None = None,
) -> Environment:
    """What holds where the instruction `at` of the stage stands; at the stage's end for None."""
    states = environments(dockerfile, stage, build_args, base_env)
    for instruction, state in zip((*stage.instructions, None), states, strict=True):
        if instruction is at:
            return state
    raise ValueError("the instruction is not in the stage")


def environments(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str] | None = None,
    base_env: Mapping[str, str] | None = None,
) -> Iterator[Environment]:
    """What each of the stage's instructions meets, in order, and last what holds at the stage's end.

    `base_env` are the variables of the image that the stage's first ancestor is built on, None where unknown.
    """
    given = dict(build_args or {})
    if given or base_env is not None:
        chain = [stage]
        while (parent := chain[-1].parent) is not None:
            chain.append(dockerfile.stages[parent])
        return iter(_states(dockerfile, chain[::-1], given, base_env)[stage.index])
    if "environments" not in dockerfile.memo:
        dockerfile.memo["environments"] = _states(dockerfile, dockerfile.stages, given, None)
    states: dict[int, tuple[Environment, ...]] = dockerfile.memo["environments"]
    return iter(states[stage.index])


def _states(
    dockerfile: Dockerfile, stages: Iterable[Stage], given: Mapping[str, str], base_env: Mapping[str, str] | None
) -> dict[int, tuple[Environment, ...]]:
    """The states of each of the stages, by its number; a stage's parent comes before it."""
    outside = {**given, **global_arguments(dockerfile.instructions, dockerfile.escape, given)}
    found: dict[int, tuple[Environment, ...]] = {}
    for stage in stages:
        start = found[stage.parent][-1] if stage.parent is not None else _start(stage, base_env, dockerfile.escape)
        states = [replace(start, declared=Growing([], 0))]
        for instruction in stage.instructions:
            states.append(_after(states[-1], instruction, given, outside))
        found[stage.index] = tuple(states)
    return found


def _start(stage: Stage, base_env: Mapping[str, str] | None, escape: str) -> Environment:
    scratch = stage.base == "scratch"
    return Environment(
        variables=Versions.of(base_env or {}),
        holes=Versions.of({}),
        env=Versions.of(base_env or {}),
        declared=Growing([], 0),
        shell=_DEFAULT_SHELL,
        workdir="/" if scratch else None,
        user="" if scratch else None,
        complete=scratch or base_env is not None,
        escape=escape,
    )


def _after(
    state: Environment, instruction: Instruction, given: Mapping[str, str], outside: Mapping[str, str]
) -> Environment:
    match instruction.keyword:
        case "ENV":
            return _with_env(state, instruction)
        case "ARG":
            return _with_arg(state, instruction, given, outside)
        case "SHELL" if instruction.json:
            return replace(state, shell=instruction.json)
        case "WORKDIR" if instruction.words:
            return replace(state, workdir=_folder(state.workdir, state.known(instruction.words[0].raw)))
        case "USER" if instruction.words:
            return replace(state, user=state.known(instruction.words[0].raw))
    return state


def _with_arg(
    state: Environment, instruction: Instruction, given: Mapping[str, str], outside: Mapping[str, str]
) -> Environment:
    """The state after ARG.

    Whether a value sees the names given before it in the same instruction depends on BuildKit's version: then it
    is unknown.
    """
    before = state
    for pair in pairs(instruction):
        name = state.expansion(pair.name).text
        state = replace(state, declared=state.declared.added(name))
        if name in given:
            state = state.with_value(name, given[name])
        elif pair.value is not None:
            value = state.known(pair.value)
            state = state.with_value(name, value if value == before.known(pair.value) else None)
        elif name in outside:
            state = state.with_value(name, outside[name])
        elif name not in state.variables:  # it has a value only if the build is given one
            state = replace(state, holes=state.holes.changed(name, value=True))
    return state


def _with_env(state: Environment, instruction: Instruction) -> Environment:
    """The state after ENV; all its values see the state before it."""
    after = state
    for pair in pairs(instruction):
        name = state.expansion(pair.name).text
        value = state.known(pair.value or "")
        after = after.with_value(name, value)
        after = replace(after, env=after.env.changed(name, after.variables.get(name)))
    return after


def _folder(current: str | None, named: str | None) -> str | None:
    if named is None:
        return None
    if not named.startswith("/"):
        if current is None:
            return None
        named = posixpath.join(current, named)
    return "/" + posixpath.normpath(named).lstrip("/")
