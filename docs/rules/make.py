"""Writes the pages of this folder from the rule files: `python docs/rules/make.py`. A test compares them."""

from pathlib import Path

from imageopt.report.explanation import explanation
from imageopt.rules.load import load_rules

HERE = Path(__file__).parent


def pages() -> dict[str, str]:
    """File name -> text, the index included."""
    rules = load_rules()
    made = {f"{rule.name}.md": explanation(rule) for rule in rules}
    rows = [f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.severity} | {rule.title} |" for rule in rules]
    head = ["# Rules", "", "| code | rule | severity | what it says |", "|---|---|---|---|"]
    made["README.md"] = "\n".join([*head, *rows]) + "\n"
    return made


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
