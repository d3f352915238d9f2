"""Layer indexes to an `Image`: sizes, waste by kind, and the record of every file that was ever stored."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imageopt.image.dive import dive_numbers
from imageopt.image.elf import ElfFacts
from imageopt.image.model import WASTE_KINDS, FileRecord, Image, ImageSizes, Layer, LayerIndex
from imageopt.image.packages.read import read_packages
from imageopt.image.union import File, Name, Union, unite
from imageopt.source.model import ImageConfig, LayerBlob, ReadImage

_INSTALLED = re.compile(r"(?:^|/)(?:node_modules|site-packages)/")  # what a package manager's store is linked to from


def account(read: ReadImage[LayerIndex]) -> Image:
    """The image, counted. The identities hold for any input: records add up to unpacked, kinds of waste to wasted."""
    union = unite(read.layers)
    live = _live(read.layers, union)
    dive, problems = dive_numbers(read.layers, union.hidden_bytes), _problems(read.layers, union)
    files = tuple([_record(file, live.names) for file in union.files])
    del union  # the biggest thing in memory, and done with
    live.names.clear()
    waste = dict.fromkeys(("live", *WASTE_KINDS), 0)
    for record in files:
        waste[record.fate] += record.size
    download = _download(read.blobs)
    layers = _layers(read, files, download)
    unpacked = sum(record.size for record in files)
    return Image(
        source=read.source,
        reference=read.reference,
        digest=read.digest,
        config=read.config,
        sizes=ImageSizes(
            download_bytes=None if any(size is None for size in download) else sum(size or 0 for size in download),
            unpacked_bytes=unpacked,
            live_bytes=waste["live"],
            wasted_bytes=unpacked - waste["live"],
            overhead_bytes=sum(layer.overhead_bytes for layer in layers),
        ),
        waste={kind: waste[kind] for kind in WASTE_KINDS},
        layers=layers,
        files=files,
        links=live.links,
        contents=live.contents,
        elf=live.elf,
        packages=read_packages(read.layers, files, live.links, live.contents),
        duplicate_content_bytes=_duplicates(files),
        file_count=live.file_count,
        dive=dive,
        problems=problems,
        checksums=read.layers[0].checksums if read.layers else "xxh3-128",
        digest_verified=all(layer.verified for layer in read.layers),
        statement=read.statement,
    )


class _Live(NamedTuple):
    """What is visible in the end. `names`: the live name that counts, where it is not the name at birth."""

    links: dict[str, str]
    contents: dict[str, bytes]
    elf: dict[str, ElfFacts]
    names: dict[File, str]
    file_count: int


def _live(layers: Sequence[LayerIndex], union: Union) -> _Live:
    links: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    elf: dict[str, ElfFacts] = {}
    names: dict[File, str] = {}
    file_count = 0
    for path, node in union.walk():
        file = node.inode
        if file is not None:
            file_count += 1
            entry = file.entry
            if (file.names > 1 or path != entry.path) and _says_more(path, names.get(file)):
                names[file] = path
            if entry.path in layers[file.layer].contents:
                contents[path] = layers[file.layer].contents[entry.path]
            elif entry.path in layers[file.layer].elf:
                elf[path] = layers[file.layer].elf[entry.path]
        elif isinstance(node, Name) and node.entry.kind == "symlink":
            links[path] = node.entry.link
    return _Live(links, contents, elf, names, file_count)


def _says_more(path: str, chosen: str | None) -> bool:
    return chosen is None or (_INSTALLED.search(path) is not None and not _INSTALLED.search(chosen))


def _record(file: File, names: Mapping[File, str]) -> FileRecord:
    path, _, size, _, mode, uid, gid, _, _, checksum = file.entry
    return FileRecord(names.get(file, path), size, file.layer, file.fate, file.death, checksum, mode, uid, gid)


def _download(blobs: Sequence[LayerBlob]) -> list[int | None]:
    """What each position transfers: a blob that was listed before shows 0."""
    seen: set[str | None] = set()
    sizes: list[int | None] = []
    for blob in blobs:
        sizes.append(0 if blob.digest is not None and blob.digest in seen else blob.download_bytes)
        seen.add(blob.digest)
    return sizes


def _layers(
    read: ReadImage[LayerIndex], files: Sequence[FileRecord], download: Sequence[int | None]
) -> tuple[Layer, ...]:
    unpacked = [0] * len(read.layers)
    live = [0] * len(read.layers)
    for record in files:
        unpacked[record.birth] += record.size
        if record.fate == "live":
            live[record.birth] += record.size
    created_by = _created_by(read.config, len(read.layers))
    return tuple(
        Layer(
            index=index,
            diff_id=blob.diff_id,
            digest=blob.digest,
            created_by=created_by[index],
            download_bytes=download[index],
            unpacked_bytes=unpacked[index],
            live_bytes=live[index],
            wasted_bytes=unpacked[index] - live[index],
            overhead_bytes=layer.tar_bytes - unpacked[index],
            file_count=sum(1 for entry in layer.entries if entry.kind in ("file", "hardlink")),
        )
        for index, (blob, layer) in enumerate(zip(read.blobs, read.layers, strict=True))
    )


def _created_by(config: ImageConfig, count: int) -> list[str | None]:
    """The history entry of each layer; none where the two do not match one to one (a squash, a lost history)."""
    texts: list[str | None] = [entry.created_by for entry in config.history if not entry.empty_layer]
    return texts if len(texts) == count else [None] * count


def _duplicates(files: Sequence[FileRecord]) -> int:
    """Live bytes that are a copy of another live file's content."""
    seen: set[tuple[bytes, int]] = set()
    copies = 0
    for record in files:
        if record.fate == "live" and record.size:
            key = (record.checksum, record.size)
            copies += record.size if key in seen else 0
            seen.add(key)
    return copies


def _problems(layers: Sequence[LayerIndex], union: Union) -> tuple[str, ...]:
    damaged = [f"layer {index}: {text}" for index, layer in enumerate(layers) for text in layer.problems]
    return (*damaged, *union.problems)
