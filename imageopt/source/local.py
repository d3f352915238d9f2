"""One image of a local engine: which engine has it, for which platform, and the three ways in which it can be read.

An engine's own records or its content store are read in place where this process may; else the engine exports. What
both give is the same.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.source.asking import Engine
from imageopt.source.containerd import chosen, content_store, fits, uses_containerd
from imageopt.source.documents import image_config
from imageopt.source.engine import ImageExport, image_missing
from imageopt.source.files import Files
from imageopt.source.layout import Described, docker_layout, oci_layout
from imageopt.source.model import ImageConfig, ImageRef
from imageopt.source.overlay2 import SplitLayer, Surprise, split_layers
from imageopt.source.podman import podman_layers

if TYPE_CHECKING:
    from imageopt.source.ahead import SocketExport


class Records(Struct, frozen=True):
    """The image's layers as the engine recorded them, base first."""

    config: ImageConfig
    layers: list[SplitLayer]


class Content(Struct, frozen=True):
    """The image's blobs, and which of the manifests among them it is."""

    files: Files
    manifest: str


class LocalImage(Struct, frozen=True):
    """An image that the engine has. `digest` is its id; where containerd keeps it, that of an index or a manifest."""

    name: str
    kind: Literal["docker", "podman"]
    digest: str
    containerd: bool
    wanted: str | None
    has: str
    _engine: Engine
    _info: Mapping[str, Any]
    _image: Mapping[str, Any]

    def stored(self) -> Records | Content:
        """The image in the engine's own storage. Raises Surprise where it cannot be read there."""
        root, driver = str(self._info.get("DockerRootDir")), str(self._info.get("Driver"))
        if self.containerd:
            files = content_store(root, self._image)
            manifest = self._manifest(files)
            if manifest is None:
                raise Surprise("the engine's content store has no manifest of the image")
            return Content(files, manifest)
        if self.kind == "podman":
            return Records(*podman_layers(root, driver, self.digest))
        config = image_config(self.document())
        return Records(config, split_layers(root, driver, config.diff_ids))

    def document(self) -> bytes:
        """The configuration as docker's own storage keeps it. Raises Surprise where it cannot be read there."""
        if self.containerd or self.kind == "podman":
            raise Surprise("the engine keeps its configurations elsewhere")
        return _docker_config(str(self._info.get("DockerRootDir")), self.digest)

    def export(self) -> "SocketExport | ImageExport":
        """The engine's export of this image alone: a name without a tag would stand for all of its tags."""
        return self._engine.export(self.digest)

    def described(self, export: Files) -> Described:
        """The image as the documents of its export describe it."""
        if self.containerd:  # manifest.json leaves out the digest, and the other platforms
            manifest = self._manifest(export)
            if manifest is None:
                raise InputError(f"the engine's export has no image for {self.has}", "look at the engine's log")
            return oci_layout(export, manifest, None)
        return docker_layout(export, None) or oci_layout(export, None, None)

    def _manifest(self, files: Files) -> str | None:
        found = chosen(files, self.wanted, self.has)
        if found is None and self.wanted:
            raise image_missing(self.name, self.kind, platform=self.wanted, has=self.has)
        return found


@contextmanager
def local_image(ref: ImageRef, platform: str | None) -> Iterator[LocalImage]:
    """The image that the engine has, while the block lasts. Raises InputError where it has none for the platform.

    Raises ToolMissing and ToolFailed where the engine cannot be asked.
    """
    engine = Engine("podman" if ref.source == "podman" else "docker")
    try:
        kind: Literal["docker", "podman"] = "podman" if ref.source == "podman" or engine.is_podman() else "docker"
        image = engine.image(ref.name)
        if image is None:
            raise image_missing(ref.name, kind)
        info = (_storage(image) if kind == "docker" else None) or engine.info()
        containerd = uses_containerd(info)
        has = "/".join(str(image[key]) for key in ("Os", "Architecture", "Variant") if image.get(key))
        if platform and not containerd and not fits(has, platform):
            raise image_missing(ref.name, kind, platform=platform, has=has)
        yield LocalImage(ref.name, kind, str(image.get("Id")), containerd, platform, has, engine, info, image)
    finally:
        engine.close()


def _storage(image: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Of what the engine says of itself, as much as its words about the image tell; None where they do not.

    They do with overlay2, and spare a question for which Docker asks its other programs: 10 to 80 ms.
    """
    driver = image.get("GraphDriver")
    if not isinstance(driver, dict) or driver.get("Name") != "overlay2" or not isinstance(driver.get("Data"), dict):
        return None
    root, found, _ = str(driver["Data"].get("UpperDir")).rpartition("/overlay2/")
    return {"DockerRootDir": root, "Driver": "overlay2"} if found else None


def _docker_config(root: str, digest: str) -> bytes:
    store = Path(root) / "image" / "overlay2" / "imagedb" / "content" / "sha256" / digest.removeprefix("sha256:")
    try:
        data = store.read_bytes()
    except OSError:
        raise Surprise("the engine's image database cannot be read") from None
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise Surprise("the engine's image database holds something else")
    return data
