"""`imageopt cache`: the indexes of layers that were read, kept so that no layer is read twice."""

import click


@click.command()
@click.option("--clear", is_flag=True, help="Remove all of it.")
def command(clear: bool) -> int:
    """Say where the indexes of layers are kept, and how much they take.

    They hold names, sizes and checksums, and the small files that list packages. IMAGEOPT_CACHE names another folder;
    empty, it switches the cache off.
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
