"""`imageopt cache`: what was read of layers and worked out of images, kept so that neither is done twice."""

import click


@click.command()
@click.option("--clear", is_flag=True, help="Remove all of it.")
def command(clear: bool) -> int:
    """Say where what is known of layers and images is kept, and how much it takes.

    It holds names, sizes and checksums, the small files that list packages, and findings. IMAGEOPT_CACHE names another
    folder; empty, it switches the cache off.
    """
    from imageopt.image.cache import user_cache
    from imageopt.units import format_bytes

    cache = user_cache()
    if cache is None:
        click.echo("the cache is switched off: IMAGEOPT_CACHE is empty")
    elif clear:
        click.echo(f"removed {format_bytes(cache.clear())}")
    else:
        click.echo(f"{format_bytes(cache.size())} in {cache.folder}")
    return 0
