"""One way to read an image from any source: `read_image` finds it, and hands each layer's stream to a function.

The layers come out in order, whatever order the source delivers them in; a layer that stands twice in an image is
read once.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from imageopt.errors import InputError, ToolFailed, ToolMissing, UsageError
from imageopt.progress import Progress
from imageopt.source.attestation import provenance_statement
from imageopt.source.documents import image_config
from imageopt.source.export import ExportReader, is_compressed
from imageopt.source.files import Files, FolderFiles, TarFiles, place_of
from imageopt.source.layout import Described, LayerFile, docker_layout, is_for, oci_layout
from imageopt.source.model import ImageConfig, ImageRef, LayerBlob, ReadImage, SourceKind
from imageopt.source.overlay2 import SplitLayer, Surprise
from imageopt.source.place import parse_place, this_platform
from imageopt.source.side_by_side import HEAD, read_layers
from imageopt.units import format_bytes

if TYPE_CHECKING:
    from imageopt.source.local import LocalImage, Records

LayerT = TypeVar("LayerT")
ReadLayers = Callable[[Files, Iterable[str], Callable[[BinaryIO], LayerT]], Iterator[tuple[str, LayerT, bytes]]]
Known = Callable[[str | None, str], LayerT | None]
Exported = Callable[[str, Callable[[], ReadImage[LayerT]]], ReadImage[LayerT]]


class _Readers(Struct, Generic[LayerT], frozen=True):
    """How layers are made: from a stream, from an engine's records (None: not to be used), from what is known."""

    index_layer: Callable[[BinaryIO], LayerT]
    index_splits: Callable[[Sequence[SplitLayer]], Sequence[LayerT]] | None
    read_local: ReadLayers[LayerT]
    known: Known[LayerT]
    exported: Exported[LayerT]


def read_image(
    ref: ImageRef,
    index_layer: Callable[[BinaryIO], LayerT],
    *,
    index_splits: Callable[[Sequence[SplitLayer]], Sequence[LayerT]] | None = None,
    read_local: ReadLayers[LayerT] | None = None,
    known: Known[LayerT] = lambda _digest, _place: None,
    exported: Exported[LayerT] = lambda _image, export: export(),
    platform: str | None = None,
    progress: Progress | None = None,
) -> ReadImage[LayerT]:
    """The image, its layers as `index_layer` made them, base first; `index_splits` takes an engine's own records.

    `read_local` reads the layers of files on disk, as `read_layers` does for all. `known` gives what is already known
    of a layer by the digest that a manifest states or by its file's place, and spares its reading; `exported` may know
    what an engine's export of an image shows, by the image's digest and platform, and spare the export. Raises
    InputError where the image is missing or damaged, ToolMissing and ToolFailed where the engine is, UsageError where
    the reference fits several.
    """
    progress = progress or Progress()
    readers = _Readers(index_layer, index_splits, read_local or read_layers, known, exported)
    match ref.source:
        case None:
            return _from_engine_or_registry(ref, platform, readers, progress)
        case "docker" | "podman":
            return _from_engine(ref, platform, readers, progress)
        case "docker-archive" | "oci-archive":
            path, choice = _split(ref.name)
            return _from_files(ref.source, ref, TarFiles(path), choice, platform, readers, progress)
        case "oci":
            path, choice = _split(ref.name)
            if not path.is_dir():
                raise InputError(f"{path} is not a folder", "name the folder of an OCI image layout")
            return _from_files("oci", ref, FolderFiles(path), choice, platform, readers, progress)
        case "registry":
            return _from_registry(ref, platform, readers, progress)


def _from_engine_or_registry(
    ref: ImageRef,
    platform: str | None,
    readers: _Readers[LayerT],
    progress: Progress,
) -> ReadImage[LayerT]:
    """A bare name: the engine's image, else the registry's; where neither has it, what both said."""
    from imageopt.source.engine import ImageMissing

    try:
        return _from_engine(ref, platform, readers, progress)
    except (ImageMissing, ToolMissing) as absent:
        progress.note(f"{absent.cause}: asking the registry")
        try:
            return _from_registry(ref, platform, readers, progress)
        except (InputError, ToolFailed, UsageError) as error:
            raise InputError(f"{absent.cause}, and {error.cause}", absent.remedy) from None


def _from_registry(
    ref: ImageRef,
    platform: str | None,
    readers: _Readers[LayerT],
    progress: Progress,
) -> ReadImage[LayerT]:
    from imageopt.source.registry import RegistryFiles

    place = parse_place(ref.name)
    with progress.step(f"asking {place.host} for {place.repository}"):
        files = RegistryFiles(place)
    try:
        return _from_files("registry", ref, files, None, platform, readers, progress)
    finally:
        files.close()


def _from_engine(
    ref: ImageRef,
    platform: str | None,
    readers: _Readers[LayerT],
    progress: Progress,
) -> ReadImage[LayerT]:
    from imageopt.source.local import Content, Records, local_image

    with local_image(ref, platform) as image:
        try:
            match image.stored():
                case Content(files, manifest):
                    return _from_content(image, files, manifest, readers, progress)
                case Records() as records if readers.index_splits is not None:
                    with progress.step(f"reading {ref.name} from the engine"):
                        return _from_records(image, records, readers.index_splits)
                case _:
                    progress.note("reading through an export: every byte is to be verified")
        except Surprise as surprise:
            progress.note(f"reading through an export: {surprise}")
        with progress.step(f"reading {ref.name} from the engine"):
            read = readers.exported(
                f"{image.digest} {platform or image.has}", lambda: _from_export(image, readers, progress)
            )
            return replace(read, source=image.kind, reference=image.name)


def _from_content(
    image: "LocalImage",
    files: Files,
    manifest: str,
    readers: _Readers[LayerT],
    progress: Progress,
) -> ReadImage[LayerT]:
    """The layers from the engine's content store. Raises Surprise where one is missing or damaged."""
    try:
        ref = ImageRef(image.kind, image.name)
        return _from_files(image.kind, ref, files, manifest, None, readers, progress)
    except InputError as error:
        raise Surprise(error.cause) from None


def _from_records(
    image: "LocalImage", stored: "Records", index_splits: Callable[[Sequence[SplitLayer]], Sequence[LayerT]]
) -> ReadImage[LayerT]:
    """The layers from the engine's own records. Raises Surprise where one is damaged."""
    config = stored.config
    once = {layer.diff_id: layer for layer in stored.layers}
    layers = dict(zip(once, index_splits(tuple(once.values())), strict=True))
    blobs = tuple(LayerBlob(diff_id, None, None) for diff_id in config.diff_ids)
    found = tuple(layers[diff_id] for diff_id in config.diff_ids)
    return ReadImage(image.kind, image.name, image.digest, config, blobs, found)


def _from_export(image: "LocalImage", readers: _Readers[LayerT], progress: Progress) -> ReadImage[LayerT]:
    with closing(image.export()) as stream:
        export = ExportReader(
            stream.read, readers.index_layer, lambda position: progress.update(f"{format_bytes(position)} read")
        )
    described = image.described(export)
    config = image_config(described.config)
    _check_count(config, described)
    layers = tuple(export.layer(layer.name) for layer in described.layers)
    blobs = []
    for layer, diff_id in zip(described.layers, config.diff_ids, strict=True):
        file = export.resolved(layer.name)
        blobs.append(_blob(layer, diff_id, export.sizes[file], file in export.compressed))
    digest = described.digest if image.containerd else image.digest
    return ReadImage(image.kind, image.name, digest, config, tuple(blobs), layers)


def _from_files(
    kind: SourceKind,
    ref: ImageRef,
    files: Files,
    choice: str | None,
    platform: str | None,
    readers: _Readers[LayerT],
    progress: Progress,
) -> ReadImage[LayerT]:
    wanted = platform or (this_platform() if kind == "registry" else None)
    described = (docker_layout(files, choice) if kind == "docker-archive" else None) or oci_layout(
        files, choice, wanted
    )
    config = image_config(described.config)
    _check_count(config, described)
    if platform and config.platform and not described.platform and not is_for(config.platform, platform):
        raise InputError(f"{ref.name} is for {config.platform}, not for {platform}", "leave --platform out")
    read: dict[str, LayerT] = {}
    compressed: dict[str, bool] = {}
    places = {layer.name: place_of(files, layer.name) for layer in described.layers}
    for layer, diff_id in zip(described.layers, config.diff_ids, strict=True):
        if layer.name not in read and (found := readers.known(layer.digest, places[layer.name])) is not None:
            read[layer.name] = found
            compressed[layer.name] = layer.digest != diff_id if layer.digest else _is_compressed(files, layer.name)
    names = places.keys()
    with progress.step(f"reading {ref.name}"):
        read_them = read_layers if kind == "registry" else readers.read_local
        for name, index, head in read_them(files, sorted(names - read.keys()), readers.index_layer):
            read[name], compressed[name] = index, is_compressed(head)
            progress.update(f"layer {len(read)} of {len(names)}")
    listed = described.digest is not None and kind not in ("docker", "podman")
    blobs = tuple(
        _blob(layer, diff_id, files.size(layer.name), listed or compressed[layer.name])
        for layer, diff_id in zip(described.layers, config.diff_ids, strict=True)
    )
    digest = described.digest or f"sha256:{hashlib.sha256(described.config).hexdigest()}"
    return ReadImage(
        kind,
        ref.name,
        digest,
        config,
        blobs,
        layers=tuple(read[layer.name] for layer in described.layers),
        reopen=lambda number: files.open(described.layers[number].name),
        statement=provenance_statement(files, described.digest) if described.digest is not None else None,
        places=tuple(places[layer.name] for layer in described.layers),
    )


def _is_compressed(files: Files, name: str) -> bool:
    with files.open(name) as stream:
        return is_compressed(stream.peek(HEAD))


def _blob(layer: LayerFile, diff_id: str, size: int | None, transferred: bool) -> LayerBlob:
    """`transferred`: whether the file is what a pull transfers, packed or as a manifest lists it.

    A plain layer of an engine or of `docker save` is what the engine unpacked: it has no download size.
    """
    return LayerBlob(diff_id, layer.digest, size if transferred else None)


def _check_count(config: ImageConfig, described: Described) -> None:
    if len(config.diff_ids) != len(described.layers):
        raise InputError(
            f"the manifest lists {len(described.layers)} layers, the configuration {len(config.diff_ids)}",
            "its data is damaged: save or pull the image again",
        )


def _split(name: str) -> tuple[Path, str | None]:
    """`PATH` or `PATH:NAME`: the longest existing path wins, since both may hold colons."""
    head = name
    try:
        while head and not Path(head).exists():
            head = head.rpartition(":")[0]
    except OSError:
        raise InputError(f"{name[:80]}… is longer than a path may be", "check the path") from None
    return (Path(head), name[len(head) + 1 :] or None) if head else (Path(name), None)
