"""Two analysed images -> what a change made of the one: sizes, causes, packages, paths, layers, configuration.

A newcomer would think that two checksums can always be compared. They cannot: an engine's records hold others than a
stream does, and of a big file in a plain archive there may be none. `contents_wanted` says which image to read whole.
"""

from imageopt.compare.causes import compare_causes
from imageopt.compare.configuration import compare_configurations
from imageopt.compare.images import size_change
from imageopt.compare.layers import compare_layers
from imageopt.compare.matching import match
from imageopt.compare.model import ImageDifference
from imageopt.compare.packages import compare_packages
from imageopt.compare.paths import compare_paths
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image

SIZES = (
    "download_bytes",
    "unpacked_bytes",
    "live_bytes",
    "wasted_bytes",
    "overhead_bytes",
    "own_unpacked_bytes",
    "duplicate_content_bytes",
)


def contents_wanted(before: Image, after: Image) -> tuple[bool, bool]:
    """Which of the two must be read whole, content for content, before they can be compared."""
    if not match(before, after).unknown:
        return False, False
    unlike = before.checksums != after.checksums
    return _lacks_contents(before, unlike=unlike), _lacks_contents(after, unlike=unlike)


def _lacks_contents(image: Image, *, unlike: bool) -> bool:
    return (unlike and image.checksums == "crc-64") or any(not file.checksum for file in image.files)


def compare(before: Evidence, after: Evidence, *, limit: int) -> ImageDifference:
    """What differs; paths are told in at most `limit` rows (0: as many as it takes). Both must hold an image."""
    old, new = before.image, after.image
    assert old is not None
    assert new is not None
    matching = match(old, new)
    layers = compare_layers(old, new)
    config = compare_configurations(old.config, new.config)
    notes = []
    if matching.unknown:
        notes.append(
            f"not known whether the content changed: {matching.unknown:,} of the files, whose name and size did not"
        )
    return ImageDifference(
        identical=not layers.changes and not config,
        sizes={name: size_change(_size(before, name), _size(after, name)) for name in SIZES},
        file_counts=(old.file_count, new.file_count),
        causes=compare_causes(before, after, matching),
        packages=compare_packages(old.packages, new.packages),
        paths=compare_paths(old, new, limit=limit),
        layers=layers,
        config=config,
        notes=tuple(notes),
    )


def _size(evidence: Evidence, name: str) -> int | None:
    image = evidence.image
    assert image is not None
    if name == "own_unpacked_bytes":
        base = evidence.base.layers
        return None if base is None else sum(layer.unpacked_bytes for layer in image.layers[base:])
    value: int | None = getattr(image if name == "duplicate_content_bytes" else image.sizes, name)
    return value
