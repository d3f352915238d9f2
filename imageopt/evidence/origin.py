"""Which instruction made which layer, by comparing the image's history with the stage that was built.

The whole history, entries without a layer included, is aligned with the instructions of the stage and of the stages it
builds on. A layer gets a line only where its own text speaks for it and no other alignment is as good; it never gets
its neighbour's. What stands before the stage's first instruction is the base image's, save for its ONBUILD triggers.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.pairs import pairs as pairs_of
from imageopt.evidence.alignment import Cost, certain_pairs
from imageopt.evidence.spelling import Spelled, matches, resembles, strip_nop
from imageopt.source.model import HistoryEntry, ImageConfig

_MAKERS = {"RUN", "COPY", "ADD"}
_LAYER_MAKING = {*_MAKERS, "WORKDIR"}
_SURE, _WORKDIR, _ALIKE, _SAME_KEYWORD = 6, 2, 2, 1
_LEFT = 3  # an entry without an instruction, or a RUN, COPY or ADD without an entry
_BUILDAH_SHELL = ("/bin/sh", "-c")  # buildah writes it whatever SHELL says


class Alignment(Struct, frozen=True):
    """`layers` maps a layer's index to its instruction. `base_layers` counts what came before the root stage.

    It is None where the beginning of the stage could not be found. `after_layer` says that a layer stands right before
    the stage's first entry: the base's last, or that of a trigger which left no word.
    """

    layers: Mapping[int, Instruction]
    base_layers: int | None
    after_layer: bool = False


class _Step(Struct, frozen=True):
    """An instruction as it was carried out; `told` is the one of the file that stands for it, FROM for a trigger."""

    instruction: Instruction
    environment: Environment
    told: Instruction
    optional: bool = False


def align(config: ImageConfig, dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str]) -> Alignment:
    """Pairs the layers, base first, with the instructions of the stage and of the stages it builds on."""
    history = config.history
    layer_of = [index for index, entry in enumerate(history) if not entry.empty_layer]
    if len(layer_of) != len(config.diff_ids):
        return Alignment({}, None)
    steps = _steps(config, dockerfile, stage, build_args)
    spelled = [Spelled(entry.created_by) for entry in history]
    shells = [config.shell, _BUILDAH_SHELL]
    scores = [[_score(text, step, shells) for step in steps] for text in spelled]
    costs = Cost([_LEFT] * len(history), [_cost(step) for step in steps])
    found = certain_pairs(scores, costs)
    lines = {
        layer: step.told
        for layer, entry in enumerate(layer_of)
        if (step := _maker(entry, history, found, steps)) is not None
    }
    if _stands_for_all(found, spelled, steps):
        return Alignment({}, None)
    first = _first(found, history, spelled, steps)
    if first is None:
        return Alignment(lines, None)
    before = history[:first]
    return Alignment(lines, sum(not entry.empty_layer for entry in before), bool(before) and not before[-1].empty_layer)


def _steps(config: ImageConfig, dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str]) -> list[_Step]:
    """The instructions in the order they ran, those of the ancestors first, with the triggers that FROM set off."""
    chain = [stage]
    while (parent := chain[0].parent) is not None:
        chain.insert(0, dockerfile.stages[parent])
    given = {**_platform_arguments(config), **build_args}
    outside = _variables_of_base(config, chain)
    steps: list[_Step] = []
    triggers = _triggers_of_base(config.history)
    for part in chain:
        states = list(environments(dockerfile, part, given, outside))
        steps += [_Step(trigger, states[0], told or part.from_instruction, optional=True) for trigger, told in triggers]
        steps += [_Step(made, state, made) for made, state in zip(part.instructions, states, strict=False)]
        triggers = [(made.trigger, made.trigger) for made in part.instructions if made.trigger is not None]
    return steps


def _platform_arguments(config: ImageConfig) -> dict[str, str]:
    """What BuildKit sets by itself, for the stages that ask for it."""
    return {
        "TARGETPLATFORM": config.platform,
        "TARGETOS": config.os,
        "TARGETARCH": config.architecture,
        "TARGETVARIANT": config.variant,
    }


def _variables_of_base(config: ImageConfig, chain: Sequence[Stage]) -> dict[str, str]:
    """The base image's variables, as far as they are still what the image says: those that no stage sets."""
    own = {
        pair.name for part in chain for made in part.instructions if made.keyword == "ENV" for pair in pairs_of(made)
    }
    return {name: value for name, _, value in (text.partition("=") for text in config.env) if name not in own}


def _triggers_of_base(history: Sequence[HistoryEntry]) -> list[tuple[Instruction, Instruction | None]]:
    """The instructions that the base's history says it runs in whatever builds on it; BuildKit does not tell them."""
    texts = [strip_nop(entry.created_by) for entry in history if entry.empty_layer]
    told = "\n".join(text.removeprefix("ONBUILD ").strip() for text in texts if text.startswith("ONBUILD "))
    return [(trigger, None) for trigger in parse(f"FROM scratch\n{told}\n".encode()).stages[0].instructions]


def _score(spelled: Spelled, step: _Step, shells: Sequence[Sequence[str]]) -> int:
    if step.instruction.keyword not in _LAYER_MAKING:
        if spelled.keyword != step.instruction.keyword:
            return 0
        return _ALIKE if resembles(spelled, step.instruction, step.environment) else _SAME_KEYWORD
    if not matches(spelled, step.instruction, step.environment, shells):
        return 0
    return _WORKDIR if step.instruction.keyword == "WORKDIR" else _SURE


def _cost(step: _Step) -> int:
    """What leaves no trace at times costs nothing: a folder that was there, and all but layers with kaniko."""
    return _LEFT if step.instruction.keyword in _MAKERS and not step.optional else 0


def _maker(
    entry: int, history: Sequence[HistoryEntry], found: Mapping[int, int], steps: Sequence[_Step]
) -> _Step | None:
    """The step that made the layer of an entry.

    Without `--layers`, buildah makes one layer of a stage, says FROM at its last entry only, and calls the others
    empty: such a layer belongs to the one instruction that can have made it, or to none.
    """
    group = [entry]
    if history[entry].comment.startswith("FROM "):
        while (above := group[-1] - 1) in found and history[above].empty_layer and not history[above].comment:
            group.append(above)
    makers = [
        steps[found[index]]
        for index in group
        if index in found and steps[found[index]].instruction.keyword in _LAYER_MAKING
    ]
    return makers[0] if len(makers) == 1 else None


def _stands_for_all(found: Mapping[int, int], spelled: Sequence[Spelled], steps: Sequence[_Step]) -> bool:
    """Whether the last instruction may have been named for the work of all: kaniko's one layer for a whole stage."""
    makers = [number for number, step in enumerate(steps) if step.instruction.keyword in _MAKERS]
    traced = [entry for entry, number in found.items() if steps[number].instruction.keyword in _LAYER_MAKING]
    return len(makers) > 1 and len(traced) == 1 and found[traced[0]] == len(steps) - 1 and spelled[traced[0]].is_plain


def _first(
    found: Mapping[int, int], history: Sequence[HistoryEntry], spelled: Sequence[Spelled], steps: Sequence[_Step]
) -> int | None:
    """The stage's first history entry, if the stage accounts for every layer from there on.

    Only kaniko leaves out a WORKDIR, where the folder was there before: at the beginning, others would have said so.
    """
    own = sorted(found)
    makers = [spelled[entry] for entry in own if steps[found[entry]].instruction.keyword in _MAKERS]
    silent = bool(makers) and all(text.is_plain for text in makers)
    begin = 0 if silent else min(found.values(), default=len(steps))
    paired = set(found.values())
    for number, step in enumerate(steps):
        told = step.instruction.keyword in (_LAYER_MAKING if number < begin else _MAKERS)
        if told and number not in paired and not step.optional:
            return None
    if not own:
        return len(history)
    unaccounted = (index for index in range(own[0], len(history)) if index not in found)
    return None if any(not history[index].empty_layer for index in unaccounted) else own[0]
