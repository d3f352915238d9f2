"""`imageopt rules`: the rules, a line each."""

import click


@click.command()
@click.argument("category", required=False)
def command(category: str | None) -> int:
    """List the rules, or those of one CATEGORY (size, build, node, security, correctness)."""
    from imageopt.errors import UsageError
    from imageopt.rules.load import load_rules

    rules = load_rules()
    categories = sorted({rule.category for rule in rules})
    if category is not None and category not in categories:
        raise UsageError(f"there is no category {category!r}", f"there are {', '.join(categories)}")
    for rule in rules:
        if category in (None, rule.category):
            click.echo(f"{rule.code}  {rule.severity:8} {rule.name:34} {rule.title}")
    return 0
