"""What the package databases in an image list: one module for each package manager, joined here.

A new manager of a language is one module with a function like the others, and its name in `_LIBRARIES`.
"""

from collections.abc import Callable, Mapping, Sequence

from imageopt.image.model import FileRecord, LayerIndex, LibraryPackage, Packages
from imageopt.image.packages.apk import apk_packages
from imageopt.image.packages.composer import composer_packages
from imageopt.image.packages.dpkg import dpkg_packages
from imageopt.image.packages.installed import Installed, installed
from imageopt.image.packages.npm import npm_packages
from imageopt.image.packages.python import python_packages

_LIBRARIES: tuple[Callable[[Installed, Mapping[str, str]], tuple[LibraryPackage, ...]], ...] = (
    composer_packages,
    python_packages,
)


def read_packages(
    layers: Sequence[LayerIndex],
    files: Sequence[FileRecord],
    links: Mapping[str, str],
    contents: Mapping[str, bytes],
) -> Packages:
    """The packages that are live in the image, each ecosystem sorted by name; `contents` are the live captures."""
    found = installed(layers, files, links, contents)
    debian, debian_owners = dpkg_packages(layers, found.sizes, links, contents)
    alpine, alpine_owners = apk_packages(layers, found.sizes, contents)
    owners = {**debian_owners, **alpine_owners}
    return Packages(
        npm=npm_packages(found),
        system=(*debian, *alpine),
        owners=owners,
        libraries=tuple(package for read in _LIBRARIES for package in read(found, owners)),
    )
