"""`imageopt explain`: everything a rule's file says."""

from pathlib import Path
from typing import Any

import click

from imageopt.cli.completion import complete_rules
from imageopt.cli.options import list_options
from imageopt.cli.output import emit_list


@click.command()
@click.argument("rule", shell_complete=complete_rules)
@list_options
def command(rule: str, **options: Any) -> int:
    """Explain RULE, named by its name, its code, or what another tool calls it.

    \b
    imageopt explain dev-deps-in-final
    imageopt explain IO302
    imageopt explain DL3009
    """
    from imageopt.cli.options import configuration
    from imageopt.errors import UsageError
    from imageopt.report.explanation import explanation, explanations_document, wrapped
    from imageopt.rules.lookup import Names
    from imageopt.rules.policy import make_policy

    names = Names(make_policy(configuration(".", options["config"]), Path()).rules)
    found = names.meant(rule)
    if not found:
        raise UsageError(f"there is no rule {rule!r}", names.suggestion(rule) or "see `imageopt rules`")
    page = "\n".join(explanation(one) for one in found)
    emit_list(explanations_document(found), lambda width: wrapped(page, width), options["formats"])
    return 0
