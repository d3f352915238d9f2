"""A stage with those it is built on -> the survey of one stage that does the same.

The survey knows files of one stage only. What a stage takes from others does not count in it, except packages: a
`node_modules` that comes from another stage is read as an installation of its own.
"""

import posixpath
from collections.abc import Sequence

from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.parser import parse
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.survey import survey
from imageopt.rewrite.surveyed import Survey

_UNKNOWN = Manager("npm", "", "npm ci", "", "", "", (), (), "npm-ci")  # to read a file with, not to write one


def surveyed(tree: Dockerfile, chain: Sequence[Stage], manager: Manager | str) -> Survey:
    """The survey of the chain's last stage; what it takes from other stages and images is no objection here.

    Lines in it are those of no file. The folder is the last WORKDIR where nothing is installed.
    """
    tool = _UNKNOWN if isinstance(manager, str) else manager
    lines = [tree.text[: tree.stages[0].from_instruction.start], _line(tree, chain[0].from_instruction)]
    for stage in chain:
        for instruction in stage.instructions:
            if not _is_taken(instruction):
                lines.append(_line(tree, instruction))
            elif _is_packages(instruction):
                lines.append(f"RUN {tool.install}\n")
    flat = parse("".join(lines).encode("utf-8", "surrogateescape"))
    found = survey(flat, flat.stages[-1], tool)
    found.folder = found.folder or found.final_folder
    return found


def _line(tree: Dockerfile, instruction: Instruction) -> str:
    return f"{tree.source(instruction)}\n"


def _is_taken(instruction: Instruction) -> bool:
    return instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is not None


def _is_packages(instruction: Instruction) -> bool:
    sources = [word.value for word in instruction.words[:-1]]
    return bool(sources) and all(posixpath.basename(source.rstrip("/")) == "node_modules" for source in sources)
