"""Where a new line goes in a stage, and how a flag or a word of an instruction is replaced."""

from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Stage
from imageopt.rewrite.fixes.syntax import keyword_start


def newline(tree: Dockerfile) -> str:
    """The line end that most of the file has."""
    return "\r\n" if tree.text.count("\r\n") * 2 > tree.text.count("\n") else "\n"


def line(tree: Dockerfile, stage: Stage, text: str) -> str:
    """The text as a line of its own, its keyword in the case that the stage's FROM has."""
    keyword, _, rest = text.partition(" ")
    keyword = keyword.lower() if stage.from_instruction.raw_keyword.islower() else keyword
    return f"{keyword} {rest}{newline(tree)}"


def above(tree: Dockerfile, stage: Stage, instruction: Instruction, *lines: str) -> Edit:
    """New instructions above another one and its comments."""
    place = min((comment.start for comment in instruction.comments), default=instruction.start)
    return Edit(place, place, "".join(line(tree, stage, text) for text in lines))


def below(tree: Dockerfile, stage: Stage, instruction: Instruction, *lines: str) -> Edit:
    """New instructions directly below another one, which may be the file's last and lack a line end."""
    ended = tree.text[: instruction.end].endswith("\n")
    text = "".join(line(tree, stage, text) for text in lines)
    return Edit(instruction.end, instruction.end, text if ended else newline(tree) + text.removesuffix(newline(tree)))


def flag(tree: Dockerfile, instruction: Instruction, text: str) -> Edit:
    """A flag more, directly behind the keyword."""
    place = keyword_start(tree, instruction) + len(instruction.raw_keyword)
    return Edit(place, place, f" {text}")


def replaced(tree: Dockerfile, instruction: Instruction, text: str) -> Edit:
    """Another text in the place of an instruction, its keyword as it was written; comments above it stay."""
    keyword, _, rest = text.partition(" ")
    same = instruction.raw_keyword if keyword == instruction.keyword else keyword
    start = keyword_start(tree, instruction)
    return Edit(start, start + len(tree.source(instruction)) - (start - instruction.start), f"{same} {rest}")
