"""`imageopt rules`: the rules in force here, a line each."""

from pathlib import Path
from typing import Any

import click

from imageopt.cli.options import list_options
from imageopt.cli.output import emit_list

_SEVERITIES = ("error", "warning", "info", "style", "off")


@click.command()
@click.argument("category", required=False)
@click.option("--severity", type=click.Choice(_SEVERITIES), multiple=True, help="Only these (repeatable).")
@click.option("--fix", type=click.Choice(("safe", "verify", "propose")), help="Only rules whose fix is so.")
@click.option("--automatic", is_flag=True, help="Only rules that `imageopt rewrite` mends.")
@list_options
def command(category: str | None, **options: Any) -> int:
    """List the rules, or those of one CATEGORY, with the severity they have in this folder.

    A team's own rules are among them. Behind the severity stands how safe the fix is: safe is a text edit that cannot
    change what the image does, verify wants a build and a run, propose is for a person to judge; `imageopt rewrite`
    makes those with a star.
    """
    from imageopt.cli.options import configuration
    from imageopt.errors import UsageError
    from imageopt.report.rule_list import rule_lines, rules_document
    from imageopt.rules.policy import make_policy

    config = configuration(".", options["config"])
    rules = make_policy(config, Path(), examples=False).rules
    categories = sorted({rule.category for rule in rules})
    if category is not None and category not in categories:
        raise UsageError(f"there is no category {category!r}", f"there are {', '.join(categories)}")
    wanted = [
        rule
        for rule in rules
        if category in (None, rule.category)
        and (not options["severity"] or rule.severity in options["severity"])
        and options["fix"] in (None, rule.fix.safety)
        and (rule.fix.kind == "automatic" or not options["automatic"])
    ]
    emit_list(rules_document(wanted), lambda width: rule_lines(wanted, width), options["formats"])
    return 0
