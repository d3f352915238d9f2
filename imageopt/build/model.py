"""A build: what goes in, and the image or the failure that comes out."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from imageopt.config import Builder


class BuildRequest(Struct, frozen=True):
    """`context` is the folder sent to the builder, `dockerfile` the file to use (BuildKit takes the ignore file
    `<dockerfile>.dockerignore` beside it first). `no_cache` makes it a cold build. Cache mounts are those of the
    `cache_namespace`: a run's own is empty at first, and the developer's stays as it is.
    """

    context: Path
    dockerfile: Path
    tag: str
    labels: Mapping[str, str]
    target: str | None = None
    build_args: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    platform: str | None = None
    no_cache: bool = False
    cache_namespace: str | None = None
    builder: Builder = "auto"

    def arguments(self, namespace: str = "") -> dict[str, str]:
        """The build arguments; `namespace` is the one by which the builder is told the namespace of its caches."""
        own = {namespace: self.cache_namespace} if namespace and self.cache_namespace else {}
        return {**(self.build_args or {}), **own}


class Step(NamedTuple):
    """A step of the Dockerfile as the builder names it; `seconds` is None where the builder does not say."""

    name: str
    seconds: float | None
    cached: bool


class Built(Struct, frozen=True):
    """`image_id` is `sha256:…`; `seconds` is wall time, None where it says nothing; steps are the
    Dockerfile's, as BuildKit counts them.
    """

    image_id: str
    tag: str
    seconds: float | None
    steps: int
    cached_steps: int
    log_tail: tuple[str, ...]
    done: tuple[Step, ...] = ()


class Given(Struct, frozen=True):
    """An image that was there already: nobody built it here. `tag` is its name in the engine, "" if it is elsewhere."""

    image_id: str
    tag: str


class BuildFailed(Struct, frozen=True):
    """`step` is the Dockerfile step that failed, `line` its first line, `reason` one line.

    `explanation` says in words what that is a case of, and what helps; "" where it is nothing known.
    """

    step: str | None
    reason: str
    seconds: float
    log_tail: tuple[str, ...]
    line: int | None = None
    explanation: str = ""
