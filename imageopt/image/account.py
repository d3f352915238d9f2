"""Layer indexes to an `Image`: sizes, waste by kind, and the record of every file that was ever stored."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imageopt.image.dive import dive_numbers
from imageopt.image.elf import ElfFacts
from imageopt.image.model import WASTE_KINDS, Fate, FileRecord, Image, ImageSizes, Layer, LayerIndex
from imageopt.image.packages.read import read_packages
from imageopt.image.union import File, Name, Union, unite
from imageopt.lazy_pattern import lazy_pattern
from imageopt.source.model import ImageConfig, LayerBlob, ReadImage

_FILES = ("file", "hardlink")
_INSTALLED = lazy_pattern(r"(?:^|/)(?:node_modules|site-packages)/")  # what a package manager's store is linked to from


def account(read: ReadImage[LayerIndex]) -> Image:
    """The image, counted. The identities hold for any input: records add up to unpacked, kinds of waste to wasted."""
    union = unite(read.layers)
    live = _live(read.layers, union)
    dive, problems = dive_numbers(read.layers, union.hidden_bytes), _problems(read.layers, union)
    files = _records(union.files, live.names)
    del union  # the biggest thing in memory, and done with
    live.names.clear()
    sums = _sums(files, len(read.layers))
    download = _download(read.blobs)
    layers = _layers(read, sums, download)
    live_bytes, wasted_bytes = sum(sums.live), sum(sums.waste.values())
    return Image(
        source=read.source,
        reference=read.reference,
        digest=read.digest,
        config=read.config,
        sizes=ImageSizes(
            download_bytes=None if any(size is None for size in download) else sum(size or 0 for size in download),
            unpacked_bytes=live_bytes + wasted_bytes,
            live_bytes=live_bytes,
            wasted_bytes=wasted_bytes,
            overhead_bytes=sum(layer.overhead_bytes for layer in layers),
            logical_bytes=sum(layer.logical_bytes for layer in layers),
        ),
        waste={kind: sums.waste[kind] for kind in WASTE_KINDS},
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
    kept = [(layer.contents, layer.elf) for layer in layers]
    for path, node in union.walk():
        file = node.inode
        if file is not None:
            file_count += 1
            born = file.entry[0]
            if (file.names > 1 or path != born) and _says_more(path, names.get(file)):
                names[file] = path
            captured, facts = kept[file.layer]
            if born in captured:
                contents[path] = captured[born]
            elif born in facts:
                elf[path] = facts[born]
        elif isinstance(node, Name) and node.entry.kind == "symlink":
            links[path] = node.entry.link
    return _Live(links, contents, elf, names, file_count)


def _says_more(path: str, chosen: str | None) -> bool:
    return chosen is None or (_INSTALLED.search(path) is not None and not _INSTALLED.search(chosen))


def _records(files: Sequence[File], names: Mapping[File, str]) -> tuple[FileRecord, ...]:
    """What became of each file; `names` are those that count and are not the ones at birth."""
    new = tuple.__new__  # what FileRecord(...) calls, without the call that its named fields cost
    return tuple([
        new(FileRecord, (names.get(file, path), size, file.layer, file.fate, file.death, checksum, mode, uid, gid))
        for file in files
        for path, _, size, _, mode, uid, gid, _, _, checksum in (file.entry,)
    ])  # fmt: skip


class _Sums(NamedTuple):
    """Bytes by layer: what was born there, what of that is live, what died there; and by kind of waste."""

    unpacked: list[int]
    live: list[int]
    hid: list[int]
    waste: dict[Fate, int]


def _sums(files: Sequence[FileRecord], layers: int) -> _Sums:
    unpacked, live, hid, waste = sums = _Sums([0] * layers, [0] * layers, [0] * layers, dict.fromkeys(WASTE_KINDS, 0))
    for _, size, birth, fate, death, _, _, _, _ in files:
        unpacked[birth] += size
        if fate == "live":
            live[birth] += size
        else:
            waste[fate] += size
            if death is not None:
                hid[death] += size
    return sums


def _download(blobs: Sequence[LayerBlob]) -> list[int | None]:
    """What each position transfers: a blob that was listed before shows 0."""
    seen: set[str | None] = set()
    sizes: list[int | None] = []
    for blob in blobs:
        sizes.append(0 if blob.digest is not None and blob.digest in seen else blob.download_bytes)
        seen.add(blob.digest)
    return sizes


def _layers(read: ReadImage[LayerIndex], sums: _Sums, download: Sequence[int | None]) -> tuple[Layer, ...]:
    created_by = _created_by(read.config, len(read.layers))
    return tuple(
        Layer(
            index=index,
            diff_id=blob.diff_id,
            digest=blob.digest,
            created_by=created_by[index],
            download_bytes=download[index],
            unpacked_bytes=sums.unpacked[index],
            live_bytes=sums.live[index],
            wasted_bytes=sums.unpacked[index] - sums.live[index],
            overhead_bytes=layer.tar_bytes - sums.unpacked[index],
            hid_bytes=sums.hid[index],
            file_count=sum([entry[1] in _FILES for entry in layer.entries]),
            logical_bytes=sum([entry[3] for entry in layer.entries]),
        )
        for index, (blob, layer) in enumerate(zip(read.blobs, read.layers, strict=True))
    )


def _created_by(config: ImageConfig, count: int) -> list[str | None]:
    """The history entry of each layer; none where the two do not match one to one (a squash, a lost history)."""
    texts: list[str | None] = [entry.created_by for entry in config.history if not entry.empty_layer]
    return texts if len(texts) == count else [None] * count


def _duplicates(files: Sequence[FileRecord]) -> int:
    """Live bytes that are a copy of another live file's content."""
    seen: dict[bytes, int] = {}
    others: set[tuple[bytes, int]] = set()  # of one checksum, and another size than the first that had it
    copies = 0
    for _, size, _, fate, _, checksum, _, _, _ in files:
        if fate == "live" and size:
            if checksum not in seen:
                seen[checksum] = size
            elif seen[checksum] == size or (checksum, size) in others:
                copies += size
            else:
                others.add((checksum, size))
    return copies


def _problems(layers: Sequence[LayerIndex], union: Union) -> tuple[str, ...]:
    damaged = [f"layer {index}: {text}" for index, layer in enumerate(layers) for text in layer.problems]
    return (*damaged, *union.problems)
