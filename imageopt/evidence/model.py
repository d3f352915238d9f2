"""Image, Dockerfile and project joined: which instruction made which layer, and what each byte is for.

Any of the three may be absent; what then cannot be known is None. There are no opinions here, with one
exception: a byte's `cause` names the rule that would call it avoidable, so that the rules need not classify again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Dockerfile, Instruction
    from imageopt.image.model import FileRecord, Image
    from imageopt.project.model import Project

Category = Literal[
    "base-image",
    "overwritten",
    "deleted",
    "package-manager-cache",
    "vcs",
    "dev-dependencies",
    "production-dependencies",
    "global-tools",
    "build-toolchain",
    "system-packages",
    "tests-and-docs",
    "sources",
    "build-output",
    "generated-data",
    "application",
    "other",
]
InventoryGroup = Literal["cache", "vcs", "debug", "documentation", "development", "packages", "generated"]
DecidedBy = Literal["digest", "history", "compared", "guessed", "unknown"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The instruction that made a layer; base layers belong to the FROM that brought them in."""

    instruction: Instruction
    base: bool


@dataclass(frozen=True, slots=True)
class BaseImage:
    """How many leading layers are the base image's (None: unknown), and how that was decided."""

    layers: int | None
    decided_by: DecidedBy
    reference: str | None


class FileClass(NamedTuple):
    """What one file's bytes are for, and the rule (by name) that calls them avoidable, or None.

    `billed_layer` is the layer whose instruction the finding points at: the layer of death for waste that a later
    layer caused (a chown, an rm), else the layer of birth.
    """

    category: Category
    cause: str | None
    billed_layer: int


@dataclass(frozen=True, slots=True)
class CompositionRow:
    """One row of "where do the bytes come from": the rows add up to `unpacked_bytes`."""

    category: Category
    cause: str | None
    bytes: int
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """Files of one kind, told by their paths, whoever owns them: `unpacked_bytes` over all layers, the rest live."""

    group: InventoryGroup
    kind: str
    live_bytes: int
    unpacked_bytes: int
    file_count: int
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an image carries along. `setuid` are the live files with a setuid or setgid bit."""

    rows: tuple[InventoryRow, ...]
    setuid: tuple[FileRecord, ...]


@dataclass(frozen=True)  # without slots, for what is worked out once
class Evidence:
    """`origins` run parallel to the image's layers, `classes` to its files; both are empty without an image.

    `dockerfile_path` is relative to the project (`Dockerfile`), for locations in findings.
    """

    image: Image | None
    dockerfile: Dockerfile | None
    dockerfile_path: str
    project: Project | None
    base: BaseImage
    origins: tuple[Origin | None, ...]
    classes: tuple[FileClass, ...]
    composition: tuple[CompositionRow, ...]
    target: str | None = None  # the stage that was built, the last one for None

    @cached_property
    def files_of_causes(self) -> Mapping[str, Sequence[int]]:
        """For each cause its files, as rising indices into the image's files."""
        found: dict[str, list[int]] = {}
        for index, (_, cause, _) in enumerate(self.classes):
            if cause is not None:
                found.setdefault(cause, []).append(index)
        return found

    @cached_property
    def inventory(self) -> Inventory:
        """What the image carries along; nothing without an image."""
        from imageopt.evidence.inventory import take_inventory  # which needs this module

        return take_inventory(self.image) if self.image is not None else Inventory((), ())

    @cached_property
    def application_paths(self) -> Sequence[str]:
        """The paths of the live files in the application's folder, `node_modules` aside."""
        if self.image is None:
            return ()
        app = f"{self.image.config.working_dir.strip('/')}/"
        return [
            record.path
            for record in self.image.files
            if record.path.startswith(app) and record.death is None and "node_modules/" not in record.path
        ]
