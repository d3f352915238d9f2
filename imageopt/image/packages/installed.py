"""What the readers of packages look into: the live files by path and by folder, and the captured small ones.

The sums are made once for all readers. A file's bytes stand under the folder that holds it directly, so whoever wants
a whole package adds up its folders, of which there are far fewer than files.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from imageopt.image.model import FileRecord, LayerIndex


class Installed(Struct, frozen=True):
    """`sizes`: bytes by live path; `folders`: bytes by folder; `links` and `contents` are what is live."""

    layers: Sequence[LayerIndex]
    sizes: Mapping[str, int]
    folders: Mapping[str, int]
    links: Mapping[str, str]
    contents: Mapping[str, bytes]
    births: Mapping[str, int]

    def birth(self, path: str) -> int:
        """The first layer that stored the live capture with the content it has in the end."""
        return self.births.get(path, max(len(self.layers) - 1, 0))


def installed(
    layers: Sequence[LayerIndex], files: Sequence[FileRecord], links: Mapping[str, str], contents: Mapping[str, bytes]
) -> Installed:
    """The live files of an image, summed up for the readers."""
    sizes: dict[str, int] = {}
    folders: dict[str, int] = {}
    for path, size, _, _, death, _, _, _, _ in files:
        if death is None:
            sizes[path] = size
            folder = path.rpartition("/")[0]
            if folder in folders:
                folders[folder] += size
            else:
                folders[folder] = size
    births: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for path, data in layer.contents.items():
            if path not in births and contents.get(path) == data:
                births[path] = index
    return Installed(layers, sizes, folders, links, contents, births)


def folder_bytes(folders: Mapping[str, int], wanted: Mapping[str, str]) -> dict[str, int]:
    """The live bytes below each key of `wanted`, summed for its value; a folder counts for the innermost key."""
    sums: dict[str, int] = {}
    for folder, size in folders.items():
        at = folder
        while at:
            owner = wanted.get(at)
            if owner is not None:
                sums[owner] = sums.get(owner, 0) + size
                break
            at = at.rpartition("/")[0]
    return sums
