"""Groups the instructions into build stages.

What surprises: the variables in FROM are the ARGs above the first FROM and nothing else; a stage's name hides an image
of the same name, whatever its case, but only below it.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from imageopt.dockerfile.expand import expansion
from imageopt.dockerfile.model import Dockerfile, Instruction, Problem, Stage
from imageopt.dockerfile.pairs import pairs


def read_stages(
    instructions: tuple[Instruction, ...], escape: str, build_args: Mapping[str, str] | None = None
) -> tuple[tuple[Stage, ...], list[Problem]]:
    """The stages in order, and a problem where an instruction stands above the first FROM."""
    groups: list[tuple[Instruction, list[Instruction]]] = []
    problems: list[Problem] = []
    for instruction in instructions:
        if instruction.keyword == "FROM":
            groups.append((instruction, []))
        elif groups:
            groups[-1][1].append(instruction)
        elif instruction.keyword != "ARG" and not problems:
            message = f"{instruction.raw_keyword} stands above the first FROM"
            problems.append(Problem("missing-from", message, instruction.line, instruction.end_line))
    if instructions and not groups and not problems:
        problems.append(Problem("missing-from", "there is no FROM", instructions[0].line, instructions[-1].end_line))
    variables = global_arguments(instructions, escape, build_args or {})
    stages: list[Stage] = []
    numbers: dict[str, int] = {}
    for index, (begin, inside) in enumerate(groups):
        stage = _stage(index, begin, tuple(inside), numbers, variables, escape)
        if stage.name:
            numbers[stage.name] = index
        stages.append(stage)
    return tuple(stages), problems


def with_build_args(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> Dockerfile:
    """The same tree, its stages' bases and platforms as a build with these arguments sees them."""
    stages, _ = read_stages(dockerfile.instructions, dockerfile.escape, build_args)
    return replace(dockerfile, stages=stages)


def global_arguments(instructions: Iterable[Instruction], escape: str, build_args: Mapping[str, str]) -> dict[str, str]:
    """The ARGs above the first FROM that have a value, defaults expanded; what FROM sees."""
    values: dict[str, str] = {}
    for instruction in instructions:
        if instruction.keyword == "FROM":
            break
        for pair in pairs(instruction) if instruction.keyword == "ARG" else ():
            value = build_args.get(pair.name)
            if value is None:
                value = _known(pair.value, values, escape)
            if value is not None:
                values[pair.name] = value
    return values


def _stage(
    index: int,
    begin: Instruction,
    inside: tuple[Instruction, ...],
    numbers: Mapping[str, int],
    variables: Mapping[str, str],
    escape: str,
) -> Stage:
    words = begin.words
    named = len(words) == 3 and words[1].value.upper() == "AS"
    written = named or len(words) == 1  # anything else, such as `FROM {{ base }}`, is a template of a FROM
    base = _known(words[0].raw, variables, escape) if written and "{{" not in words[0].raw else None
    return Stage(
        index=index,
        name=words[2].raw.lower() if named else None,
        base=base or None,
        parent=numbers.get(base.lower()) if base else None,
        platform=_known(begin.flag("platform"), variables, escape) or None,
        from_instruction=begin,
        instructions=inside,
    )


def _known(text: str | None, variables: Mapping[str, str], escape: str) -> str | None:
    """The expanded text; None where there is none, a name in it has no value, or it cannot be expanded."""
    if text is None:
        return None
    expanded = expansion(text, variables, escape)
    return None if expanded.undefined or expanded.error else expanded.text
