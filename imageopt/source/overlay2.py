"""The layers of a local engine with the overlay2 driver, read from its own storage instead of through an export.

The engine keeps each layer as a folder and, in `tar-split.json.gz`, everything of the original tar that is not file
content. Put together they give the original tar byte for byte, so the layer's diff_id still proves the reading. Any
surprise (no permission, another driver, a file that is not as it was) is a `Surprise`, and the export is used.
"""

import base64
import binascii
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FILE, _SEGMENT = 1, 2  # the entry types of tar-split (vbatts/tar-split, tar/storage/entry.go)
_CHUNK = 1 << 20


class Surprise(Exception):
    """The storage is not what it was expected to be; the text says how."""


def layer_folders(root: str, driver: str, diff_ids: Sequence[str]) -> list[Path]:
    """The folder in the layer database of each layer, base first. Raises Surprise where one cannot be read."""
    if driver != "overlay2":
        raise Surprise(f"the engine keeps its layers with {driver}")
    database = Path(root) / "image" / "overlay2" / "layerdb" / "sha256"
    folders = []
    chain = ""
    for diff_id in diff_ids:
        # the image specification's ChainID (config.md, Layer ChainID)
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
        folder = database / chain.removeprefix("sha256:")
        if not os.access(folder / "tar-split.json.gz", os.R_OK):
            raise Surprise("the engine's layer database cannot be read")
        folders.append(folder)
    return folders


def open_layer(folder: Path) -> BinaryIO:
    """The original tar of the layer. Reading raises Surprise where its files are no longer what they were."""
    return io.BufferedReader(_Assembled(folder), _CHUNK)


class _Assembled(io.RawIOBase):
    """The pieces of a layer's tar as one stream."""

    def __init__(self, folder: Path) -> None:
        self._pieces = _pieces(folder)
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            if not self._piece:
                self._piece = memoryview(next(self._pieces, b""))
                if not self._piece:
                    break
            count = min(len(view) - filled, len(self._piece))
            view[filled : filled + count] = self._piece[:count]
            self._piece = self._piece[count:]
            filled += count
        return filled


def _pieces(folder: Path) -> Iterator[bytes]:
    try:
        content = _content_folder(folder)
        with (folder / "tar-split.json.gz").open("rb") as stored:
            yield from _assemble(stored, content)
    except (OSError, ValueError, KeyError, binascii.Error, EOFError) as error:
        raise Surprise(f"the layer's folder cannot be read: {error}") from None


def _content_folder(folder: Path) -> Path:
    cache_id = (folder / "cache-id").read_text().strip()
    if not cache_id.isalnum():
        raise Surprise("the layer's folder has an odd name")
    root = folder.parents[4]  # ROOT/image/overlay2/layerdb/sha256/CHAIN
    return (root / "overlay2" / cache_id / "diff").resolve(strict=True)


def _assemble(stored: BinaryIO, content: Path) -> Iterator[bytes]:
    import gzip

    inside: dict[str, bool] = {}
    with gzip.open(stored) as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["type"] == _SEGMENT:
                yield base64.b64decode(entry["payload"])
            elif entry["type"] == _FILE and entry.get("size"):
                raw = entry.get("name_raw")
                name = os.fsdecode(base64.b64decode(raw)) if raw else entry["name"]
                yield from _file(content, name, entry["size"], inside)


def _file(content: Path, name: str, size: int, inside: dict[str, bool]) -> Iterator[bytes]:
    """The bytes of a file below `content`; a link that leads out of it is not followed."""
    folder, _, last = os.path.normpath(f"/{name}").rpartition("/")
    if folder not in inside:
        real = Path(f"{content}{folder}").resolve()
        inside[folder] = real == content or content in real.parents
    if not inside[folder]:
        raise Surprise("a layer's file lies outside its folder")
    handle = os.open(f"{content}{folder}/{last}", os.O_RDONLY | os.O_NOFOLLOW)
    try:
        left = size
        while left:
            data = os.read(handle, min(left, _CHUNK))
            if not data:
                raise Surprise("a layer's file is shorter than it was")
            left -= len(data)
            yield data
    finally:
        os.close(handle)
