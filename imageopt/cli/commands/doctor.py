"""`imageopt doctor`: what is there, what is missing, and what each missing part costs."""

import click


@click.command()
def command() -> int:
    """Look for engine, builders, Trivy, its database and Textual, and say what cannot be done without them."""
    from imageopt.cli.diagnosis import diagnose

    for item in diagnose():
        mark = "found  " if item.found else "missing"
        click.echo(f"{mark}  {item.name:10} {item.detail}")
        if not item.found:
            click.echo(f"         {'':10} without it: {item.cost}")
    return 0
