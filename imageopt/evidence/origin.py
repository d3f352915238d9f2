"""Which instruction made which layer, by comparing the image's history with the stage that was built.

The two are aligned from the end, because the beginning of the history belongs to the base image. An entry whose text
is not the instruction's ends the alignment there: what is left is paired only where a text stands exactly once on
both sides. A layer that no text speaks for has no origin; it never gets its neighbour's.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage

_LAYER_MAKING = {"RUN", "COPY", "ADD", "WORKDIR"}
NOP = re.compile(r"^\S+(?: -\w+)* #\(nop\)\s+")  # how the classic builder and buildah mark what runs nothing
_ARGS = re.compile(r"^\|\d+ ")
_SHELL = re.compile(r"(?:^|.* )(?:/\S*/)?\w*sh(?: -\w+)+$")


@dataclass(frozen=True, slots=True)
class Alignment:
    """`layers` maps a layer's index to its instruction. `base_layers` counts what came before the root stage.

    It is None where the beginning of the stage could not be found.
    """

    layers: Mapping[int, Instruction]
    base_layers: int | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    instruction: Instruction
    environment: Environment


def align(
    created_by: Sequence[str | None], dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str]
) -> Alignment:
    """Pairs the layers, base first, with the instructions of the stage and of the stages it builds on."""
    candidates = _candidates(dockerfile, stage, build_args)
    pairs: dict[int, Instruction] = {}
    layer, candidate = len(created_by) - 1, len(candidates) - 1
    while layer >= 0 and candidate >= 0:
        text = created_by[layer]
        if text is not None and matches(text, candidates[candidate].instruction, candidates[candidate].environment):
            pairs[layer] = candidates[candidate].instruction
            layer -= 1
        elif candidates[candidate].instruction.keyword != "WORKDIR":  # which makes a layer only at times
            break
        candidate -= 1
    while candidate >= 0 and candidates[candidate].instruction.keyword == "WORKDIR":
        candidate -= 1
    if candidate < 0:
        return Alignment(pairs, layer + 1)
    rest = _unambiguous(created_by[: layer + 1], candidates[: candidate + 1])
    return Alignment({**rest, **pairs}, None)


def matches(created_by: str, instruction: Instruction, environment: Environment) -> bool:
    """Whether a history text is what a builder writes for the instruction (BuildKit, classic, buildah, kaniko)."""
    text = NOP.sub("", created_by).removesuffix("# buildkit").strip()
    match instruction.keyword:
        case "RUN":
            return _is_run(text, instruction, environment)
        case "WORKDIR":
            named = text.removeprefix("WORKDIR ").strip()
            wanted = environment.known(instruction.arguments.strip())
            return text.startswith("WORKDIR ") and wanted is not None and _joined(environment, wanted) == named
        case _:
            return _is_copy(text, instruction, environment)


def _is_run(text: str, instruction: Instruction, environment: Environment) -> bool:
    text = _flat(text.removeprefix("RUN "))
    if instruction.json is not None:
        return _after_args(text, instruction.json[0]) == _flat(" ".join(instruction.json))
    if instruction.heredocs:
        body = _flat(instruction.heredocs[0].content)
        command = body if instruction.arguments.strip().startswith("<<") else _flat(instruction.arguments)
        return bool(command) and command in text
    wanted = _flat(instruction.arguments)
    if text == wanted:  # kaniko
        return True
    before = text.removesuffix(wanted).rstrip()
    if before == text or not text.endswith(f" {wanted}"):
        return False
    return before.endswith(" ".join(environment.shell)) or _SHELL.fullmatch(before) is not None


def _after_args(text: str, first_word: str) -> str:
    """The text without the build arguments in front of it (`|2 A=1 B=2`), whose values may hold spaces."""
    if not _ARGS.match(text):
        return text
    at = text.find(f" {first_word}")
    return text[at + 1 :] if at >= 0 else text


def _is_copy(text: str, instruction: Instruction, environment: Environment) -> bool:
    keyword, _, rest = text.partition(" ")
    if keyword != instruction.keyword:
        return False
    words = list(instruction.json or (word.value for word in instruction.words))
    expanded = [environment.known(word) for word in words]
    if not words or any(word is None for word in expanded):
        return False
    if re.match(r"(?:dir|file|multi):\S+ in ", rest):  # classic and buildah name a checksum instead of the sources
        target = rest.partition(" in ")[2].strip()
        return _joined(environment, target) == _joined(environment, expanded[-1] or "")
    written = [word for word in rest.split() if not word.startswith("--")]
    sources = [word for word in expanded if word is not None and not word.startswith("<<")]
    return written == sources or (bool(instruction.heredocs) and written[-1:] == sources[-1:])


def _joined(environment: Environment, path: str) -> str:
    return posixpath.normpath(posixpath.join(environment.workdir or "/", path))


def _candidates(dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str]) -> list[_Candidate]:
    """The instructions that make layers, of the stage and its ancestors in this file, in the order they ran."""
    chain = [stage]
    while (parent := chain[0].parent) is not None:
        chain.insert(0, dockerfile.stages[parent])
    return [
        _Candidate(instruction, environment)
        for part in chain
        for instruction, environment in zip(part.instructions, environments(dockerfile, part, build_args), strict=False)
        if instruction.keyword in _LAYER_MAKING
    ]


def _unambiguous(created_by: Sequence[str | None], candidates: Sequence[_Candidate]) -> dict[int, Instruction]:
    """Pairs that stand alone on both sides and do not cross."""
    found = [
        (layer, number)
        for layer, text in enumerate(created_by)
        for number, candidate in enumerate(candidates)
        if text is not None and matches(text, candidate.instruction, candidate.environment)
    ]
    layers, numbers = Counter(layer for layer, _ in found), Counter(number for _, number in found)
    alone = [(layer, number) for layer, number in found if layers[layer] == numbers[number] == 1]
    crossing = any(a < b and m > n for a, m in alone for b, n in alone)
    return {} if crossing else {layer: candidates[number].instruction for layer, number in alone}


def _flat(text: str) -> str:
    return " ".join(text.split())
