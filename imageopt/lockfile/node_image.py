"""A project -> the image whose Node and npm make or check its lock file: the one that its own build installs in.

Another release of Node brings another npm, and that writes another lock file; so the Dockerfile's image is taken as it
stands there, and only without one the versions that other files name.
"""

import re

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.model import Project
from imageopt.rewrite.base_image import node_image

_RELEASE = re.compile(r"(?:[\^~=v]|>=)?\s*(\d{1,3}(?:\.\d{1,3}){0,2})(?:\.x)*(?:\s.*)?")
_NAMED = re.compile(r"(?:lts/)?(\*|latest|current|node|lts|iron|jod|krypton)")


def image_for(project: Project, tree: Dockerfile | None) -> str | None:
    """The image's reference; None where nothing says which Node the project runs on."""
    for stage in tree.stages if tree else ():
        if stage.parent is None and stage.base and node_image(stage.from_instruction.words[0].raw, stage.base):
            return stage.base
    for stated in project.node_versions:
        tag = _tag(stated.value)
        if tag:
            return f"node:{tag}-slim"
    return None


def _tag(version: str) -> str:
    """The tag of a version or of the lowest one that a range allows; "" for what names none."""
    named = _NAMED.fullmatch(version.lower())
    if named:
        return "lts" if named[1] in ("*", "lts") else "current" if named[1] in ("latest", "node") else named[1]
    release = _RELEASE.fullmatch(version)
    if release is None:
        return ""
    is_range = not version[:1].isdigit()
    return release[1].partition(".")[0] if is_range else release[1]
