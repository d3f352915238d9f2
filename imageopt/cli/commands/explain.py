"""`imageopt explain`: everything a rule's file says."""

import difflib

import click


@click.command()
@click.argument("rule")
def command(rule: str) -> int:
    """Explain RULE, named by its name or its code (such as dev-deps-in-final or IO302)."""
    from imageopt.errors import UsageError
    from imageopt.report.explanation import explanation
    from imageopt.rules.load import load_rules

    rules = load_rules()
    found = next((item for item in rules if rule in (item.name, item.code) or rule.upper() == item.code), None)
    if found is None:
        close = difflib.get_close_matches(rule, [item.name for item in rules], 1)
        raise UsageError(f"there is no rule {rule!r}", f"did you mean {close[0]}?" if close else "see `imageopt rules`")
    click.echo(explanation(found), nl=False)
    return 0
