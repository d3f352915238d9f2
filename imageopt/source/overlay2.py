"""The layers of a local engine with the overlay2 driver, found in its own storage instead of through an export.

The engine keeps each layer as a folder and, in `tar-split.json.gz`, everything of the original tar that is not file
content, with the size and a CRC-64 of each (imageopt/source/tar_split.py). So names, sizes, modes, links and whiteouts
are had without touching a file. Any surprise (no permission, another driver, a damaged record) is a `Surprise`, and
the export is used.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

LookT = TypeVar("LookT")


class Surprise(Exception):
    """The storage is not what it was expected to be; the text says how."""


class SplitLayer(Struct, frozen=True):
    """One layer as the engine keeps it: `record` is its tar-split file, `folder` holds the files."""

    diff_id: str
    record: Path
    folder: Path

    def read(self, path: str, size: int) -> bytes:
        """The bytes of the file at a relative path; no link on the way is followed. Raises Surprise."""
        with self._opened(path) as handle:
            data = os.read(handle, size + 1)  # in one piece, as the kernel gives a file of a few megabytes
        if len(data) != size:
            raise Surprise("a layer's file is not what it was")
        return data

    def content(self, path: str, size: int, piece: int) -> Iterator[bytes]:
        """The bytes of the file, at most `piece` at a time; no link on the way is followed. Raises Surprise."""
        with self._opened(path) as handle:
            while size > 0:
                data = os.read(handle, min(size, piece))
                if not data:
                    raise Surprise("a layer's file is not what it was")
                size -= len(data)
                yield data

    def inspect(self, path: str, look: Callable[[Callable[[int, int], bytes]], LookT]) -> LookT:
        """What `look` makes of the file, given a function from offset and count to bytes. Raises Surprise."""
        with self._opened(path) as handle:
            return look(lambda offset, count: os.pread(handle, count, offset))

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        folder = str(self.folder)
        place = os.path.normpath(f"{folder}/{path}")
        try:
            handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                # where links on the way led, if there were any
                there = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 (quicker)
                if there != place or not place.startswith(f"{folder}/"):
                    raise Surprise("a layer's file lies outside its folder")
                yield handle
            finally:
                os.close(handle)
        except OSError as error:
            raise Surprise(f"a layer's file cannot be read: {error.strerror}") from None


def split_layers(root: str, driver: str, diff_ids: Sequence[str]) -> list[SplitLayer]:
    """The layers in the engine's storage below `root`, base first. Raises Surprise where one cannot be read."""
    if driver != "overlay2":
        raise Surprise(f"the engine keeps its layers with {driver}")
    database = Path(root) / "image" / "overlay2" / "layerdb" / "sha256"
    layers = []
    chain = ""
    for diff_id in diff_ids:
        # the image specification's ChainID (config.md, Layer ChainID)
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
        entry = database / chain.removeprefix("sha256:")
        try:
            cache_id = (entry / "cache-id").read_text().strip()
            folder = (Path(root) / "overlay2" / cache_id / "diff").resolve(strict=True)
        except OSError:
            raise Surprise("the engine's layer database cannot be read") from None
        layers.append(SplitLayer(diff_id, entry / "tar-split.json.gz", folder))
    return layers
