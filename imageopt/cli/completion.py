"""What the shell is told when somebody presses tab; click's own scripts ask for it, by running imageopt once more.

It runs at every press of the key, so the names of commands come from the table: no command is imported to be listed.
"""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_IMAGEOPT_COMPLETE"  # click's own name for it: the script sets it, and `main` answers


def script(shell: str) -> str:
    """The script that teaches one of SHELLS to complete imageopt's command line."""
    from click.shell_completion import ShellComplete, get_completion_class

    from imageopt.cli.main import command

    of_shell = get_completion_class(shell)
    assert of_shell is not None
    # not of_shell's own `source`: bash's asks the bash on PATH for its version, which need not be who reads this
    return ShellComplete.source(of_shell(command, {}, "imageopt", _VARIABLE))


def complete_paths(ctx: click.Context, param: click.Parameter, incomplete: str) -> list["CompletionItem[str]"]:  # noqa: ARG001
    """Files and folders, as the shell itself completes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The formats of results that begin so."""
    from imageopt.report.render import ALL

    return [name for name in ALL if name.startswith(incomplete)]


def complete_rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The names of the rules in force here that begin so; none where the configuration cannot be read."""
    from pathlib import Path

    from imageopt.cli.options import configuration
    from imageopt.errors import ImageoptError
    from imageopt.rules.policy import make_policy

    try:
        known = make_policy(configuration(".", None), Path(), examples=False).rules
    except ImageoptError:
        return []
    return sorted(rule.name for rule in known if rule.name.startswith(incomplete))
