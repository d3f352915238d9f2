"""Two analysed images -> what grew, shrank, came and went.

What surprises: files are compared as stored, not as seen. A file that three layers of the first image hold and one
layer of the second has lost two copies, although every path is still there.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from imageopt.compare.model import ImageComparison, SizeChange
from imageopt.evidence.model import Evidence
from imageopt.image.model import FileRecord, Packages
from imageopt.rules.model import Finding

SIZES = ("download_bytes", "unpacked_bytes", "live_bytes", "own_unpacked_bytes")


def compare_images(before: Evidence, after: Evidence, findings: Sequence[Finding] = ()) -> ImageComparison:
    """The comparison of both images; empty, with all sizes None, where either evidence has no image.

    `findings` are those of `before`: they tell how many of the removed bytes are explained.
    """
    sizes = {name: size_change(_size(before, name), _size(after, name)) for name in SIZES}
    if before.image is None or after.image is None:
        return ImageComparison(sizes, {}, {}, 0, 0, (), (), (), ("one of the images could not be read",))
    by_content = before.image.checksums == after.image.checksums
    removed = _missing(before.image.files, after.image.files, by_content=by_content)
    added = _missing(after.image.files, before.image.files, by_content=by_content)
    explained = {
        index for finding in findings if finding.location is not None and finding.layers for index in finding.files
    }
    files = before.image.files
    return ImageComparison(
        sizes=sizes,
        files_removed=_by_category(before, removed),
        files_added=_by_category(after, added),
        removed_bytes=sum(files[index].size for index in removed),
        explained_bytes=sum(files[index].size for index in removed if index in explained),
        notes=() if by_content else ("files were compared by path and size: the two images have unlike checksums",),
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


def _missing(files: Sequence[FileRecord], others: Iterable[FileRecord], *, by_content: bool) -> list[int]:
    """The indices of the files without a counterpart. A live copy takes the counterpart before a dead one does."""

    def key(file: FileRecord) -> Hashable:
        return (file.path, file.checksum if by_content else file.size)

    left = Counter(key(file) for file in others)
    missing = []
    for index in sorted(range(len(files)), key=lambda index: (files[index].death is not None, index)):
        if left[key(files[index])] > 0:
            left[key(files[index])] -= 1
        else:
            missing.append(index)
    return missing


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
    for package in packages.npm:
        versions.setdefault(f"npm {package.name}", set()).add(package.version)
    for owner in packages.system:
        versions.setdefault(f"{owner.manager} {owner.name}", set()).add(owner.version)
    return {name: ", ".join(sorted(found)) for name, found in versions.items()}
