"""What a source gives: the image's configuration, its list of layer blobs, and each layer's tar stream.

A source knows nothing of what is inside a layer: it hands every stream to the function it is given and
returns that function's values in the order of the layers.
"""

from collections.abc import Callable, Mapping
from typing import BinaryIO, Generic, Literal, TypeVar

from msgspec import Struct

LayerT = TypeVar("LayerT")
SourceKind = Literal["docker", "podman", "docker-archive", "oci", "oci-archive", "registry"]


class ImageRef(Struct, frozen=True):
    """`source` is None for a bare reference such as `node:20`: the engine is asked first."""

    source: SourceKind | None
    name: str

    def __str__(self) -> str:
        return self.name if self.source is None else f"{self.source}:{self.name}"


class HistoryEntry(Struct, frozen=True):
    """One entry of the configuration's `history`. An `empty_layer` entry made no layer."""

    created_by: str
    empty_layer: bool
    comment: str = ""


class HealthTiming(Struct, frozen=True):
    """When a health check is made, in seconds, and how often in a row it has to fail; what an engine does unless told.

    Defaults of the Dockerfile reference, HEALTHCHECK.
    """

    interval: float = 30.0
    timeout: float = 30.0
    start_period: float = 0.0
    retries: int = 3


class ImageConfig(Struct, frozen=True):
    """The image configuration, as the OCI image specification (config.md) names it."""

    os: str
    architecture: str
    variant: str
    user: str
    env: tuple[str, ...]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    working_dir: str
    exposed_ports: tuple[str, ...]  # "3000/tcp"
    volumes: tuple[str, ...]
    labels: Mapping[str, str]
    stop_signal: str | None
    healthcheck: tuple[str, ...]
    shell: tuple[str, ...]
    created: str | None
    history: tuple[HistoryEntry, ...]
    diff_ids: tuple[str, ...]
    health_timing: HealthTiming = HealthTiming()

    @property
    def platform(self) -> str:
        """`linux/amd64`, or `linux/arm/v7` with a variant."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class LayerBlob(Struct, frozen=True):
    """A layer as the manifest lists it. `digest` and `download_bytes` are None where the source holds no blobs."""

    diff_id: str
    digest: str | None
    download_bytes: int | None


class ReadImage(Struct, Generic[LayerT], frozen=True):
    """An image that was read: `blobs` and `layers` run in parallel, base layer first."""

    source: SourceKind
    reference: str
    digest: str | None  # of the manifest; of the configuration where the source has no manifest
    config: ImageConfig
    blobs: tuple[LayerBlob, ...]
    layers: tuple[LayerT, ...]
    reopen: Callable[[int], BinaryIO] | None = None  # a layer's stream once more, where the source can
    statement: bytes | None = None  # the builder's, of how it was built (in-toto), where the source holds one
    places: tuple[str, ...] = ()  # of the layers, as `place_of` gives them; none where the source has no such files


IndexLayer = Callable[[BinaryIO], LayerT]
"""Reads one layer stream (as stored: gzip, zstd or plain) to its end and gives what it found."""
