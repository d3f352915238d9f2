"""What the package databases in an image list: one module for each ecosystem, joined here."""

from collections.abc import Mapping, Sequence

from imageopt.image.model import FileRecord, LayerIndex, Packages
from imageopt.image.packages.apk import apk_packages
from imageopt.image.packages.dpkg import dpkg_packages
from imageopt.image.packages.npm import npm_packages


def read_packages(
    layers: Sequence[LayerIndex],
    files: Sequence[FileRecord],
    links: Mapping[str, str],
    contents: Mapping[str, bytes],
) -> Packages:
    """The packages that are live in the image, each ecosystem sorted by name; `contents` are the live captures."""
    live = {record.path: record.size for record in files if record.fate == "live"}
    debian, owners = dpkg_packages(layers, live, links, contents)
    alpine, alpine_owners = apk_packages(layers, live, contents)
    return Packages(
        npm=npm_packages(live, contents),
        system=(*debian, *alpine),
        owners={**owners, **alpine_owners},
    )
