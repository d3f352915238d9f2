"""A rule as a page for people: what it finds, why it matters, what to do instead. Examples are its own."""

from imageopt.rules.model import Rule


def explanation(rule: Rule) -> str:
    """Markdown, with a line end; `docs/rules/` and `imageopt explain` show the same."""
    parts = [
        f"# {rule.name} ({rule.code}, {rule.severity})",
        f"{rule.title}.",
        f"## What it finds\n\n{rule.what}",
        f"## Why it matters\n\n{rule.why}",
    ]
    bad = next((example for example in rule.examples if example.kind == "bad"), None)
    good = next((example for example in rule.examples if example.kind == "good"), None)
    if bad is not None:
        parts.append(f"## Example\n\n{bad.note}:\n\n```dockerfile\n{bad.dockerfile}\n```")
    better = f"## Better\n\n{rule.better}"
    if good is not None:
        better += f"\n\n```dockerfile\n{good.dockerfile}\n```"
    parts.append(better)
    how = f"done by `imageopt rewrite` ({rule.fix.transform})" if rule.fix.transform else "for you to do"
    parts.append(f"## Fix safety\n\n{rule.fix.safety}, {how}: {rule.fix.text}.")
    parts.append(f"## When not to follow it\n\n{rule.when_not}")
    if rule.equivalents:
        parts.append(f"Other tools call it {', '.join(rule.equivalents)}.")
    return "\n\n".join(parts) + "\n"
