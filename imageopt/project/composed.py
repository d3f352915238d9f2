"""The compose files around a Dockerfile -> the names of the images that their services build from it.

What surprises: the compose file of a repository's root may build the Dockerfile of a folder further down, so the
folders above are asked too. A service without `image` is named after its folder and itself, as compose names it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from imageopt.folders import upwards
from imageopt.project.services import Service, read_services

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/@-]|:(?=\w))*")


class ComposedImage(Struct, frozen=True):
    """A name that the image may have in an engine, and the service that says so (`compose.yaml:3`)."""

    name: str
    source: str


def composed_images(root: Path, dockerfile: str) -> Iterator[ComposedImage]:
    """The names, from the nearest compose file up to the repository's root; the folder's alone outside of one."""
    start = root.resolve()
    file = os.path.normpath(start / dockerfile)
    for folder in upwards(start):
        for service in read_services(folder):
            if service.dockerfile and os.path.normpath(folder / service.dockerfile) == file:
                above = os.path.relpath(folder, start)
                source = service.source if above == "." else f"{above}/{service.source}"
                yield from (ComposedImage(name, source) for name in _names(folder, service) if _NAME.fullmatch(name))


def _names(folder: Path, service: Service) -> tuple[str, ...]:
    if service.image:
        return (service.image,)
    project = re.sub(r"[^a-z0-9_-]", "", folder.name.lower()).lstrip("_-")
    return (f"{project}-{service.name}", f"{project}_{service.name}")  # the second by compose before its version 2
