"""A reference to an `Image`: read, indexed, checked against its digests, accounted for."""

from imageopt.errors import InputError
from imageopt.image.account import account
from imageopt.image.layer import index_layer
from imageopt.image.model import Image, LayerIndex
from imageopt.progress import Progress
from imageopt.source.model import ImageRef, ReadImage
from imageopt.source.overlay2 import SplitLayer
from imageopt.source.read import read_image


def load_image(ref: ImageRef, *, platform: str | None = None, progress: Progress | None = None) -> Image:
    """The image that `ref` names. Raises what `read_image` raises, and InputError for a digest that does not hold."""
    read = read_image(ref, index_layer, index_split=_index_split, platform=platform, progress=progress)
    check_digests(read)
    return account(read)


def _index_split(layer: SplitLayer) -> LayerIndex:
    from imageopt.image.split import index_split  # loads a JSON decoder that the other sources do not need

    return index_split(layer)


def check_digests(read: ReadImage[LayerIndex]) -> None:
    """Raises InputError where a layer's bytes are not those that the manifest or the configuration promise."""
    for number, (blob, layer) in enumerate(zip(read.blobs, read.layers, strict=True)):
        promised = [(blob.diff_id, layer.diff_id)]
        if blob.digest is not None:
            promised.append((blob.digest, layer.digest))
        for expected, found in promised:
            if expected != found:
                raise InputError(
                    f"layer {number} of {read.reference} is damaged: {expected[:19]} expected, {found[:19]} found",
                    "pull, build or save the image again",
                )
