"""`imageopt doctor`: what is there, what is missing, and what each missing part costs."""

from textwrap import fill

import click

from imageopt.cli.streams import columns


@click.command()
def command() -> int:
    """Look for engine, builders, Trivy, its database and Textual, and say what cannot be done without them."""
    from imageopt.cli.diagnosis import diagnose

    for item in diagnose():
        start = f"{'found' if item.found else 'missing':7}  {item.name:10}  "
        click.echo(_told(start, item.detail))
        if not item.found:
            click.echo(_told(" " * len(start), f"without it: {item.cost}"))
    return 0


def _told(start: str, text: str) -> str:
    """The text behind its start; a terminal gets lines that begin below one another."""
    width = columns()
    if width is None:
        return f"{start}{text}"
    return fill(text, width, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)
