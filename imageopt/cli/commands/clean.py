"""`imageopt clean`: what an imageopt that was killed left in the engine."""

import click


@click.command()
def command() -> int:
    """Remove containers and images that carry imageopt's own label for a run; nothing else is touched."""
    from imageopt.source.engine import connect
    from imageopt.verify.cleanup import remove_leftovers

    client = connect()
    try:
        removed = remove_leftovers(client)
    finally:
        client.close()
    for name in removed:
        click.echo(f"removed {name}")
    click.echo(f"{len(removed)} left over" if removed else "nothing was left over", err=True)
    return 0
