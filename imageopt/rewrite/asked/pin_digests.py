"""Tags in FROM and COPY --from -> the same tags with the digest that the engine's own copy was pulled by.

A digest is never guessed and no version is moved: what is pinned is the very image that the builds here run on. The tag
stays, so that a person can read it and an update bot can raise both.
"""

from collections.abc import Iterator

from imageopt.dockerfile.model import Edit, Instruction
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.base_image import parts


def _make(site: Site) -> Change | str:
    found = list(_references(site))
    if not found:
        return "each image that is named with a tag has its digest, is made from an argument, or is a stage"
    edits: list[Edit] = []
    unknown: dict[str, None] = {}
    for reference, start, end in found:
        digest = site.digest_of(reference)
        if digest is None:
            unknown[reference] = None
        else:
            edits.append(Edit(start, end, f"{reference}@{digest}"))
    if not edits:
        return f"the digest of {' and '.join(unknown)} is not known: the engine at hand did not pull it from a registry"
    left = (f"{' and '.join(unknown)} is not pinned: its digest is not known here",) if unknown else ()
    note = "a pinned image gets no fixes by itself: let an update bot raise the digest"
    return Change(tuple(edits), "the images that the engine at hand was given for these tags", 0, (note, *left))


def _references(site: Site) -> Iterator[tuple[str, int, int]]:
    """Each image from outside that has a tag and no digest, with its place in the text."""
    for stage in site.tree.stages:
        word = stage.from_instruction.words[0]
        if stage.parent is None and _is_open(word.raw):
            yield word.raw, word.start, word.end
        for item in stage.instructions:
            yield from _copied_from(site, item)


def _copied_from(site: Site, item: Instruction) -> Iterator[tuple[str, int, int]]:
    for flag in item.flags if item.keyword == "COPY" else ():
        if flag.name == "from" and site.tree.source_stage(item) is None and _is_open(flag.value):
            yield flag.value, flag.end - len(flag.value), flag.end


def _is_open(reference: str) -> bool:
    _, tag, digest = parts(reference)
    return bool(tag) and not digest and "$" not in reference


PIN_DIGESTS = Asked("pin-digests", "the digest beside each tag, as the engine at hand was given it", _make)
