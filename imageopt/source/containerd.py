"""An image of Docker's containerd image store, found in containerd's content store instead of through an export.

The store keeps each blob as a file named by its digest, compressed as it was pulled: seen from here it is an OCI layout
without an index. The image's id is the digest of its manifest, or of an index over the manifests of several platforms,
of which only those that were pulled or built need be there.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imageopt.errors import InputError
from imageopt.source.documents import LIMIT, image_config, load_json
from imageopt.source.files import Files, FolderFiles, read_small
from imageopt.source.layout import oci_layout
from imageopt.source.overlay2 import Surprise

_CONTENT = "io.containerd.content.v1.content"
_SYSTEM = Path("/var/lib/containerd")  # of a containerd that the engine did not start itself
_INDEX, _MANIFEST = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))


def uses_containerd(info: Mapping[str, Any]) -> bool:
    """Whether the engine that says this of itself keeps its images in containerd."""
    status = info.get("DriverStatus")
    return isinstance(status, list) and ["driver-type", "io.containerd.snapshotter.v1"] in status


def content_store(root: str, image: Mapping[str, Any]) -> "ContentStore":
    """The store that holds the image the engine described, below the engine's `root` or the system's own.

    Raises Surprise where none can be read.
    """
    descriptor = image.get("Descriptor")  # since API 1.48; before, the id is its digest
    digest = str(descriptor.get("digest") if isinstance(descriptor, dict) else image.get("Id"))
    for folder in (Path(root) / "containerd" / "daemon", _SYSTEM):
        files = FolderFiles(folder / _CONTENT)
        try:
            data = read_small(files, f"blobs/{digest.replace(':', '/')}", LIMIT)
            if data is not None:
                document = load_json(data, "the image")
                kind = _INDEX if isinstance(document, dict) and "manifests" in document else _MANIFEST
                return ContentStore(files, {"mediaType": kind, "digest": digest})
        except (InputError, OSError):
            continue
    raise Surprise("the engine's content store cannot be read")


class ContentStore:
    """The store's blobs, and an index that lists one of them: the `Files` of an OCI layout."""

    def __init__(self, blobs: Files, descriptor: Mapping[str, str]) -> None:
        self._blobs = blobs
        self._index = json.dumps({"manifests": [descriptor]}).encode()

    def size(self, name: str) -> int | None:
        """Bytes of a blob or of the index, None where there is none of that name."""
        return len(self._index) if name == "index.json" else self._blobs.size(name)

    def open(self, name: str) -> io.BufferedReader:
        """A blob or the index, at its beginning."""
        if name == "index.json":
            return io.BufferedReader(io.BytesIO(self._index))
        return self._blobs.open(name)


def chosen(files: Files, wanted: str | None, preferred: str) -> str | None:
    """The digest of the manifest for the platform that is `wanted`, else the engine's `preferred`; None where none is.

    Raises UsageError where several fit.
    """
    for platform in (wanted,) if wanted else (preferred, "/".join(preferred.split("/")[:2])):
        try:
            described = oci_layout(files, None, platform)
            if fits(image_config(described.config).platform, platform):
                return described.digest
        except InputError:  # of an index's manifests, those for other platforms need not be there
            continue
    return None


def fits(platform: str, wanted: str) -> bool:
    """Whether an image for `platform` is one for `wanted`; a variant counts where both name one."""
    return all(part == other for part, other in zip(platform.split("/"), wanted.split("/"), strict=False))
