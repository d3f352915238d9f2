"""What people call a rule -> the rules that are meant: names, codes, and what other tools call the same thing.

Other tools' names differ in spelling only: Trivy's DS-0002 is also AVD-DS-0002 and DS002.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.model import Rule

_TRIVY = lazy_pattern(r"(?:AVD-)?DS-?0*(\d+)", re.IGNORECASE)
_TOOLS = {"docker": "buildkit"}  # a build check by the name of the program that runs it


class Names:
    """Finds rules by their names; worked out on first use, for most files ask for none."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)

    @cached_property
    def own(self) -> Mapping[str, Rule]:
        """Each rule by its name and by its code, in lower case."""
        return {key.lower(): rule for rule in self._rules for key in (rule.code, rule.name)}

    @cached_property
    def foreign(self) -> Mapping[tuple[str, str], tuple[Rule, ...]]:
        """The rules that another tool has under a name of its own: `("hadolint", "dl3009")`."""
        found: dict[tuple[str, str], tuple[Rule, ...]] = {}
        for rule in self._rules:
            for equivalent in rule.equivalents:
                tool, _, name = equivalent.partition(":")
                key = (_TOOLS.get(tool, tool), _spelled(name))
                found[key] = (*found.get(key, ()), rule)
        return found

    def of_tool(self, tool: str, name: str) -> tuple[Rule, ...]:
        """What the tool's name stands for here: nothing, one rule, or several; `all` and `*` are all it has."""
        if name.lower() in ("all", "*"):
            found = (rule for (owner, _), rules in self.foreign.items() if owner == tool for rule in rules)
            return tuple({rule.code: rule for rule in found}.values())
        return self.foreign.get((tool, _spelled(name)), ())

    def meant(self, name: str) -> tuple[Rule, ...]:
        """The rules that a person means, whatever tool's name it is."""
        own = self.own.get(name.lower())
        if own is not None:
            return (own,)
        word = _spelled(name.rpartition(":")[2])
        found = (rule for (_, key), rules in self.foreign.items() if key == word for rule in rules)
        return tuple({rule.code: rule for rule in found}.values())

    def suggestion(self, name: str) -> str:
        """`did you mean apt-lists-left?` for a name that is nobody's; empty where none comes near."""
        import difflib

        meant = self.meant(name) or tuple(
            self.own[key] for key in difflib.get_close_matches(name.lower()[:100], list(self.own), 1)
        )
        return f"did you mean {' or '.join(rule.name for rule in meant)}?" if meant else ""


def _spelled(name: str) -> str:
    trivy = _TRIVY.fullmatch(name.strip())
    return f"ds-{int(trivy[1])}" if trivy else name.strip().lower()
