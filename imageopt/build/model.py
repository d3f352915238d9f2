"""A build: what goes in, and the image or the failure that comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """`context` is the folder sent to the builder, `dockerfile` the file to use (BuildKit takes the ignore file
    `<dockerfile>.dockerignore` beside it first). `no_cache` makes it a cold build.
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


@dataclass(frozen=True, slots=True)
class Built:
    """`image_id` is `sha256:…`; `seconds` is wall time, None where it says nothing; steps are the
    Dockerfile's, as BuildKit counts them.
    """

    image_id: str
    tag: str
    seconds: float | None
    steps: int
    cached_steps: int
    log_tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """An image that was there already: nobody built it here. `tag` is its name in the engine, "" if it is elsewhere."""

    image_id: str
    tag: str


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """`step` is the Dockerfile step that failed, `reason` one line."""

    step: str | None
    reason: str
    seconds: float
    log_tail: tuple[str, ...]
