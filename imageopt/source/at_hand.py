"""The layers and the digest of an image that the local engine has: to compare with, never to be pulled."""

import contextlib
from collections.abc import Mapping
from typing import Any

from imageopt.errors import ToolFailed, ToolMissing


def layers_at_hand(reference: str) -> tuple[str, ...] | None:
    """The diff_ids of the engine's image, base first; None without an engine or where it has no such image."""
    rootfs = _inspected(reference).get("RootFS")
    layers = rootfs.get("Layers") if isinstance(rootfs, dict) else None
    return tuple(map(str, layers)) if isinstance(layers, list) else None


def digest_at_hand(reference: str) -> str | None:
    """The digest that the registry gave the engine's image under this name when it was pulled.

    None without an engine, and where the image was built or loaded here, or is known under several digests.
    """
    name = reference.partition("@")[0]
    repository = _short(name if ":" not in name.rpartition("/")[2] else name.rpartition(":")[0])
    known = _inspected(reference).get("RepoDigests")
    parted = [str(item).partition("@") for item in known] if isinstance(known, list) else []
    digests = {digest for own, _, digest in parted if _short(own) == repository}
    return digests.pop() if len(digests) == 1 else None


def _short(repository: str) -> str:
    """The repository as Docker shows it."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def _inspected(reference: str) -> Mapping[str, Any]:
    """What the engine says of the image; nothing without an engine or where it has no such image."""
    from imageopt.source.asking import Engine

    try:
        with contextlib.closing(Engine()) as engine:
            return engine.image(reference) or {}
    except (ToolMissing, ToolFailed):
        return {}
