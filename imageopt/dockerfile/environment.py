"""What holds where an instruction stands: its variables, build arguments, shell, folder and user.

What surprises: the base image from outside may set variables that the file does not show, so a name that is missing
here is not known to be empty. Whoever has that image's configuration passes it in as `base_env`.
"""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from imageopt.dockerfile.expand import Expansion, expansion
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.pairs import pairs
from imageopt.dockerfile.stages import global_arguments

_DEFAULT_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True)
class Environment:
    """The state that one instruction meets.

    `env` are the known ENV values, `unknown` the names ENV gave a value that cannot be known. `arguments` are the
    stage's ARGs in the order of their first declaration, None without a value: the `|2 A=1 B=` of a history line.
    `workdir` and `user` are None where the base image decides. `complete` says that nothing is hidden in a base image.
    """

    env: Mapping[str, str]
    unknown: frozenset[str]
    arguments: Mapping[str, str | None]
    shell: tuple[str, ...]
    workdir: str | None
    user: str | None
    complete: bool
    escape: str

    @property
    def variables(self) -> dict[str, str]:
        """All names with a known value; ENV wins over ARG, also where its value is unknown."""
        arguments = {name: value for name, value in self.arguments.items() if value is not None}
        return {name: value for name, value in (arguments | dict(self.env)).items() if name not in self.unknown}

    def expansion(self, text: str) -> Expansion:
        """The text with these variables put in, and the names that were missing."""
        return expansion(text, self.variables, self.escape)

    def known(self, text: str) -> str | None:
        """The expanded text; None where it rests on a name whose value the file does not tell."""
        expanded = self.expansion(text)
        missing = frozenset(expanded.absent)
        doubtful = missing & (self.unknown | self.arguments.keys()) if self.complete else missing
        return None if expanded.error or doubtful else expanded.text


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
    outside = given | global_arguments(dockerfile.instructions, dockerfile.escape, given)
    ancestors = [stage]
    while (parent := ancestors[-1].parent) is not None:
        ancestors.append(dockerfile.stages[parent])
    state = _start(ancestors[-1], base_env, dockerfile.escape)
    for ancestor in reversed(ancestors[1:]):
        for instruction in ancestor.instructions:
            state = _after(state, instruction, given, outside)
    for instruction in stage.instructions:
        yield state
        state = _after(state, instruction, given, outside)
    yield state


def _start(stage: Stage, base_env: Mapping[str, str] | None, escape: str) -> Environment:
    scratch = stage.base == "scratch"
    return Environment(
        env=dict(base_env or {}),
        unknown=frozenset(),
        arguments={},
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
            values = dict(state.arguments)
            for pair in pairs(instruction):
                default = outside.get(pair.name) if pair.value is None else state.known(pair.value)
                values[pair.name] = given.get(pair.name, default)
            return replace(state, arguments=values)
        case "SHELL" if instruction.json:
            return replace(state, shell=instruction.json)
        case "WORKDIR" if instruction.words:
            return replace(state, workdir=_folder(state.workdir, state.known(instruction.words[0].raw)))
        case "USER" if instruction.words:
            return replace(state, user=state.known(instruction.words[0].raw))
    return state


def _with_env(state: Environment, instruction: Instruction) -> Environment:
    """The state after ENV; all its values see the state before it."""
    values = dict(state.env)
    unknown = set(state.unknown)
    for pair in pairs(instruction):
        name = state.expansion(pair.name).text
        value = state.known(pair.value or "")
        if value is None:
            values.pop(name, None)
            unknown.add(name)
        else:
            values[name] = value
            unknown.discard(name)
    return replace(state, env=values, unknown=frozenset(unknown))


def _folder(current: str | None, named: str | None) -> str | None:
    if named is None:
        return None
    if not named.startswith("/"):
        if current is None:
            return None
        named = posixpath.join(current, named)
    return "/" + posixpath.normpath(named).lstrip("/")
