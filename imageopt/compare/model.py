"""Two images, compared: what a report says of the difference. Every number is counted from both, none is a forecast."""

from collections.abc import Mapping
from operator import sub
from typing import Literal, NamedTuple

from msgspec import Struct

from imageopt.evidence.model import Category, Evidence
from imageopt.rules.model import Target

LayerFate = Literal["same", "rebuilt", "changed", "added", "removed"]


class SizeChange(Struct, frozen=True):
    """The same size of both images, in bytes. `percent` saved; None where either side is unknown."""

    before: int | None
    after: int | None
    saved: int | None
    percent: float | None


class ImageComparison(Struct, frozen=True):
    """`files_removed` and `files_added`: category -> bytes, biggest first, of stored files by path and content; every
    copy counts, so a file that a later layer stored again is removed once when only one copy is left.

    `removed_bytes` is the sum of `files_removed`; `explained_bytes` is how much of it a finding with a line and a layer
    is about. Packages are `npm lodash 4.17.20`, changed ones `npm lodash 4.17.20 -> 4.17.21`, sorted.
    """

    sizes: Mapping[str, SizeChange]
    files_removed: Mapping[str, int]
    files_added: Mapping[str, int]
    removed_bytes: int
    explained_bytes: int
    packages_removed: tuple[str, ...]
    packages_added: tuple[str, ...]
    packages_changed: tuple[str, ...]
    notes: tuple[str, ...]  # what limits the comparison


class LayerBytes(Struct, frozen=True):
    """So many bytes, billed to a layer by its index."""

    layer: int
    bytes: int


class CauseChange(Struct, frozen=True):
    """One category of the composition in both images, in unpacked bytes; `rules` call some of what changed avoidable.

    `added` are stored bytes that only the second image has, by its layers; `removed` those that only the first has, by
    its own. The changes of all categories add up to the change of `unpacked_bytes`.
    """

    category: Category
    before: int
    after: int
    rules: tuple[str, ...]
    added: tuple[LayerBytes, ...]
    removed: tuple[LayerBytes, ...]


class PackageChange(Struct, frozen=True):
    """A package of one manager: its versions in each image (one for each place it is installed in) and its bytes."""

    manager: str
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    before_bytes: int
    after_bytes: int


class PathCounts(NamedTuple):
    """Live files and links that differ below a path, and their bytes; `unknown` could not be compared."""

    added: int = 0
    added_bytes: int = 0
    removed: int = 0
    removed_bytes: int = 0
    changed: int = 0
    changed_before_bytes: int = 0
    changed_after_bytes: int = 0
    metadata: int = 0
    unknown: int = 0

    @property
    def delta_bytes(self) -> int:
        """What the live bytes grew by."""
        return self.added_bytes - self.removed_bytes + self.changed_after_bytes - self.changed_before_bytes

    def minus(self, other: "PathCounts") -> "PathCounts":
        """This without the other, which is a part of it."""
        return PathCounts._make(map(sub, self, other))


class PathChange(Struct, frozen=True):
    """What differs at a path, or below it: each difference is counted in exactly one of a comparison's rows.

    `rest`: rows of their own take some of what differs below. `whole`: nothing below it stayed as it was. `detail`
    says what all changes of metadata here have in common (`owner 0:0 -> 1000:1000`), empty where nothing.
    """

    path: str
    folder: bool
    rest: bool
    whole: bool
    counts: PathCounts
    detail: str = ""


class PathChanges(Struct, frozen=True):
    """`contents` biggest first, `metadata` most files first; `total` counts both."""

    contents: tuple[PathChange, ...]
    metadata: tuple[PathChange, ...]
    total: PathCounts


class LayerChange(Struct, frozen=True):
    """A layer above the shared ones, by its index in each image: paired by what its instruction says.

    `same`: the very layer, but above one that was replaced. `rebuilt`: other bytes, the same files (time stamps, most
    often). `changed`: other files.
    """

    fate: LayerFate
    before: int | None
    after: int | None


class LayerChanges(Struct, frozen=True):
    """`shared` layers from the bottom are the same. Bytes are of the layers above them, in the second image.

    `pull_bytes` is what a pull transfers where the first image is there already: Docker fetches all that stands above a
    replaced layer. `pull_by_digest_bytes`: an engine that looks each blob up (containerd, Podman). None: unknown.
    """

    shared: int
    changes: tuple[LayerChange, ...]
    new_unpacked_bytes: int
    pull_bytes: int | None
    pull_by_digest_bytes: int | None


class ConfigChange(Struct, frozen=True):
    """A key of the configuration in words; None where it is not set. Values that may be secret are not told."""

    what: str
    before: str | None
    after: str | None


class ImageDifference(Struct, frozen=True):
    """What a change made of an image. `identical`: the same layers and configuration, whatever the date."""

    identical: bool
    sizes: Mapping[str, SizeChange]
    file_counts: tuple[int, int]
    causes: tuple[CauseChange, ...]
    packages: tuple[PackageChange, ...]
    paths: PathChanges
    layers: LayerChanges
    config: tuple[ConfigChange, ...]
    notes: tuple[str, ...]  # what limits the comparison


class Compared(Struct, frozen=True):
    """Two images that were read, and what differs. `limit` is how many rows of a list a person is shown (0: all)."""

    before: Target
    after: Target
    before_evidence: Evidence
    after_evidence: Evidence
    difference: ImageDifference
    limit: int
    notes: tuple[str, ...]
    seconds: float
