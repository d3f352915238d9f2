"""Podman's image layers, found in its own storage (containers/storage) instead of through an export.

The storage keeps the same record of each layer's tar as Docker does (tar_split.py), beside a list of layers and a list
of images. Layers are found from the top down, each by its parent. Any surprise is a `Surprise`, and the export is used:
so for an image of a store that is read-only, or pulled in parts.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imageopt.source.documents import image_config
from imageopt.source.model import ImageConfig
from imageopt.source.overlay2 import SplitLayer, Surprise

_FOLDERS = {"overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}  # where a driver keeps a layer's files


def podman_layers(root: str, driver: str, image_id: str) -> tuple[ImageConfig, list[SplitLayer]]:
    """The image's configuration and its layers in the storage below `root`, base first. Raises Surprise."""
    if driver not in _FOLDERS:
        raise Surprise(f"the engine keeps its layers with {driver}")
    records, images = Path(root) / f"{driver}-layers", Path(root) / f"{driver}-images"
    name = image_id.removeprefix("sha256:")
    image = _by_id(images / "images.json").get(name)
    if image is None:
        raise Surprise("the engine's list of images does not have it")
    config = _config(images / name, name)
    known = _by_id(records / "layers.json") | _by_id(records / "volatile-layers.json", optional=True)
    layers: list[SplitLayer] = []
    above = image.get("layer")
    for diff_id in reversed(config.diff_ids):
        layer = known.get(str(above), {})
        if layer.get("diff-digest") != diff_id:
            raise Surprise("the engine's list of layers does not fit the image")
        try:
            folder = (Path(root) / _FOLDERS[driver].format(above)).resolve(strict=True)
        except OSError:
            raise Surprise("a layer's folder cannot be read") from None
        layers.insert(0, SplitLayer(diff_id, records / f"{above}.tar-split.gz", folder))
        above = layer.get("parent")
    if above:
        raise Surprise("the engine keeps more layers of the image than it has")
    return config, layers


def _by_id(path: Path, *, optional: bool = False) -> dict[str, Mapping[str, Any]]:
    try:
        entries = json.loads(path.read_bytes())
    except FileNotFoundError:
        if optional:
            return {}
        raise Surprise(f"the engine's {path.name} is not there") from None
    except (OSError, ValueError):
        raise Surprise(f"the engine's {path.name} cannot be read") from None
    found = entries if isinstance(entries, list) else []
    return {str(entry.get("id")): entry for entry in found if isinstance(entry, dict)}


def _config(folder: Path, name: str) -> ImageConfig:
    """The configuration's file has its digest for a name, written so that no file system minds the colon."""
    encoded = base64.b64encode(f"sha256:{name}".encode()).decode()
    try:
        data = (folder / f"={encoded}").read_bytes()
    except OSError:
        raise Surprise("the image's configuration cannot be read") from None
    if hashlib.sha256(data).hexdigest() != name:
        raise Surprise("the image's configuration is another one")
    return image_config(data)
