"""An image in a registry as the files of an OCI layout, without an engine: nothing is asked for before it is read.

A registry says how long a blob is only while it sends it, so sizes are those that the manifests state: of two requests
(index, manifest) all sizes are known.
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from imageopt.errors import InputError
from imageopt.source.documents import load_json
from imageopt.source.files import missing
from imageopt.source.layout import ManifestSizes, layer_sizes
from imageopt.source.place import Place, this_platform
from imageopt.source.transport import Transport

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join((*_INDEXES, *_MANIFESTS))
_BUFFER = 1 << 18


def manifest_sizes(place: Place, platform: str | None = None) -> ManifestSizes:
    """The layers that a pull transfers, and their sizes: from two requests at most, without a blob.

    `platform` is this machine's where it is None. Raises InputError where there is no such image, ToolFailed as a
    registry refuses.
    """
    files = RegistryFiles(place)
    try:
        return layer_sizes(files, platform or this_platform())
    finally:
        files.close()


class RegistryFiles:
    """The blobs of one image as the files of an OCI layout; `index.json` lists what the tag names."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._transport = Transport(place)
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._documents: dict[str, bytes] = {}
        self._manifests: set[str] = set()
        self._index = self._top()

    def close(self) -> None:
        """Ends the connections; what is opened afterwards makes new ones."""
        self._transport.close()

    def size(self, name: str) -> int | None:
        """Bytes of a document or a blob that the manifests read so far speak of."""
        document = self._document(name)
        return self._sizes.get(_digest(name)) if document is None else len(document)

    def open(self, name: str) -> io.BufferedReader:
        """The document or blob, at its beginning."""
        document = self._document(name)
        if document is not None:
            return io.BufferedReader(io.BytesIO(document))
        digest = _digest(name)
        if digest not in self._sizes:
            raise missing(name)
        return io.BufferedReader(self._transport.blob(digest, self._sizes[digest]), _BUFFER)

    def _top(self) -> bytes:
        """An index of the one manifest (or index) that the reference names."""
        found = self._transport.manifest(self._place.reference, _ACCEPT)
        digest = f"sha256:{hashlib.sha256(found.data).hexdigest()}"
        if self._place.reference.startswith("sha256:") and digest != self._place.reference:
            raise InputError(
                f"what the registry gives for {self._place} is not what its digest promises",
                "ask the registry's keeper",
            )
        document = self._remember(digest, found.data)
        descriptor = {"digest": digest, "mediaType": self._kind(found.kind, document), "size": len(found.data)}
        return json.dumps({"manifests": [descriptor]}).encode()

    def _kind(self, told: str, document: Mapping[str, Any]) -> str:
        """The media type: what the document says of itself, else what the registry says of it, else what it looks like.

        Raises InputError for one that could be read in two ways (CVE-2021-41190), and for the format before both.
        """
        if document.get("schemaVersion") == 1:
            raise InputError(f"{self._place} has a manifest of the old schema 1", "push it again with a newer engine")
        if "manifests" in document and ("layers" in document or "config" in document):
            raise InputError(f"{self._place} is an index and a manifest in one", "is this a container image?")
        for kind in (document.get("mediaType"), told):
            if kind in _INDEXES or kind in _MANIFESTS:
                return str(kind)
        return _INDEXES[0] if "manifests" in document else _MANIFESTS[0]

    def _document(self, name: str) -> bytes | None:
        """A manifest or an index, None where the name is no such thing's."""
        if name == "index.json":
            return self._index
        digest = _digest(name)
        if digest not in self._manifests:
            return None
        with self._lock:
            if digest not in self._documents:
                self._remember(digest, self._transport.manifest(digest, _ACCEPT).data)
            return self._documents[digest]

    def _remember(self, digest: str, data: bytes) -> Mapping[str, Any]:
        """Keeps a document, and what it says of the sizes of others. A layer with `urls` is not in the registry."""
        document = load_json(data, "the registry's manifest")
        if not isinstance(document, dict):
            raise InputError("the registry's manifest is not one", "is this a container image?")
        self._documents[digest] = data
        self._manifests.update({digest, *(item["digest"] for item in _described(document.get("manifests")))})
        blobs = (*_described(document.get("layers")), *_described([document.get("config")]))
        self._sizes.update({blob["digest"]: blob["size"] for blob in blobs if _is_here(blob)})
        return document


def _described(value: Any) -> Iterator[Mapping[str, Any]]:
    """The descriptors among the values of a list."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and isinstance(item.get("digest"), str):
            yield item


def _is_here(blob: Mapping[str, Any]) -> bool:
    size = blob.get("size")
    return isinstance(size, int) and size >= 0 and not blob.get("urls")


def _digest(name: str) -> str:
    return name.removeprefix("blobs/").replace("/", ":", 1)
