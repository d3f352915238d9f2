"""Image, Dockerfile and project joined: which instruction made which layer, and what each byte is for.

Any of the three may be absent; what then cannot be known is None. There are no opinions here, with one
exception: a byte's `cause` names the rule that would call it avoidable, so that the rules need not classify again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Dockerfile, Instruction
    from imageopt.evidence.folders import FolderRow
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
Kind = tuple[InventoryGroup, str]
DecidedBy = Literal["digest", "history", "compared", "guessed", "unknown"]


class Origin(Struct, frozen=True):
    """The instruction that made a layer; base layers belong to the FROM that brought them in."""

    instruction: Instruction
    base: bool


class BaseImage(Struct, frozen=True):
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


class CompositionRow(Struct, frozen=True):
    """One row of "where do the bytes come from": the rows add up to `unpacked_bytes`."""

    category: Category
    cause: str | None
    bytes: int
    layers: tuple[int, ...]


class InventoryRow(Struct, frozen=True):
    """Files of one kind, told by their paths, whoever owns them: `unpacked_bytes` over all layers, the rest live."""

    group: InventoryGroup
    kind: str
    live_bytes: int
    unpacked_bytes: int
    file_count: int
    layers: tuple[int, ...]


class Inventory(Struct, frozen=True):
    """What an image carries along. `setuid` are the live files with a setuid or setgid bit."""

    rows: tuple[InventoryRow, ...]
    setuid: tuple[FileRecord, ...]


class Overview(Struct, frozen=True):
    """What is told of all files of an image together: its inventory, its folders, and `native` as `Evidence` has it."""

    inventory: Inventory
    folders: tuple[FolderRow, ...]
    native: tuple[FileRecord, ...]


class Evidence(Struct, frozen=True, dict=True):
    """`origins` run parallel to the image's layers, `classes` to its files; both are empty without an image.

    `dockerfile_path` is relative to the project (`Dockerfile`), for locations in findings.
    """

    image: Image | None
    dockerfile: Dockerfile | None
    dockerfile_path: str
    project: Project | None
    base: BaseImage
    origins: tuple[Origin | None, ...]
    classes: Sequence[FileClass]
    composition: Sequence[CompositionRow]
    target: str | None = None  # the stage that was built, the last one for None
    told: Overview | None = None  # where an earlier run worked it out

    @cached_property
    def files_of_causes(self) -> Mapping[str, Sequence[int]]:
        """For each cause its files, as rising indices into the image's files."""
        found: dict[str, list[int]] = {}
        for index, (_, cause, _) in enumerate(self.classes):
            if cause is not None:
                found.setdefault(cause, []).append(index)
        return found

    @cached_property
    def own_files(self) -> Sequence[tuple[int, FileRecord]]:
        """The live files that came after the base image, with their index; none without an image."""
        base = self.base.layers or 0
        files = self.image.files if self.image is not None else ()
        return [(index, record) for index, record in enumerate(files) if record[4] is None and record[2] >= base]

    @cached_property
    def kinds(self) -> Sequence[Kind | None]:
        """For each of the image's files the row of the inventory that it counts in; none without an image."""
        from imageopt.evidence.inventory import kinds_of

        return kinds_of(self.image) if self.image is not None else ()

    @cached_property
    def inventory(self) -> Inventory:
        """What the image carries along; nothing without an image."""
        if self.told is not None or self.image is None:
            return self.told.inventory if self.told is not None else Inventory((), ())
        from imageopt.evidence.inventory import take_inventory  # which needs this module

        return take_inventory(self.image, self.kinds)

    @cached_property
    def folders(self) -> Sequence[FolderRow]:
        """The image's folders as far as they matter, by layer and path."""
        if self.told is not None or self.image is None:
            return self.told.folders if self.told is not None else ()
        from imageopt.evidence.folders import folder_rows

        return folder_rows(self.image)

    @cached_property
    def native(self) -> Sequence[FileRecord]:
        """The live files that `elf` of the image tells of, by path."""
        if self.told is not None or self.image is None:
            return self.told.native if self.told is not None else ()
        known = self.image.elf
        found = {file.path: file for file in self.image.files if file.death is None and file.path in known}
        return tuple(found[path] for path in sorted(found))

    @property
    def overview(self) -> Overview:
        """The three together."""
        return Overview(self.inventory, tuple(self.folders), tuple(self.native))

    @cached_property
    def application_paths(self) -> Sequence[str]:
        """The paths of the live files in the application's folder, `node_modules` aside."""
        if self.image is None:
            return ()
        app = f"{self.image.config.working_dir.strip('/')}/"
        return [
            path
            for path, _, _, _, death, _, _, _, _ in self.image.files
            if death is None and path.startswith(app) and "node_modules/" not in path
        ]
