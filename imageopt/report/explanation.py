"""A rule as a page for people: what it finds, why it matters, what to do instead. Examples are its own."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from imageopt.report.findings import tool
from imageopt.report.rule_list import rule_section
from imageopt.rewrite.fixes.registry import FIXES
from imageopt.rewrite.worth import ORDER
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
    parts.append(f"## Fix safety\n\n{rule.fix.safety}, {_who(rule)}: {rule.fix.text}.")
    parts.append(f"## When not to follow it\n\n{rule.when_not}")
    if rule.equivalents:
        parts.append(f"Other tools call it {', '.join(rule.equivalents)}.")
    return "\n\n".join(parts) + "\n"


def wrapped(text: str, width: int | None) -> str:
    """The page for a terminal of this width, wrapped between words; examples stay as they are."""
    if width is None:
        return text
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        whole = fenced or line.startswith("```") or len(line) <= width
        lines += [line] if whole else wrap(line, width, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)


def explanations_document(rules: Sequence[Rule]) -> dict[str, Any]:
    """The document `imageopt.explanation/1`: all that the rules' files say, in the order given."""
    return {"schema": "imageopt.explanation/1", "tool": tool(), "rules": [_explained(rule) for rule in rules]}


def _explained(rule: Rule) -> dict[str, Any]:
    return {
        **rule_section(rule),
        "what": rule.what,
        "why": rule.why,
        "better": rule.better,
        "when_not": rule.when_not,
        "examples": [
            {"kind": example.kind, "note": example.note, "dockerfile": example.dockerfile, "files": dict(example.files)}
            for example in rule.examples
        ],
    }


def _who(rule: Rule) -> str:
    """Who does it: a whole rewrite, a small edit, or a person."""
    done = [f"`imageopt rewrite` ({rule.fix.transform})"] if rule.fix.transform in ORDER else []
    done += ["`imageopt rewrite --fix`"] if rule.name in FIXES else []
    return f"done by {' or '.join(done)}" if done else "for you to do"
