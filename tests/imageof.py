"""An image from layers in words, without a file in between: what the accounting is tested with."""

import io
from collections.abc import Sequence

from imagebuilder import Item, config, layer

from imageopt.image.account import account
from imageopt.image.layer import index_layer
from imageopt.image.model import WASTE_KINDS, Image
from imageopt.source.documents import image_config
from imageopt.source.model import LayerBlob, ReadImage


def image_of(*layers: Sequence[Item]) -> Image:
    """The image whose layers hold these items, base first."""
    tars = [layer(*items) for items in layers]
    settings = image_config(config(tars))
    indexes = tuple(index_layer(io.BytesIO(tar)) for tar in tars)
    blobs = tuple(LayerBlob(diff_id, None, None) for diff_id in settings.diff_ids)
    return account(ReadImage("docker-archive", "test", None, settings, blobs, indexes))


def check_identities(image: Image) -> None:
    """What must hold for any image."""
    assert image.sizes.wasted_bytes == image.sizes.unpacked_bytes - image.sizes.live_bytes == sum(image.waste.values())
    assert sum(record.size for record in image.files) == image.sizes.unpacked_bytes
    for name in ("unpacked_bytes", "live_bytes", "wasted_bytes", "overhead_bytes"):
        assert sum(getattr(layer, name) for layer in image.layers) == getattr(image.sizes, name)
    assert all((record.death is None) == (record.fate == "live") for record in image.files)
    assert set(image.waste) == set(WASTE_KINDS)
