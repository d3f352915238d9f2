"""Two images, compared: what a report says of the difference. Every number is counted from both, none is a forecast."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SizeChange:
    """The same size of both images, in bytes. `percent` saved; None where either side is unknown."""

    before: int | None
    after: int | None
    saved: int | None
    percent: float | None


@dataclass(frozen=True, slots=True)
class ImageComparison:
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
