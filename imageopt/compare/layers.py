"""The layers of two images -> which are shared from the bottom, which took the place of which, and what a pull costs.

Above the first layer that differs nothing is shared, although the very same layer may stand there: an engine's store
knows a layer by all that lies below it.
"""

import re
from collections import Counter
from collections.abc import Hashable
from difflib import SequenceMatcher

from imageopt.compare.model import LayerChange, LayerChanges, LayerFate
from imageopt.image.model import FileRecord, Image

_CHECKSUM = re.compile(r"\b(dir|file|multi):[0-9a-f]{8,}")  # how the classic builder names what it copies
_ARGUMENTS = re.compile(r"^(?:RUN )?\|\d+ .*?(?=/\S*sh -)")  # values of build arguments, in front of the shell


def compare_layers(before: Image, after: Image) -> LayerChanges:
    """The layers above the shared ones, in the order of the second image, with those of the first where they stood."""
    shared = shared_layers(before, after)
    replaced = after.layers[shared:]
    known = {layer.digest for layer in before.layers}
    by_digest = [layer.download_bytes for layer in after.layers if layer.digest not in known]
    digests_known = None not in known and all(layer.digest is not None for layer in replaced)
    return LayerChanges(
        shared=shared,
        changes=tuple(_pairs(before, after, shared)),
        new_unpacked_bytes=sum(layer.unpacked_bytes for layer in replaced),
        pull_bytes=_sum([layer.download_bytes for layer in replaced]),
        pull_by_digest_bytes=_sum(by_digest) if digests_known else None,
    )


def shared_layers(before: Image, after: Image) -> int:
    """How many layers from the bottom are the same."""
    for number, (old, new) in enumerate(zip(before.layers, after.layers, strict=False)):
        if old.diff_id != new.diff_id:
            return number
    return min(len(before.layers), len(after.layers))


def _sum(sizes: list[int | None]) -> int | None:
    return None if None in sizes else sum(size or 0 for size in sizes)


def _pairs(before: Image, after: Image, shared: int) -> list[LayerChange]:
    old, new = range(shared, len(before.layers)), range(shared, len(after.layers))
    matcher = SequenceMatcher(
        None, [_said(before, index) for index in old], [_said(after, index) for index in new], autojunk=False
    )
    found: list[LayerChange] = []
    for kind, left, left_end, right, right_end in matcher.get_opcodes():
        if kind == "equal":
            for one, other in zip(range(left, left_end), range(right, right_end), strict=True):
                fate = _fate(before, old[one], after, new[other])
                found.append(LayerChange(fate, old[one], new[other]))
            continue
        found += [LayerChange("removed", old[index], None) for index in range(left, left_end)]
        found += [LayerChange("added", None, new[index]) for index in range(right, right_end)]
    return found


def _said(image: Image, index: int) -> str:
    """What the layer's instruction says, without what differs from build to build; a layer without is like none."""
    text = image.layers[index].created_by
    return image.layers[index].diff_id if not text else _ARGUMENTS.sub("", _CHECKSUM.sub(r"\1:", text)).strip()


def _fate(before: Image, old: int, after: Image, new: int) -> LayerFate:
    if before.layers[old].diff_id == after.layers[new].diff_id:
        return "same"
    files = _files(before, old), _files(after, new)
    comparable = before.checksums == after.checksums and all(file.checksum for file in (*files[0], *files[1]))
    return "rebuilt" if comparable and _contents(files[0]) == _contents(files[1]) else "changed"


def _files(image: Image, layer: int) -> list[FileRecord]:
    return [file for file in image.files if file.birth == layer]


def _contents(files: list[FileRecord]) -> Counter[Hashable]:
    return Counter((file.path, file.size, file.checksum, file.mode, file.uid, file.gid) for file in files)
