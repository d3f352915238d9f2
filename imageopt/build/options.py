"""How a project is built: what the user said, the same for every command that builds."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from imageopt.config import Builder


class BuildOptions(Struct, frozen=True):
    """`file` is the Dockerfile, relative to the folder unless absolute; `target` the stage, the last one for None."""

    file: str | None = None
    target: str | None = None
    context: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    platform: str | None = None
    builder: Builder = "auto"
