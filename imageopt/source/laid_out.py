"""An image in docker's own storage -> an OCI layout in a folder, its layers put together again, byte for byte.

`docker save` of a large image takes longer than all that is done with it; where the storage may be read, this takes a
third of that. It is a program of its own, so that it can be stopped for a while, or for good:

    python -m imageopt.source.laid_out NAME FOLDER

A layer that does not come out as its digest says, and whatever else is not as expected, is exit status 1 and a line.
"""

import base64
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from imageopt.errors import ImageoptError
from imageopt.source.local import LocalImage, Records, local_image
from imageopt.source.model import ImageRef
from imageopt.source.overlay2 import SplitLayer, Surprise
from imageopt.source.tar_split import FILE, SEGMENT, Record, read_records

_CHUNK = 1 << 20  # bytes
_DOCKER = "application/vnd.docker."
_MANIFEST = "distribution.manifest.v2+json"


class _Member(Record, gc=False):
    """A line with the name of the file whose content comes there; `name_raw` where that is no UTF-8."""

    name: str = ""
    name_raw: str = ""


def write_layout(image: LocalImage, folder: Path) -> None:
    """Writes the image to the empty folder. Raises Surprise where the storage does not hold what it should."""
    stored = image.stored()
    if not isinstance(stored, Records):
        raise Surprise("the engine keeps its layers as they came")
    document = image.document()
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layers = [
        _descriptor("image.rootfs.diff.tar", layer.diff_id, _write(layer, blobs / layer.diff_id.partition(":")[2]))
        for layer in stored.layers
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_DOCKER}{_MANIFEST}",
        "config": _put(blobs, "container.image.v1+json", document),
        "layers": layers,
    }
    index = {"schemaVersion": 2, "manifests": [_put(blobs, _MANIFEST, json.dumps(manifest).encode())]}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps(index))


def _write(layer: SplitLayer, file: Path) -> int:
    """The layer's tar, in bytes written; it is what its digest says."""
    digest, size = hashlib.sha256(), 0
    with file.open("wb", buffering=_CHUNK) as out:
        for piece in _pieces(layer):
            digest.update(piece)
            size += out.write(piece)
    if f"sha256:{digest.hexdigest()}" != layer.diff_id:
        raise Surprise("a layer's files are not what they were")
    return size


def _pieces(layer: SplitLayer) -> Iterator[bytes]:
    for members in read_records(layer.record, _Member):
        for member in members:
            if member.type == SEGMENT:
                yield member.payload or b""
            elif member.type == FILE and member.size:
                name = os.fsdecode(base64.b64decode(member.name_raw)) if member.name_raw else member.name
                yield from layer.content(name, member.size, _CHUNK)


def _put(blobs: Path, kind: str, data: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (blobs / digest.partition(":")[2]).write_bytes(data)
    return _descriptor(kind, digest, len(data))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"{_DOCKER}{kind}", "digest": digest, "size": size}


def main(name: str, folder: str) -> int:
    """Writes the layout, and says why where it cannot."""
    try:
        with local_image(ImageRef("docker", name), None) as image:
            write_layout(image, Path(folder))
    except (Surprise, ImageoptError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
