"""BuildKit's statement of how an image was built, found beside the image's manifest in the same index.

What surprises: it is stored as an image manifest whose one layer is JSON. It only adds to what is known, so where it is
missing, damaged or too long there simply is none.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from imageopt.errors import InputError
from imageopt.source.documents import LIMIT
from imageopt.source.files import Files, read_small
from imageopt.source.layout import read_blob

_REFERENCE, _TYPE = "vnd.docker.reference.digest", "vnd.docker.reference.type"
_PREDICATE, _PROVENANCE = "in-toto.io/predicate-type", "https://slsa.dev/provenance/"
_INDEXES = ("manifest.list.v2+json", "image.index.v1+json")
_MOST_INDEXES = 64


def provenance_statement(files: Files, manifest: str) -> bytes | None:
    """The in-toto statement about the image with this manifest digest, None where there is none that can be read."""
    for descriptor in _descriptors(files):
        notes = _table(descriptor, "annotations")
        if notes.get(_TYPE) != "attestation-manifest" or notes.get(_REFERENCE) != manifest:
            continue
        for layer in _tables(_document(files, descriptor.get("digest")), "layers"):
            if str(_table(layer, "annotations").get(_PREDICATE)).startswith(_PROVENANCE):
                return _blob(files, layer.get("digest"))
    return None


def _descriptors(files: Files) -> Iterator[Mapping[str, Any]]:
    """What the indexes list, the outermost first; each index is read once."""
    try:
        pending = [_parsed(read_small(files, "index.json", LIMIT))]
    except InputError:
        return
    seen: set[str] = set()
    while pending and len(seen) < _MOST_INDEXES:
        for descriptor in _tables(pending.pop(0), "manifests"):
            yield descriptor
            digest = descriptor.get("digest")
            if isinstance(digest, str) and digest not in seen and str(descriptor.get("mediaType")).endswith(_INDEXES):
                seen.add(digest)
                pending.append(_document(files, digest))


def _document(files: Files, digest: Any) -> Any:
    return _parsed(_blob(files, digest))


def _blob(files: Files, digest: Any) -> bytes | None:
    try:
        return read_blob(files, str(digest))
    except InputError:
        return None


def _parsed(data: bytes | None) -> Any:
    try:
        return json.loads(data or b"null")
    except (ValueError, RecursionError):
        return None


def _tables(document: Any, key: str) -> list[Mapping[str, Any]]:
    items = document.get(key) if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}
