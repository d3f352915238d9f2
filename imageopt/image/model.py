"""What an image is made of, counted: entries of each layer, the fate of every regular file, sizes by name.

The words `download`, `unpacked`, `live`, `wasted`, `overhead` have one exact meaning each (docs/architecture.md);
two sizes of different meaning are never subtracted, except where the definition itself does so.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, field

from imageopt.image.elf import ElfFacts
from imageopt.source.model import ImageConfig, SourceKind

EntryKind = Literal["file", "hardlink", "symlink", "directory", "character", "block", "fifo"]
ChecksumKind = Literal["xxh3-128", "crc-64"]
Fate = Literal["live", "deleted", "overwritten_same", "overwritten_changed", "duplicate_entry"]
WASTE_KINDS: tuple[Fate, ...] = ("deleted", "overwritten_same", "overwritten_changed", "duplicate_entry")


class Entry(NamedTuple):
    """One entry of a layer's tar that is not a whiteout.

    `path` is relative, without `./`, a leading `/` or a trailing `/`; bytes that are not UTF-8 are surrogate-escaped.
    `size` is the content as stored in the tar, in bytes: 0 for everything but regular files; a sparse file
    counts what the tar stores, and `logical_bytes` what a reader would see.
    `link` is the target of a symlink (as written) or of a hardlink (normalised like `path`).
    `checksum` is of the content of a regular file; equal content has equal checksums within one image.
    """

    path: str
    kind: EntryKind
    size: int
    logical_bytes: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str
    checksum: bytes


class LayerIndex(Struct, frozen=True):
    """Everything one layer's tar holds, without the content.

    `entries` keep the tar's order. `whiteouts` are the paths they hide, `opaques` the directories made opaque.
    `tar_bytes` is the length of the uncompressed tar. `contents` holds the content of the small files that later
    stages read (package databases, manifests). `problems` names damaged or unsafe entries, one line each.
    """

    diff_id: str  # empty where it was not worked out
    digest: str  # of the stream as stored; equal to diff_id where it was not compressed
    stored_bytes: int  # length of the stream as stored
    tar_bytes: int
    checksums: ChecksumKind
    entries: tuple[Entry, ...]
    whiteouts: tuple[str, ...]
    opaques: tuple[str, ...]
    contents: Mapping[str, bytes]
    problems: tuple[str, ...]
    verified: bool = True  # all bytes were read, and the digests are theirs
    elf: Mapping[str, ElfFacts] = field(default_factory=dict)  # by path; of the files that `may_be_elf` names
    unread: tuple[int, ...] = ()  # offsets in the tar of the contents that have no checksum, in the entries' order


class FileRecord(NamedTuple):
    """One regular file's content, from the layer that stored it to the layer that hid it.

    There is one record for each regular-file entry of each layer (hardlinks add names, not records), so the
    records' sizes add up to `unpacked_bytes`. `path` is the name it was born with, or, while live, its first live
    name, those below `node_modules` and `site-packages` before others; `death` is the index of the layer that hid
    its last name, None while live.
    """

    path: str
    size: int
    birth: int
    fate: Fate
    death: int | None
    checksum: bytes
    mode: int
    uid: int
    gid: int


class ImageSizes(Struct, frozen=True):
    """The sizes of an image, in bytes, by the definitions in docs/architecture.md.

    `logical_bytes` is `unpacked_bytes` with the holes of sparse files, which a tar does not store.
    """

    download_bytes: int | None
    unpacked_bytes: int
    live_bytes: int
    wasted_bytes: int
    overhead_bytes: int
    logical_bytes: int = 0


class Layer(Struct, frozen=True):
    """One layer position. `live_bytes` and `wasted_bytes` are of what was born here, `hid_bytes` of what died here.

    `created_by` is the history entry that made it, None where history and layers do not match one to one.
    """

    index: int
    diff_id: str
    digest: str | None
    created_by: str | None
    download_bytes: int | None
    unpacked_bytes: int
    live_bytes: int
    wasted_bytes: int
    overhead_bytes: int
    hid_bytes: int
    file_count: int
    logical_bytes: int = 0


class NpmPackage(Struct, frozen=True):
    """An installed npm package: `path` is its folder, live in the image; `bytes` excludes packages nested in it.

    For a package that yarn keeps packed, `path` is its archive; for one of the workspace, its own folder. `dev` is what
    npm's hidden lock file or pnpm's links in the image say, None where they say nothing. `birth` is the layer in which
    its package.json, as it is, first appeared.
    """

    name: str
    version: str
    path: str
    bytes: int
    dev: bool | None
    birth: int = 0


class LibraryPackage(Struct, frozen=True):
    """A package of a language's own package manager other than npm.

    `path` is its folder; for Python, the folder of its record. `elsewhere` are its live files outside of where such
    packages lie (scripts, data). `bytes` are live and counted here even where a system package brought it, which
    `provided_by` then names ("" for none). `birth` is the layer in which its record, as it is, first appeared.
    """

    manager: Literal["python", "composer"]
    name: str
    version: str
    path: str
    bytes: int
    birth: int
    dev: bool | None
    provided_by: str
    elsewhere: tuple[str, ...]


class SystemPackage(Struct, frozen=True):
    """A package of dpkg or apk. `automatic`: pulled in by another package, not asked for (apt's extended_states).

    `birth` is the layer in which its files list first appeared, `bytes` the live bytes of the files it owns.
    `depends` holds the names of the packages it needs or recommends.
    """

    manager: Literal["dpkg", "apk"]
    name: str
    version: str
    source: str
    bytes: int
    birth: int
    automatic: bool
    depends: tuple[str, ...]
    recommends: tuple[str, ...]


class Packages(Struct, frozen=True):
    """What the image's package databases list. `owners` maps a live path to the system package that owns it.

    `libraries` holds the packages of all other managers, sorted by manager and path.
    """

    npm: tuple[NpmPackage, ...]
    system: tuple[SystemPackage, ...]
    owners: Mapping[str, str]
    libraries: tuple[LibraryPackage, ...] = ()


class DiveNumbers(Struct, frozen=True):
    """dive's own figures by dive's own formula, for teams that move over; `user_wasted_percent` is None for NaN."""

    efficiency: float
    wasted_bytes: int
    user_wasted_percent: float | None


class Image(Struct, frozen=True):
    """An image, read and accounted for.

    `files` holds every regular file ever stored (sums to `unpacked_bytes`); `links` the live symlinks, path to
    target as written; `contents` the captured small files that are live. All paths are relative to the root.
    """

    source: SourceKind
    reference: str
    digest: str | None
    config: ImageConfig
    sizes: ImageSizes
    waste: Mapping[str, int]
    layers: tuple[Layer, ...]
    files: Sequence[FileRecord]
    links: Mapping[str, str]
    contents: Mapping[str, bytes]
    packages: Packages
    duplicate_content_bytes: int
    file_count: int
    dive: DiveNumbers
    problems: tuple[str, ...]
    checksums: ChecksumKind = "xxh3-128"  # checksums of unlike kinds are never compared
    statement: bytes | None = None  # as in `ReadImage`
    elf: Mapping[str, ElfFacts] = field(default_factory=dict)  # what live addons, libraries and programs need, by path
    digest_verified: bool = True  # every layer was read to its end and is what its digest promises
    told_by: tuple[tuple[str, ChecksumKind], ...] = ()  # what its layers are found by in the cache; empty where in none
