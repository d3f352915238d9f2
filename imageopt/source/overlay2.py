"""The layers of a local engine with the overlay2 driver, read from its own records instead of through an export.

The engine keeps each layer as a folder and, in `tar-split.json.gz`, everything of the original tar that is not file
content, with the size and a CRC-64 of each. So names, sizes, modes, links and whiteouts are had without touching a
file. Any surprise (no permission, another driver, a damaged record) is a `Surprise`, and the export is used.
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FILE, _SEGMENT = 1, 2  # the entry types of tar-split (vbatts/tar-split, tar/storage/entry.go)


class Surprise(Exception):
    """The storage is not what it was expected to be; the text says how."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one file, by the engine's record: `checksum` is its CRC-64 (ISO), 8 bytes."""

    name: str
    size: int
    checksum: bytes


@dataclass(frozen=True, slots=True)
class SplitLayer:
    """One layer as the engine keeps it: `record` is its tar-split file, `folder` holds the files."""

    diff_id: str
    record: Path
    folder: Path

    def pieces(self) -> Iterator[bytes | Content]:
        """The original tar in order: raw bytes (headers, padding, extensions), and contents by name.

        Raises Surprise where the record cannot be read.
        """
        import gzip

        try:
            with gzip.open(self.record) as lines:
                for line in lines:
                    yield from _piece(json.loads(line))
        except (OSError, EOFError, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise Surprise(f"the engine's record of a layer cannot be read: {error}") from None

    def read(self, content: Content) -> bytes:
        """The bytes of a file; a link that leads out of the layer is not followed. Raises Surprise."""
        path = Path(os.path.normpath(f"{self.folder}/{content.name.lstrip('/')}"))
        try:
            if self.folder not in path.parents or path.parent.resolve(strict=True) != path.parent:
                raise Surprise("a layer's file lies outside its folder")
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as stream:
                data = stream.read(content.size + 1)
        except OSError as error:
            raise Surprise(f"a layer's file cannot be read: {error.strerror}") from None
        if len(data) != content.size:
            raise Surprise("a layer's file is not what it was")
        return data


def _piece(entry: dict[str, object]) -> Iterator[bytes | Content]:
    payload = base64.b64decode(str(entry.get("payload") or ""))
    if entry["type"] == _SEGMENT:
        yield payload
    elif entry["type"] == _FILE and (size := entry.get("size")):
        raw = entry.get("name_raw")
        name = os.fsdecode(base64.b64decode(str(raw))) if raw else str(entry["name"])
        if not isinstance(size, int) or len(payload) != 8:
            raise ValueError("an entry without size or checksum")
        yield Content(name, size, payload)


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
