"""`imageopt completion`: the script for a shell."""

import click

from imageopt.cli.completion import SHELLS, script


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the script that lets SHELL complete commands, options, files and rules.

    \b
    bash   echo 'eval "$(imageopt completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(imageopt completion zsh)"' >> ~/.zshrc
    fish   imageopt completion fish > ~/.config/fish/completions/imageopt.fish
    """
    click.echo(script(shell), nl=False)
    return 0
