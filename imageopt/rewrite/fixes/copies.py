"""Fixes of COPY, ADD and WORKDIR: the plainer instruction, and destinations that are what they seem."""

import posixpath

from imageopt.dockerfile.model import Edit
from imageopt.evidence.variants import split_reference
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site
from imageopt.rewrite.fixes.syntax import keyword_start

_COPY_FLAGS = frozenset(("chown", "chmod", "link", "exclude", "from"))


def add_to_copy(site: Site) -> Outcome:
    """COPY for an ADD that neither fetches nor unpacks."""
    instruction = site.instruction
    if instruction.keyword != "ADD" or {flag.name for flag in instruction.flags} - _COPY_FLAGS:
        return Refusal("it asks for something that COPY does not do")
    start = keyword_start(site.dockerfile, instruction)
    keyword = "copy" if instruction.raw_keyword.islower() else "COPY"
    return (Edit(start, start + len(instruction.raw_keyword), keyword),)


def clear_destination(site: Site) -> Outcome:
    """A slash behind a folder; a slash before a path that is in the root folder now."""
    instruction, state = site.instruction, site.environment
    word = instruction.words[-1] if instruction.words else None
    if state is None or word is None or "$" in word.raw:
        return Refusal("the path is not known")
    quote = word.raw[-1] if word.raw[-1] in "\"'" else ""
    if instruction.keyword in ("COPY", "ADD") and len(instruction.words) > 2 and not word.value.endswith(("/", ".")):
        return (Edit(word.end - len(quote), word.end - len(quote), "/"),)
    if word.value.startswith("/"):
        return Refusal("it is absolute already")
    if state.workdir is not None or not _begins_at_root(site):
        return Refusal("the base image's WORKDIR is not known here: begin the path with a slash")
    inside = posixpath.normpath(word.value)
    if inside.startswith(".") or quote or word.raw != word.value:
        return Refusal("it copies into the root folder: say with WORKDIR where the files are to go")
    return (Edit(word.start, word.end, f"/{word.value.removeprefix('./')}"),)


def _begins_at_root(site: Site) -> bool:
    """Whether the image from outside is one of those that the rule knows to have no WORKDIR."""
    stage = site.stage
    while stage is not None and stage.parent is not None:
        stage = site.dockerfile.stages[stage.parent]
    name = split_reference(stage.base or "")[0] if stage is not None else ""
    return name.removeprefix("docker.io/").removeprefix("library/") in site.rule.parameters.get("at_root", ())
