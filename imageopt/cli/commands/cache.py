"""`imageopt cache`: what was read of layers and worked out of images, kept so that neither is done twice."""

from typing import Any

import click

from imageopt.cli.options import list_options, read_alone
from imageopt.cli.output import emit_list


@click.command()
@click.option("--clear", is_flag=True, help="Remove all of it.")
@list_options
def command(clear: bool, **options: Any) -> int:
    """Say where what is known of layers and images is kept, and how much it takes.

    It holds names, sizes and checksums, the small files that list packages, and findings. IMAGEOPT_CACHE names another
    folder; empty, it switches the cache off.
    """
    from imageopt.image.cache import user_cache
    from imageopt.report.findings import tool
    from imageopt.units import format_bytes

    read_alone(options["config"])
    cache = user_cache()
    removed = cache.clear() if cache is not None and clear else None
    size = cache.size() if cache is not None else 0
    if cache is None:
        text = "the cache is switched off: IMAGEOPT_CACHE is empty"
    elif removed is not None:
        text = f"removed {format_bytes(removed)}"
    else:
        text = f"{format_bytes(size)} in {cache.folder}"
    document = {
        "schema": "imageopt.cache/1",
        "tool": tool(),
        "folder": None if cache is None else str(cache.folder),
        "bytes": size,
        "removed_bytes": removed,
    }
    emit_list(document, lambda _: f"{text}\n", options["formats"])
    return 0
