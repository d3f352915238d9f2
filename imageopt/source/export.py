"""An engine's export, read once as it arrives: layers are handed on as they pass, documents are kept.

The export names its layers only at its end, in manifest.json, so every blob that looks like a layer is indexed under
its name, and put into order afterwards.
"""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, Generic, cast

from imageopt.errors import InputError
from imageopt.source.documents import LIMIT
from imageopt.source.model import LayerT
from imageopt.source.tar import BLOCK, TarStream, walk

_TOLD = 1 << 22  # bytes from one word on the progress to the next: an engine sends some thousand times as many pieces


class ExportReader(Generic[LayerT]):
    """The documents and layers of a tar that can be read once. It is a `Files` of the documents."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        index_layer: Callable[[BinaryIO], LayerT],
        seen: Callable[[int], None] = lambda _position: None,
    ) -> None:
        self._documents: dict[str, bytes] = {}
        self._layers: dict[str, LayerT] = {}
        self._links: dict[str, str] = {}
        self.compressed: set[str] = set()
        self.sizes: dict[str, int] = {}
        tar = TarStream(read, chunk=1 << 20)
        for member in walk(tar):
            name = os.path.normpath(member.name.decode("utf-8", "surrogateescape"))
            if member.type in (b"1", b"2"):
                link = member.link.decode("utf-8", "surrogateescape")
                base = name.rpartition("/")[0] if member.type == b"2" else ""
                self._links[name] = os.path.normpath(f"{base}/{link}" if base else link)
            head = tar.peek(min(member.stored, BLOCK))
            if is_layer(name, head):
                part = _Passing(tar, member.stored, seen)
                self._layers[name] = index_layer(cast("BinaryIO", part))
                tar.skip(part.left)
                self.sizes[name] = member.stored
                if is_compressed(head):
                    self.compressed.add(name)
            elif member.stored <= LIMIT:
                self._documents[name] = tar.take(member.stored)
            else:
                tar.skip(member.stored)

    def size(self, name: str) -> int | None:
        """Bytes of a document, None where there is none of that name."""
        data = self._documents.get(self.resolved(name))
        return None if data is None else len(data)

    def open(self, name: str) -> io.BufferedReader:
        """A document, at its beginning."""
        return io.BufferedReader(io.BytesIO(self._documents[self.resolved(name)]))

    def layer(self, name: str) -> LayerT:
        """What the indexing function made of the layer of that name. Raises InputError where there was none."""
        try:
            return self._layers[self.resolved(name)]
        except KeyError:
            raise InputError(
                f"the engine's export lacks the layer {name[:80]!r}", "see whether `docker save` of the image works"
            ) from None

    def resolved(self, name: str) -> str:
        """The name that a link in the archive leads to, the name itself where it is none."""
        for _ in range(16):
            if name not in self._links:
                break
            name = self._links[name]
        return name


def is_compressed(head: bytes) -> bool:
    """Whether a layer that begins like this is gzip or zstd."""
    return head[:2] == b"\x1f\x8b" or head[:4] == b"\x28\xb5\x2f\xfd" or head[1:4] == b"\x2a\x4d\x18"


def is_layer(name: str, head: bytes) -> bool:
    """Whether a file of an archive is a layer: by its content, and by its name where a tar is as old as its format."""
    if is_compressed(head) or head[257:262] == b"ustar":
        return True
    named = name.endswith((".tar", ".tar.gz"))
    return named or (len(head) == BLOCK and name.startswith("blobs/") and not head.strip(b"\0"))


class _Passing:
    """The content of the member that is passing by, as a stream of its own that can only be read.

    What it gives is a view of what came, not a copy: of gigabytes that pass by each copy is felt.
    """

    def __init__(self, tar: TarStream, length: int, seen: Callable[[int], None]) -> None:
        self._tar = tar
        self._seen = seen
        self.left = length

    def seekable(self) -> bool:
        """It is not: what has passed by is gone."""
        return False

    def read(self, count: int) -> memoryview:
        """At most `count` bytes, as many as have come; none at the end."""
        data = self._tar.some(min(count, self.left))
        self.left -= len(data)
        if self._tar.position // _TOLD != (self._tar.position - len(data)) // _TOLD:
            self._seen(self._tar.position)
        return data
