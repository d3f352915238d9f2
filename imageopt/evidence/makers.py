"""What made a layer, as far as it tells what the layer's files are: the instruction, or what the history says of it."""

from typing import NamedTuple

from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.model import Origin
from imageopt.evidence.spelling import strip_nop
from imageopt.lazy_pattern import lazy_pattern

_OWNER = lazy_pattern(r"(?:^|[\s;&|(])(?:chown|chmod|chgrp|setfacl)\s")


class Maker(NamedTuple):
    """What counts of the instruction that made a layer."""

    keyword: str
    copies_context: bool
    changes_owner: bool


UNKNOWN = Maker("", copies_context=False, changes_owner=False)


def maker_of(origin: Origin | None, created_by: str | None) -> Maker:
    """The maker of a layer, by its instruction, or where that is unknown by the layer's history entry."""
    if origin is None:
        return _by_history(created_by or "")
    instruction = origin.instruction
    return Maker(
        instruction.keyword,
        copies_context=instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None,
        changes_owner=instruction.keyword == "RUN"
        and any(command.name in ("chown", "chmod", "chgrp", "setfacl") for command in run_commands(instruction)),
    )


def _by_history(created_by: str) -> Maker:
    """The kind of instruction that the image's own history names; what it copied from is not told."""
    word = strip_nop(created_by).partition(" ")[0]
    if word in ("COPY", "ADD"):
        return Maker(word, copies_context=False, changes_owner=False)
    if word == "RUN" or word.startswith("|") or word.endswith("sh"):
        return Maker("RUN", copies_context=False, changes_owner=_OWNER.search(created_by) is not None)
    return UNKNOWN
