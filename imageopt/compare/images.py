"""Two analysed images -> what grew, shrank, came and went.

What surprises: files are compared as stored, not as seen. A file that three layers of the first image hold and one
layer of the second has lost two copies, although every path is still there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from imageopt.compare.matching import match
from imageopt.compare.model import ImageComparison, SizeChange
from imageopt.compare.packages import installed
from imageopt.evidence.model import Evidence
from imageopt.image.model import Packages
from imageopt.rules.model import Finding

SIZES = ("download_bytes", "unpacked_bytes", "live_bytes", "own_unpacked_bytes")
UNLIKE = "files were compared by path and size: the two images have unlike checksums"


def compare_images(before: Evidence, after: Evidence, findings: Sequence[Finding] = ()) -> ImageComparison:
    """The comparison of both images; empty, with all sizes None, where either evidence has no image.

    `findings` are those of `before`: they tell how many of the removed bytes are explained.
    """
    sizes = {name: size_change(_size(before, name), _size(after, name)) for name in SIZES}
    if before.image is None or after.image is None:
        return ImageComparison(sizes, {}, {}, 0, 0, (), (), (), ("one of the images could not be read",))
    matching = match(before.image, after.image)
    explained = {
        index for finding in findings if finding.location is not None and finding.layers for index in finding.files
    }
    files = before.image.files
    return ImageComparison(
        sizes=sizes,
        files_removed=_by_category(before, matching.removed),
        files_added=_by_category(after, matching.added),
        removed_bytes=sum(files[index].size for index in matching.removed),
        explained_bytes=sum(files[index].size for index in matching.removed if index in explained),
        notes=(UNLIKE,) if matching.unknown else (),
        **_packages(before.image.packages, after.image.packages),
    )


def size_change(before: int | None, after: int | None) -> SizeChange:
    """What was saved; None, not 0, where either size is unknown."""
    if before is None or after is None:
        return SizeChange(before, after, None, None)
    saved = before - after
    return SizeChange(before, after, saved, 100 * saved / before if before else None)


def _size(evidence: Evidence, name: str) -> int | None:
    image = evidence.image
    if image is None:
        return None
    if name == "own_unpacked_bytes":
        base = evidence.base.layers
        return None if base is None else sum(layer.unpacked_bytes for layer in image.layers[base:])
    return {
        "download_bytes": image.sizes.download_bytes,
        "unpacked_bytes": image.sizes.unpacked_bytes,
        "live_bytes": image.sizes.live_bytes,
    }[name]


def _by_category(evidence: Evidence, indices: Iterable[int]) -> dict[str, int]:
    assert evidence.image is not None
    total: Counter[str] = Counter()
    for index in indices:
        # without classes nothing is known of a file's purpose
        category = evidence.classes[index].category if evidence.classes else "other"
        total[category] += evidence.image.files[index].size
    return dict(sorted(((name, count) for name, count in total.items() if count), key=lambda row: (-row[1], row[0])))


def _packages(before: Packages, after: Packages) -> dict[str, tuple[str, ...]]:
    old, new = _versions(before), _versions(after)
    both = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    return {
        "packages_removed": tuple(f"{name} {old[name]}" for name in sorted(old.keys() - new.keys())),
        "packages_added": tuple(f"{name} {new[name]}" for name in sorted(new.keys() - old.keys())),
        "packages_changed": tuple(f"{name} {old[name]} -> {new[name]}" for name in both),
    }


def _versions(packages: Packages) -> Mapping[str, str]:
    """`npm lodash` -> its versions, joined; several are installed where packages disagree."""
    versions: dict[str, set[str]] = {}
    for manager, name, version, _ in installed(packages):
        versions.setdefault(f"{manager} {name}", set()).add(version)
    return {name: ", ".join(sorted(found)) for name, found in versions.items()}
