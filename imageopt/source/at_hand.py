"""The layers of an image that the local engine has, by name or digest: to compare with, never to be pulled."""

from imageopt.errors import ToolFailed, ToolMissing


def layers_at_hand(reference: str) -> tuple[str, ...] | None:
    """The diff_ids of the engine's image, base first; None without an engine or where it has no such image."""
    from imageopt.source.engine import connect, inspect_image

    try:
        client = connect()
    except (ToolMissing, ToolFailed):
        return None
    try:
        image = inspect_image(client, reference)
    except ToolFailed:
        return None
    finally:
        client.close()
    rootfs = image.get("RootFS") if image is not None else None
    layers = rootfs.get("Layers") if isinstance(rootfs, dict) else None
    return tuple(map(str, layers)) if isinstance(layers, list) else None
