"""What a project's files say -> the text of its first `imageopt.toml`, and a measured budget in one that is there."""

import json
from collections.abc import Mapping
from typing import Any

from imageopt.gate.adopt import budget_text
from imageopt.project.model import Project

_HEAD = """\
# imageopt: what makes this project's image big, and what it may become. Every key has a default;
# `imageopt rules` tells which rules are in force here.
"""
_BUDGET = """
# [budget]                  # each is optional; at the limit it passes
# download = "120 MB"       # what a pull transfers
# unpacked = "400 MB"       # what the image holds; `imageopt gate --build --adopt` takes today's sizes
# wasted = "5%"             # stored and not visible, of the bytes on top of the base image
# growth = "2%"             # against the baseline, which `imageopt gate --help` explains
# [budget.vulnerabilities]
# critical = 0
"""
_REWRITE = """
[rewrite]
target = "auto"             # auto | alpine | slim | distroless | keep: auto takes alpine where that is safe
"""


def first_configuration(project: Project) -> str:
    """The text, with what the project tells as values and everything else as comments."""
    return f"{_HEAD}{_BUDGET}{_REWRITE}\n{_verify(project)}"


def with_budget(text: str, measured: Mapping[str, Any]) -> str:
    """The text with a budget taken from an analysis that saw an image; one that is there already stays as it is."""
    import tomli

    if "budget" in tomli.loads(text):
        return text
    return budget_text(text.replace(_BUDGET, ""), measured)


def _verify(project: Project) -> str:
    """Where the service listens, as its files tell; the first of several, and the others in a comment."""
    lines = ["[verify]"]
    ports = [fact for fact in project.ports if fact.value.isdecimal()]
    if ports:
        lines.append(f"{f'port = {ports[0].value}':26}  # {_plain(ports[0].source)} says so")
    else:
        lines.append("# port = 3000               # found out where the Dockerfile or the source tells it")
    routes = ", ".join(json.dumps(fact.value) for fact in project.routes[:5])
    known = f"paths = [{routes}]" if routes else '# paths = ["/", "/health"]'
    lines.append(f"{known:26}  # what both versions are asked, and have to answer alike")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """One line for a comment, whatever a file is called."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
