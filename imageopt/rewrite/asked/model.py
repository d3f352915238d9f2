"""What a transformation that is made only when asked for is given, and what it gives back.

It sees the Dockerfile as the proposal leaves it, not as the author wrote it: an edit that counts in the author's text
would land somewhere else.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct

from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Stage
from imageopt.evidence.model import Evidence
from imageopt.project.deployment import read_deployment
from imageopt.project.files import read_text, top_names
from imageopt.project.model import Deployment, Project
from imageopt.rewrite.model import FollowUp

MOUNTS, HEREDOCS = 2, 4  # the versions 1.x of the Dockerfile's language that brought them
_NEWEST = 1000
_SYNTAX = re.compile(r"(?:docker\.io/)?docker/dockerfile:(?:1\.(\d+)(?:\.\d+)?)?(-?experimental|-labs)?")


class Site(Struct, frozen=True, dict=True):
    """The proposed Dockerfile `tree`, its path, and what is known beside it.

    `ignored` is the text of the ignore file as the proposal leaves it. `digest_of` gives the digest of an image's
    reference where it is known without asking a network, else None.
    """

    tree: Dockerfile
    path: str
    project: Project
    evidence: Evidence
    ignored: str
    digest_of: Callable[[str], str | None]

    @cached_property
    def deployment(self) -> Deployment:
        """What compose files, manifests and the pipeline say."""
        return read_deployment(self.project.root)

    @property
    def scripts(self) -> Mapping[str, str]:
        """The shell scripts at the top of the project, by name."""
        root = self.project.root
        return {name: read_text(root, name) or "" for name in top_names(root) if name.endswith(".sh")}

    @property
    def final(self) -> Stage:
        """The stage that is shipped, which is the last one where no target is built."""
        return self.tree.target(self.evidence.target) or self.tree.stages[-1]

    @property
    def is_built_on(self) -> bool:
        """Whether another stage, such as one that tests, begins with what is shipped."""
        return any(stage.parent == self.final.index for stage in self.tree.stages)

    @property
    def syntax(self) -> int:
        """The x of the language's version 1.x that the file asks for; a high one where it asks for the newest."""
        asked = _SYNTAX.fullmatch(self.tree.directives.get("syntax", "").partition("@")[0])
        if asked is None or not any(asked.groups()):
            return _NEWEST
        return max(int(asked[1] or 0), MOUNTS if asked[2] else 0)  # what was experimental had mounts already

    @property
    def newline(self) -> str:
        """The line end that the file has."""
        return "\r\n" if "\r\n" in self.tree.text else "\n"

    def insertion(self, place: int, *lines: str) -> Edit:
        """The edit that puts whole lines in at a place where a line begins, or the file ends."""
        text = "".join(f"{line}{self.newline}" for line in lines)
        broken = place and not self.tree.text[:place].endswith("\n")
        return Edit(place, place, f"{self.newline}{text}" if broken else text)

    def line(self, item: Instruction) -> str:
        """Where an instruction stands, for a reason in words: lines count in the proposed file."""
        return f"line {item.line} of the proposed Dockerfile"


class Change(Struct, frozen=True):
    """Edits of the proposed Dockerfile, and the evidence that they rest on.

    `saved_bytes` are unpacked bytes, None where that is not known. `ignore` are lines for the ignore file.
    """

    edits: tuple[Edit, ...]
    reason: str
    saved_bytes: int | None = None
    notes: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    ignore: tuple[str, ...] = ()


class Asked(Struct, frozen=True):
    """A transformation by the name it is asked for with; `make` gives the change, or the reason why there is none."""

    name: str
    summary: str
    make: Callable[[Site], Change | str]
