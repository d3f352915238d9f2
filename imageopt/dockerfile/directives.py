"""Reads the parser directives at the top of a Dockerfile: `syntax`, `escape`, `check`.

They end at the first line that is anything else, also a blank line or a comment; a later one is a mere comment.
"""

import re

from imageopt.dockerfile.model import Problem
from imageopt.dockerfile.words import SPACE
from imageopt.lazy_pattern import lazy_pattern

_DIRECTIVE = lazy_pattern(rf"#[{SPACE}]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=(.*)", re.DOTALL)
_KNOWN = frozenset({"syntax", "escape", "check"})


class Directives:
    """The directives seen so far; `offer` every line until it says no."""

    def __init__(self) -> None:
        self.escape = "\\"
        self.values: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._open = True

    def offer(self, content: str, line: int) -> bool:
        """Whether this line (stripped) is a directive."""
        may_be = self._open and "=" in content and content.startswith("#")
        match = _DIRECTIVE.fullmatch(content) if may_be else None
        name = match[1].lower() if match else ""
        if match is None or name not in _KNOWN or not match[2].strip():
            self._open = False
            return False
        value = match[2].strip("\t\n\f\r ")
        if name in self.values:
            self._report("duplicate-directive", f"only one {name} directive can be used", line)
        elif name == "escape" and value not in ("\\", "`"):
            self._report("invalid-escape", f"{value!r} cannot be the escape character, only a backslash or `", line)
        else:
            self.values[name] = value
            self.escape = value if name == "escape" else self.escape
        return True

    def _report(self, code: str, message: str, line: int) -> None:
        self.problems.append(Problem(code, message, line, line))
