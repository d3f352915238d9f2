"""BuildKit's own statement of how an image was built (`--provenance mode=max`): which line made which layer.

It is in-toto JSON around a SLSA predicate, version 0.2 or 1. It names build steps by lines of the Dockerfile, which it
holds itself, and each step's chain of layers from the base on. What surprises: a step may stand for several
instructions that do the same, and then says nothing about a layer; and what it says counts only where a chain is
exactly the beginning of the image.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.source.documents import load_json

_METADATA = "https://mobyproject.org/buildkit@v1#metadata"
_IMAGE = "docker-image://"
_ARGUMENT = "build-arg:"


class Provenance(Struct, frozen=True):
    """`lines` maps a layer's index to the first line of its instruction; `base_layers` is None where nothing tells.

    `base` names the base image with its digest, `dockerfile` is the file the image was built from.
    """

    dockerfile: bytes | None
    file_name: str
    target: str | None
    build_args: Mapping[str, str]
    lines: Mapping[int, int]
    base_layers: int | None
    base: str | None


def read_provenance(statement: bytes, layers: Sequence[str | None]) -> Provenance | None:
    """What the statement says of the image with these layer blobs, base first; None where it is no such statement."""
    try:
        predicate = _table(load_json(statement, "the provenance"), "predicate")
    except InputError:
        return None
    metadata = _table(_table(predicate, "metadata"), _METADATA)
    metadata = metadata or _table(_table(_table(predicate, "runDetails"), "metadata"), "buildkit_metadata")
    if not metadata:
        return None
    definition = _table(predicate, "buildDefinition")
    build = _table(predicate, "buildConfig") or _table(_table(definition, "internalParameters"), "buildConfig")
    request = _table(_table(predicate, "invocation"), "parameters")
    request = request or _table(_table(definition, "externalParameters"), "request")
    arguments = {name: value for name, value in _table(request, "args").items() if isinstance(value, str)}
    source = _table(metadata, "source")
    name, text = _file(source)
    chains = _chains(metadata, layers)
    base_layers, base = _base(chains, _identifiers(build))
    return Provenance(
        dockerfile=text,
        file_name=name,
        target=arguments.get("target"),
        build_args={
            name.removeprefix(_ARGUMENT): value for name, value in arguments.items() if name.startswith(_ARGUMENT)
        },
        lines=_lines(chains, _table(source, "locations"), base_layers),
        base_layers=base_layers,
        base=base,
    )


def _chains(metadata: Mapping[str, Any], layers: Sequence[str | None]) -> dict[str, int]:
    """For each step the number of layers up to its own, where these are the image's first layers."""
    found: dict[str, int] = {}
    for output, chains in _table(metadata, "layers").items():
        for chain in _list(chains):
            digests = [descriptor.get("digest") for descriptor in _list(chain) if isinstance(descriptor, dict)]
            if digests and digests == list(layers[: len(digests)]):
                found[str(output).partition(":")[0]] = len(digests)
    return found


def _lines(chains: Mapping[str, int], locations: Mapping[str, Any], base_layers: int | None) -> dict[int, int]:
    """The first line of each layer that one step alone made on top of another."""
    told: dict[int, int] = {}
    lengths = sorted(chains.values())
    for step, length in chains.items():
        begins = {begin for place in _list(_table(locations, step).get("locations")) for begin in _begin(place)}
        on_another = length - 1 in chains.values() or length - 1 == 0
        if length > (base_layers or 0) and lengths.count(length) == 1 and len(begins) == 1 and on_another:
            told[length - 1] = begins.pop()
    return told


def _begin(place: Any) -> Iterator[int]:
    """The line in the Dockerfile (the first of the sources) where a place begins."""
    if not isinstance(place, dict) or place.get("sourceIndex"):
        return
    starts = [_table(part, "start").get("line") for part in _list(place.get("ranges"))]
    lines = [line for line in starts if isinstance(line, int)]
    if lines:
        yield min(lines)


def _identifiers(build: Mapping[str, Any]) -> dict[str, str]:
    """The sources that steps read, by step."""
    found: dict[str, str] = {}
    for step in _list(build.get("llbDefinition")):
        source = _table(_table(_table(step, "op"), "Op"), "source") or _table(_table(step, "op"), "source")
        identifier = source.get("identifier")
        if isinstance(identifier, str) and isinstance(step.get("id"), str):
            found[step["id"]] = identifier
    return found


def _base(chains: Mapping[str, int], identifiers: Mapping[str, str]) -> tuple[int | None, str | None]:
    """The base image's layers and its name: the longest image that the image begins with."""
    images = [
        (length, identifiers[step].removeprefix(_IMAGE))
        for step, length in chains.items()
        if identifiers.get(step, "").startswith(_IMAGE)
    ]
    return max(images) if images else (None, None)


def _file(source: Mapping[str, Any]) -> tuple[str, bytes | None]:
    infos = _list(source.get("infos"))
    info = infos[0] if infos and isinstance(infos[0], dict) else {}
    name, data = info.get("filename"), info.get("data")
    try:
        text = base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except (binascii.Error, ValueError):
        text = None
    return name if isinstance(name, str) and name else "Dockerfile", text


def _table(value: Any, key: str) -> Mapping[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
