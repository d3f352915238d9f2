"""`imageopt explain`: everything a rule's file says."""

from pathlib import Path

import click

from imageopt.cli.completion import complete_rules
from imageopt.cli.options import config_option


@click.command()
@click.argument("rule", shell_complete=complete_rules)
@config_option
def command(rule: str, config: str | None) -> int:
    """Explain RULE, named by its name, its code, or what another tool calls it.

    \b
    imageopt explain dev-deps-in-final
    imageopt explain IO302
    imageopt explain DL3009
    """
    from imageopt.cli.options import configuration
    from imageopt.cli.streams import columns
    from imageopt.errors import UsageError
    from imageopt.report.explanation import explanation, wrapped
    from imageopt.rules.lookup import Names
    from imageopt.rules.policy import make_policy

    names = Names(make_policy(configuration(".", config), Path()).rules)
    found = names.meant(rule)
    if not found:
        raise UsageError(f"there is no rule {rule!r}", names.suggestion(rule) or "see `imageopt rules`")
    click.echo(wrapped("\n".join(explanation(one) for one in found), columns()), nl=False)
    return 0
