"""The final stage of a proposed Dockerfile -> where the node_modules that it ships lie in the stage they come from.

Only there does removing files save bytes: what a later layer of the same stage removes is still stored below.
"""

import posixpath
import re
from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Stage
from imageopt.dockerfile.shell import is_posix_shell
from imageopt.evidence.model import Evidence
from imageopt.rewrite.asked.model import Site


class Packages(Struct, frozen=True):
    """The stage, and the folders in it; the place in the text where a RUN can be added below all that fills them."""

    stage: Stage
    folders: tuple[str, ...]
    end: int


def shipped_packages(site: Site) -> Packages | str:
    """Where the packages come from, or why that is not one stage of its own."""
    found: dict[int, list[str]] = {}
    for item in site.final.instructions:
        source = site.tree.source_stage(item) if item.keyword == "COPY" else None
        if source is None:
            continue
        folder = stage_environment(site.tree, source).workdir
        for word in item.json[:-1] if item.json else (word.value for word in item.words[:-1]):
            path = posixpath.normpath(f"/{word.lstrip('/')}")
            if posixpath.basename(path) == "node_modules":
                found.setdefault(source.index, []).append(path)
            elif path == folder:
                found.setdefault(source.index, []).append(f"{path}/node_modules")
    if len(found) != 1:
        return "node_modules do not come from one build stage: what a later layer removes would still be stored"
    ((index, folders),) = found.items()
    stage = site.tree.stages[index]
    steps = [item for item in stage.instructions if item.keyword in ("USER", "COPY", "ADD", "RUN")]
    changes = any(before.keyword != "USER" and item.keyword == "USER" for before, item in pairwise(steps))
    if changes or not is_posix_shell(stage_environment(site.tree, stage).shell[0]):
        return "the stage that installs them changes its user or its shell on the way"
    other = next((one for one in site.tree.stages if one.index != site.final.index and takes(site, one, stage)), None)
    if other is not None:
        return f"{site.line(other.from_instruction)}: another stage needs what they are in the stage that installs them"
    return Packages(stage, tuple(dict.fromkeys(folders)), stage.instructions[-1].end)


def takes(site: Site, other: Stage, stage: Stage) -> bool:
    """Whether the other stage is built on the stage, copies from it or mounts it."""
    mounted = re.compile(
        rf"(?:^|,)from=(?:{re.escape(stage.name or str(stage.index))}|{stage.index})(?:,|$)", re.IGNORECASE
    )
    return other.parent == stage.index or any(
        site.tree.source_stage(item) == stage or any(mounted.search(flag.value) for flag in item.flags)
        for item in other.instructions
    )


def saved_bytes(evidence: Evidence, indices: Iterable[int]) -> int | None:
    """The bytes of these files of the image, by their indices; None without an image."""
    image = evidence.image
    return None if image is None else sum(image.files[index].size for index in indices)
