"""What an image shows in the end, asked by path: files, folders, and links followed as the kernel would follow them.

Only names are known here. A hard link's second name is not: the image keeps one name for each content.
"""

import posixpath
from collections.abc import Iterator

from imageopt.compare.folders import folders_of
from imageopt.image.model import FileRecord, Image

_MOST_LINKS = 40  # Linux gives up there, too (path_resolution(7))


class Filesystem:
    """The live names of one image; paths are relative to the root, as everywhere in the model."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.files: dict[str, FileRecord] = {record.path: record for record in image.files if record.death is None}
        self.folders = folders_of((*self.files, *image.links))

    def real(self, path: str) -> str | None:
        """The file or folder that the path leads to; None where it leads nowhere."""
        left = [part for part in reversed(path.split("/")) if part]
        here, followed = "", 0
        while left:
            part = left.pop()
            if part in (".", ".."):
                here = posixpath.dirname(here) if part == ".." else here
                continue
            here = f"{here}/{part}" if here else part
            target = self.image.links.get(here)
            if target is not None:
                followed += 1
                if followed > _MOST_LINKS:
                    return None
                here = "" if target.startswith("/") else posixpath.dirname(here)
                left.extend(part for part in reversed(target.split("/")) if part)
            elif here not in self.folders and here not in self.files:
                return None
        return here if here in self.files or here in self.folders else None

    def is_file(self, path: str) -> bool:
        """Whether the path leads to a file."""
        return self.real(path) in self.files

    def names(self) -> Iterator[str]:
        """The last parts of all files and links, as often as they come."""
        for path in (*self.files, *self.image.links):
            yield path.rpartition("/")[2]
