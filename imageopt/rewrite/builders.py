"""The pipeline -> what its builder understands of a Dockerfile, and the processors that the image is built for.

Where no pipeline names a builder it is taken for BuildKit, which knows everything. Where several do, the file must
suit each of them.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from imageopt.project.deployment import read_deployment
from imageopt.project.libc import USUAL_PROCESSOR
from imageopt.project.model import Project

_PROCESSORS: Mapping[str, str] = {"amd64": "x64", "arm64": "arm64", "arm": "arm", "386": "ia32"}  # Docker's to npm's
_WITHOUT_MOUNTS = ("kaniko", "docker-legacy")
_WITHOUT_HEREDOCS = (*_WITHOUT_MOUNTS, "buildah", "podman")  # buildah has them from 1.33 on


class Builders(Struct, frozen=True):
    """`mounts`: RUN may mount a cache; `heredocs`: COPY may carry a file's text; `named`: who builds, in words.

    `processors` are named as npm does, and never empty.
    """

    mounts: bool
    heredocs: bool
    named: str
    processors: tuple[str, ...]


def builders(project: Project, dockerfile: str) -> Builders:
    """What all that builds this Dockerfile has in common."""
    facts = read_deployment(project.root).of("builder", "platform", dockerfile=dockerfile)
    named = {fact.value: fact.source for fact in facts if fact.kind == "builder"}
    platforms = [name for fact in facts if fact.kind == "platform" for name in fact.value.split(",")]
    asked = (re.match(r"\s*linux/(\w+)", platform) for platform in platforms)
    processors = {_PROCESSORS.get(found[1], found[1]) for found in asked if found}
    return Builders(
        mounts=named.keys().isdisjoint(_WITHOUT_MOUNTS),
        heredocs=named.keys().isdisjoint(_WITHOUT_HEREDOCS),
        named=" and ".join(f"{_words(name)} ({source})" for name, source in named.items()),
        processors=tuple(sorted(processors)) or (USUAL_PROCESSOR,),
    )


def without_cache(builds_with: Builders) -> str:
    """Why no cache is mounted, and that it costs nothing."""
    return f"it stays in the first stage; {builds_with.named} mounts no cache"


def _words(builder: str) -> str:
    return "Docker without BuildKit" if builder == "docker-legacy" else builder
