"""`imageopt clean`: what an imageopt that was killed left in the engine."""

from typing import Any

import click

from imageopt.cli.options import list_options, read_alone
from imageopt.cli.output import emit_list


@click.command()
@list_options
def command(**options: Any) -> int:
    """Remove containers and images that carry imageopt's own label for a run; nothing else is touched."""
    from imageopt.report.findings import tool
    from imageopt.source.engine import connect
    from imageopt.verify.cleanup import remove_leftovers

    read_alone(options["config"])
    client = connect()
    try:
        removed = list(remove_leftovers(client))
    finally:
        client.close()
    document = {"schema": "imageopt.clean/1", "tool": tool(), "removed": removed}
    emit_list(document, lambda _: "".join(f"removed {name}\n" for name in removed), options["formats"])
    if not options["quiet"]:
        click.echo(f"{len(removed)} left over" if removed else "nothing was left over", err=True)
    return 0
